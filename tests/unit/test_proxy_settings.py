"""The organisation's own way out: named for each server, used by every door, and nothing else is taken for one."""

import socket
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from connectors.cases.fhir.server import _policy
from connectors.channels.https import HttpsChannel
from connectors.http import HttpDoor
from connectors.oidc import Provider
from connectors.transports.https import HttpsFile as Transport
from core.channel_settings import HttpsConnection
from core.console_settings import Oidc
from core.errors import Transient
from core.settings import Organisation
from core.source_settings import Fhir
from core.transport_settings import HttpsFile
from tests.support.http_door import raw_server

URL = "https://far.test/there"


def of_a_file(proxy: str) -> HttpDoor:
    return Transport(HttpsFile(kind="https", url=URL, proxy=proxy))._door(5)


def of_an_order(proxy: str) -> HttpDoor:
    connection = HttpsConnection(kind="https", url=URL, proxy=proxy)
    return HttpsChannel({}, Organisation())._door(connection)


def of_a_fhir_server(proxy: str) -> HttpDoor:
    return HttpDoor(_policy(Fhir(base_url=URL, proxy=proxy)))


def of_a_login_provider(proxy: str) -> HttpDoor:
    return Provider(Oidc(issuer="https://far.test", client_id="avain", proxy=proxy))._door(URL)


@pytest.mark.parametrize("door", [of_a_file, of_an_order, of_a_fhir_server, of_a_login_provider])
def test_every_door_goes_by_the_proxy_that_is_named(door: Callable[[str], HttpDoor]):
    """Its name is looked up by the proxy: from here nothing but the proxy is asked for."""
    asked: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        asked.append(connection.recv(65536).split(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with raw_server(refuse) as port, pytest.raises(Transient):
        door(f"http://127.0.0.1:{port}").request("GET", URL)
    assert asked == [b"CONNECT far.test:443 HTTP/1.1"]


@pytest.mark.parametrize(
    "address",
    [
        "proxy.test:3128",
        "https://proxy.test:3128",
        "http://proxy.test",
        "http://proxy.test:3128/path",
        "http://user:password@proxy.test:3128",
        "socks5://proxy.test:1080",
    ],
)
def test_what_is_no_proxy_is_refused(address: str):
    with pytest.raises(ValidationError, match="an address such as"):
        HttpsFile(kind="https", url="https://files.test/a.xml", proxy=address)
