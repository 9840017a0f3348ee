"""The ways by which Avain goes out to hosts that settings name, each reduced to: go to this host. And what was seen of the network meanwhile."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from connectors.addresses import Resolver
from connectors.cases.fhir.server import FhirServer
from connectors.channels.https import HttpsChannel
from connectors.channels.sftp import SftpChannel
from connectors.transports.https import HttpsFile
from core.channel_settings import HttpsConnection, SftpConnection
from core.settings import Organisation
from core.source_settings import Fhir
from core.transport_settings import HttpsFile as HttpsSettings
from tests.support.orders_out import delivery
from tests.support.sftp_server import HOST_KEY, USER, WORD, make

#: Goes to a host and port, its name being looked up by the resolver.
Go = Callable[[str, int, Resolver, bool], Any]
_KEY: Final = HOST_KEY.export_public_key().decode().strip()


def file_by_https(host: str, port: int, resolver: Resolver, private: bool) -> Any:
    settings = HttpsSettings(
        kind="https", url=f"http://{host}:{port}/cases.xml", allow_private=private, allow_http=True,
        username="avain", password=SecretStr("sala-sana-1"),
    )  # fmt: skip
    return HttpsFile(settings, resolver=resolver).look()


def fhir(host: str, port: int, resolver: Resolver, private: bool) -> Any:
    settings = Fhir(base_url=f"http://{host}:{port}/r4", allow_private=private, allow_http=True)
    server = FhirServer(settings, resolver=resolver, wait=lambda _: None)
    return server.get(server.url("EpisodeOfCare"))


def order_by_https(host: str, port: int, resolver: Resolver, private: bool) -> Any:
    connection = HttpsConnection(
        kind="https", url=f"http://{host}:{port}/orders", allow_private=private, allow_http=True, peppol=False
    )
    return HttpsChannel({"out": connection}, Organisation(), resolver=resolver).send(delivery("https"))


def files_by_sftp(host: str, port: int, resolver: Resolver, private: bool) -> Any:
    return make(port, host=host, resolver=resolver, allow_private=private).look()


def order_by_sftp(host: str, port: int, resolver: Resolver, private: bool) -> Any:
    connection = SftpConnection(
        kind="sftp", host=host, port=port, username=USER, password=SecretStr(WORD), host_key=_KEY, allow_private=private
    )
    return SftpChannel({"out": connection}, resolver=resolver).send(delivery("sftp"))


WAYS: Final[dict[str, Go]] = {
    "a file by https": file_by_https,
    "a FHIR server": fhir,
    "an order by https": order_by_https,
    "files by SFTP": files_by_sftp,
    "an order by SFTP": order_by_sftp,
}


@dataclass
class Seen:
    """Addresses that were connected to, and names that the operating system was asked for, since the block began."""

    connected: list[tuple[str, int]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)


_watching: list[Seen] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        _watching[-1].connected.append(arguments[1][:2])
    elif event == "socket.getaddrinfo":
        _watching[-1].looked_up.append(str(arguments[0]))


_hooked: list[bool] = []


@contextmanager
def network() -> Iterator[Seen]:
    """What the interpreter itself says of every connection and every name, whichever library asks (PEP 578)."""
    if not _hooked:
        sys.addaudithook(_note)  # for good: there is no way to take one off
        _hooked.append(True)
    seen = Seen()
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)
