"""What ways out are called: in the database, and by people."""

from collections.abc import Mapping
from typing import Any, Final

from core.errors import Message
from core.i18n import N_

MAIL: Final = "mail"
OUTBOX: Final = "outbox"
_CONNECTION: Final = "connection:"


def connection(name: str) -> str:
    """The way of a connection of avain.toml ([orders.connections.<name>])."""
    return f"{_CONNECTION}{name}"


def way_of(channel: str, settings: Mapping[str, Any]) -> str | None:
    """Which way an order goes out, by its channel and the provider's settings of it; None where nothing leaves by itself."""
    if channel == "email":
        return MAIL
    if channel == "file":
        return OUTBOX
    if channel in {"sftp", "https"}:
        return connection(str(settings.get("connection")))
    return None


def connection_in(way: str) -> str | None:
    """The connection's own name, if the way is one."""
    return way.removeprefix(_CONNECTION) if way.startswith(_CONNECTION) else None


def said(way: str) -> Message:
    """What people call it: a heading, or the beginning of a line."""
    if way == MAIL:
        return Message(N_("Mail server"))
    if way == OUTBOX:
        return Message(N_("Folder of order files"))
    return Message(N_("Connection {connection}"), connection=connection_in(way) or way)
