"""Which connection of avain.toml a provider's orders take, for the channels that have connections."""

from typing import TypeVar

from connectors.channels.base import Destination
from core.channel_settings import Connections, HttpsConnection, SftpConnection
from core.errors import Message, Permanent
from core.i18n import N_

Kind = TypeVar("Kind", SftpConnection, HttpsConnection)


def connection_problem(
    destination: Destination, connections: Connections, kind: type[SftpConnection | HttpsConnection]
) -> Message | None:
    """Why there is no connection of this kind to a provider, or None."""
    name = destination.settings.get("connection")
    if not name:
        return Message(N_("It is not said which connection orders go out by (channel setting `connection`)."))
    found = connections.get(str(name))
    if found is None:
        return Message(
            N_("There is no connection {connection} in avain.toml ([orders.connections.{connection}])."),
            connection=str(name),
        )
    if not isinstance(found, kind):
        return Message(
            N_("The connection {connection} is of another kind ({kind})."), connection=str(name), kind=found.kind
        )
    if found.peppol and not destination.endpoint_id:
        return Message(
            N_("The connection {connection} goes through Peppol, and the provider has no electronic address there."),
            connection=str(name),
        )
    return None


def connection_of(destination: Destination, connections: Connections, kind: type[Kind]) -> Kind:
    """The connection a provider's orders take. Raises Permanent with what is missing."""
    problem = connection_problem(destination, connections, kind)
    found = connections.get(str(destination.settings.get("connection")))
    if problem is not None or not isinstance(found, kind):
        raise Permanent(problem or Message(N_("There is no connection for orders.")))
    return found
