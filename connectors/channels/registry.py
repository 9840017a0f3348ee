"""The order channels there are, by the name a provider's `channel` column holds. A new one is a module and a line here."""

from connectors.channels.base import Channel, Destination
from connectors.channels.email import EmailChannel
from connectors.channels.external import ExternalChannel
from connectors.channels.file import FileChannel
from core.errors import Message, Permanent
from core.i18n import N_
from core.settings import Mail, Orders, Organisation


def open_channels(orders: Orders, mail: Mail, organisation: Organisation) -> dict[str, Channel]:
    """Every channel by name, ready to send. Nothing is connected yet."""
    channels: tuple[Channel, ...] = (
        EmailChannel(mail, organisation),
        FileChannel(orders.outbox),
        ExternalChannel(),
    )
    return {channel.name: channel for channel in channels}


def channel_named(name: str, channels: dict[str, Channel]) -> Channel:
    """The channel of that name. Raises Permanent when this version has none."""
    try:
        return channels[name]
    except KeyError:
        raise Permanent(_unknown(name, channels)) from None


def problem(name: str, destination: Destination, channels: dict[str, Channel]) -> Message | None:
    """Why orders cannot reach a provider, or None."""
    return channels[name].problem(destination) if name in channels else _unknown(name, channels)


def _unknown(name: str, channels: dict[str, Channel]) -> Message:
    return Message(
        N_("There is no order channel {channel}; there are: {known}"), channel=name, known=", ".join(sorted(channels))
    )
