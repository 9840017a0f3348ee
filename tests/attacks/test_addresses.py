"""Requests that somebody else would like to steer: names that lead inside, answers that change between look and connect, other spellings of
addresses, redirects, proxies. For every way out, by what the interpreter itself says of connections and names.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.addresses import checked_addresses, resolve
from connectors.cases.fhir.server import FhirServer
from connectors.http import HostRule, HttpDoor, Outbound
from connectors.oidc import Provider
from core.console_settings import Oidc
from core.errors import AvainError, Permanent
from core.source_settings import Fhir
from tests.attacks.ways import WAYS, Go, file_by_https, network
from tests.support.http_door import HOST, Names, head, raw_server

#: Where clouds tell a machine its own secrets, and what stands for "this machine" or nobody, in every spelling that leads there.
NEVER = [
    "169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "192.0.0.192", "168.63.129.16", "100.100.100.200", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:0:169.254.169.254", "fe80::1%eth0", "0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "224.0.0.1",
    "ff02::1", "::169.254.169.254", "2001:0:4136:e378:8000:63bf:56a9:5601", "64:ff9b:1::a9fe:a9fe", "::ffff:0.0.0.0",
]  # fmt: skip
INSIDE = ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.31.0.1", "192.168.0.1", "::1", "fd12:3456::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"]  # fmt: skip


@pytest.fixture(params=WAYS.values(), ids=list(WAYS))
def go(request: pytest.FixtureRequest) -> Go:
    way: Go = request.param
    return way


@pytest.fixture
def port() -> Iterator[int]:
    """A server that says nothing to anybody."""
    with raw_server(head) as port:
        yield port


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_connected_to_by_nobody(address: str) -> None:
    for private in (False, True):
        with pytest.raises(Permanent, match=r"may not connect|ei saa"):
            checked_addresses(HOST, 443, lambda *_: [address], allow_private=private)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "0.0.0.0"])
def test_no_way_out_leads_to_a_cloud_s_secrets(address: str, go: Go, port: int) -> None:
    with network() as seen, pytest.raises(Permanent):
        go(HOST, port, Names([address]), True)
    assert seen.connected == []


@pytest.mark.parametrize("address", INSIDE)
def test_no_way_out_leads_inside_without_permission(address: str, go: Go, port: int) -> None:
    with network() as seen, pytest.raises(Permanent):
        go(HOST, port, Names([address]), False)
    assert seen.connected == []


def test_one_bad_address_among_good_ones_spoils_them(go: Go, port: int) -> None:
    with network() as seen, pytest.raises(Permanent):
        go(HOST, port, Names(["127.0.0.1", "169.254.169.254"]), True)
    assert seen.connected == []


def test_an_answer_that_changes_after_the_look_is_never_heard(go: Go, port: int) -> None:
    """DNS rebinding: the connection goes to the very address that was judged, and the name is asked for once."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    with network() as seen, pytest.raises(AvainError):
        go(HOST, port, names, True)
    assert set(seen.connected) == {("127.0.0.1", port)}
    assert names.asked == [HOST]
    assert HOST not in seen.looked_up


def test_the_next_visit_asks_and_judges_anew(go: Go, port: int) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    with pytest.raises(AvainError):
        go(HOST, port, names, True)
    with network() as seen, pytest.raises(Permanent):
        go(HOST, port, names, True)
    assert seen.connected == []


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.0.1.", "[::1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "localhost", "localhost."],
)  # fmt: skip
def test_this_machine_is_known_by_all_its_spellings(host: str, port: int) -> None:
    with network() as seen, pytest.raises(AvainError):
        file_by_https(host, port, resolve, False)
    assert seen.connected == []


@pytest.mark.parametrize(
    "url",
    [
        "https://provider.test\\@evil.test/", "https://provider.test#@evil.test/", "https://provider.test?@evil.test/", "https://evil.test\\.provider.test/",
        "https://provider.test%2eevil.test/", "https://provider.test\t.evil.test/", "https://provider.test\n.evil.test/", "https://provider.test\0.evil.test/",
        "https://provider.test@evil.test/", "https://provider.test:443@evil.test/", "https://provider.test;evil.test/", "https:evil.test/", "https:/evil.test/",
        "https:\\\\evil.test/", "https:///evil.test/", "https://evil.test。provider.test/", "https://evil.test/.provider.test/", "https://[provider.test]/",
        "https://ｅvil.test/", "https://evil。test/", "https://provider.test.evil.test/", "https://ⓟrovider.test.evil.test", "https://xn--provider-.test/",
        "gopher://provider.test/", "data:text/plain,x", "file://provider.test/etc/passwd", "dict://provider.test:11211/", "HTTPS://evil.test/",
        "https://provider.test:99999/", "https://provider.test:-1/", "https://provider.test:0x50/", "https://provider.test:٤٤٣/",
    ],
)  # fmt: skip
def test_no_address_is_read_in_two_ways(url: str) -> None:
    """What one reader takes for the host, another may take for a name or path: nobody else's host is looked up, whatever stands in it."""
    names = Names(["169.254.169.254"])
    door = HttpDoor(Outbound(hosts={HOST: HostRule()}), resolver=names)
    with network() as seen, pytest.raises(Permanent):
        door.request("GET", url)
    assert set(names.asked) <= {HOST}
    assert (seen.connected, seen.looked_up) == ([], [])


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/r4/EpisodeOfCare?page=2", "//evil.test/r4/x", "https://fhir.test@evil.test/r4/x", "https://fhir.test\\@evil.test/r4/x",
        "http://fhir.test/r4/x", "https://fhir.test:8443/r4/x", "https://fhir.test/admin", "https://fhir.test/r4/../admin", "https://fhir.test/r4/%2e%2e/admin",
        "https://fhir.test/r4evil/x", "ftp://fhir.test/r4/x", "javascript:alert(1)", "https://fhir.test\r\nX: y/r4/x", "https://fhir.test。evil.test/r4/x",
        "https://[::1]/r4/x", "https://[/r4/x", "https://fhir.test:port/r4/x", "/r4/\u202e", "https://10.0.0.1/r4/x", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_next_page_leads_to_no_other_server(link: str) -> None:
    with pytest.raises(Permanent):
        FhirServer(Fhir(base_url="https://fhir.test/r4")).onward(link)


LOCATIONS = ["/elsewhere", "http://127.0.0.1:1/x", "https://provider.test/x", "file:///etc/passwd", "//169.254.169.254/latest"]  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("way", ["a FHIR server", "an order by https"])
def test_who_is_redirected_does_not_follow(way: str, location: str) -> None:
    """A server that moves is a matter for the settings: neither a token nor an order goes where an answer says."""
    asked: list[bytes] = []

    def redirect(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(f"HTTP/1.1 307 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    with raw_server(redirect) as port, network() as seen, pytest.raises(AvainError):
        WAYS[way](HOST, port, Names(), True)
    assert len(asked) == 1
    assert seen.connected == [("127.0.0.1", port)]


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("https://169.254.169.254/latest", "not on the list"),
        ("http://127.0.0.1:{port}/x", "not on the list"),
        ("http://[::1]:{port}/x", "not on the list"),
        ("http://2130706433:{port}/x", "not on the list"),
        ("//evil.test:{port}/", "not on the list"),
        ("http://provider.test:1/x", "Port 1"),
        ("http://a:b@provider.test:{port}/x", "carries a user name"),
        ("file:///etc/passwd", "file"),
        ("gopher://provider.test:{port}/x", "gopher"),
        ("http://provider.test:{port}/x\r\nX-Injected: y", "times|not a valid URL"),
        ("http://provider.test:{port}/\udcff", "times|not a valid URL|redirects"),
    ],
)
def test_a_redirect_of_a_file_is_judged_like_any_address(location: str, says: str) -> None:
    def redirect(connection: socket.socket) -> None:
        request = connection.recv(65536)
        assert b"X-Injected" not in request
        where = location.format(port=connection.getsockname()[1]).encode("utf-8", "surrogateescape")
        connection.sendall(b"HTTP/1.1 302 X\r\nLocation: " + where + b"\r\nContent-Length: 0\r\n\r\n")

    with raw_server(redirect) as port, network() as seen, pytest.raises(AvainError, match=f"{says}|ei ") as error:
        file_by_https(HOST, port, Names(), True)
    assert set(seen.connected) <= {("127.0.0.1", port)}
    assert "sala-sana-1" not in str(error.value)


def test_another_origin_is_told_no_secret() -> None:
    """Two ports of one host are two origins: what was meant for the first stays with it."""
    told: list[bytes] = []

    def note(connection: socket.socket) -> None:
        told.append(connection.recv(65536).lower())
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with raw_server(note) as second:

        def redirect(connection: socket.socket) -> None:
            told.append(connection.recv(65536).lower())
            connection.sendall(
                f"HTTP/1.1 302 X\r\nLocation: http://{HOST}:{second}/x\r\nContent-Length: 0\r\n\r\n".encode()
            )

        with raw_server(redirect) as first:
            rule = HostRule(allow_private=True, allow_http=True, ports=frozenset({first, second}))
            secrets = {"Authorization": "Bearer s", "Cookie": "s", "X-Road-Client": "s", "X-Api-Key": "s", "Proxy-Authorization": "s", "Accept": "text/csv"}  # fmt: skip
            HttpDoor(Outbound(hosts={HOST: rule}), resolver=Names()).request(
                "GET", f"http://{HOST}:{first}/x", headers=secrets
            )
    names = {line.partition(b":")[0] for line in told[1].split(b"\r\n")[1:] if line}
    assert b"authorization" in told[0]
    assert names == {b"host", b"accept", b"user-agent", b"accept-encoding"}


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "10.0.0.5", "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "[::1]", "[::ffff:10.0.0.5]", "[fd00:ec2::254]",
        "localhost", "LOCALHOST.", "avain.localhost", "168.63.129.16",
    ],
)  # fmt: skip
def test_a_proxy_is_asked_for_no_address_inside(host: str) -> None:
    """A login provider names where its keys are: the organisation's proxy must not fetch them from inside for it."""
    heard: list[bytes] = []
    with raw_server(lambda connection: heard.append(connection.recv(65536))) as port:
        provider = Provider(Oidc(issuer=f"https://{HOST}", client_id="avain", proxy=f"http://127.0.0.1:{port}"))
        with pytest.raises(Permanent):
            provider._door(f"https://{host}/keys").request("GET", f"https://{host}/keys")
    assert heard == []


def test_a_proxy_is_asked_for_an_address_inside_where_that_is_allowed() -> None:
    heard: list[bytes] = []
    rules = {"10.0.0.5": HostRule(allow_private=True), "93.184.215.14": HostRule(), "169.254.169.254": HostRule(allow_private=True)}  # fmt: skip
    with raw_server(lambda connection: heard.append(connection.recv(65536).split(b" ")[1])) as port:
        door = HttpDoor(Outbound(hosts=rules, proxy=f"http://127.0.0.1:{port}"))
        for host in rules:
            with pytest.raises(AvainError):
                door.request("GET", f"https://{host}/")
    assert heard == [b"10.0.0.5:443", b"93.184.215.14:443"]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_hears_nothing(
    name: str, go: Go, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    with raw_server(lambda connection: heard.append(connection.recv(65536))) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("NO_PROXY", "")
        with network() as seen, pytest.raises(AvainError):
            go(HOST, port, Names(), True)
    assert heard == []
    assert {where for _, where in seen.connected} == {port}


def test_the_settings_of_the_account_s_ssh_take_no_part(
    port: int, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text(
        "Host *\n  ProxyCommand touch {}\n  HostName 127.0.0.2\n".format(tmp_path / "ran")
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    with network() as seen, pytest.raises(AvainError):
        WAYS["files by SFTP"](HOST, port, Names(), True)
    assert seen.connected == [("127.0.0.1", port)]
    assert not (tmp_path / "ran").exists()
