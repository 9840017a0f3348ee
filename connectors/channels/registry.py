"""The order channels there are, by the name a provider's `channel` column holds. A new one is a module and a line here."""

from typing import Final

from connectors.channels.base import Channel, Destination, Means
from connectors.channels.email import EmailChannel
from connectors.channels.external import ExternalChannel
from connectors.channels.file import FileChannel
from connectors.channels.https import HttpsChannel
from connectors.channels.sftp import SftpChannel
from core.channel_settings import NO_CONNECTIONS, Connections
from core.errors import Message, Permanent
from core.i18n import N_

CHANNELS: Final[dict[str, type[Channel]]] = {
    channel.name: channel for channel in (EmailChannel, SftpChannel, HttpsChannel, FileChannel, ExternalChannel)
}
#: Settings of a provider that hold on every channel: the Peppol profile of its orders.
COMMON_SETTINGS: Final = frozenset({"profile"})


def channel_named(name: str) -> type[Channel]:
    """The kind of channel of that name. Raises Permanent when this version has none."""
    if name not in CHANNELS:
        raise Permanent(_unknown(name))
    return CHANNELS[name]


def open_channel(name: str, means: Means) -> Channel:
    """The channel of that name, ready to send. Raises Permanent when this version has none."""
    return channel_named(name).ready(means)


def problem(name: str, destination: Destination, connections: Connections = NO_CONNECTIONS) -> Message | None:
    """Why orders cannot reach a provider, or None. `connections`: those of avain.toml, by name."""
    return CHANNELS[name].problem(destination, connections) if name in CHANNELS else _unknown(name)


def _unknown(name: str) -> Message:
    return Message(
        N_("There is no order channel {channel}; there are: {known}"), channel=name, known=", ".join(sorted(CHANNELS))
    )
