"""The HTTP door: what answers may be, how long they may take, certificates, what a status means."""

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.http import HostRule, HttpDoor, Outbound, classify, retry_after
from core.errors import AlreadyDone, ConfigurationError, Permanent, RefusedInput, Transient
from tests.support.http_door import HOST, NOW, MakeDoor, Names, head, raw_door, raw_server, refused, url


def test_too_many_bytes_are_refused_announced_or_not(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(b"x" * 1001)
    server.expect_request("/chunked").respond_with_handler(lambda _: Response(b"x" * 100 for _ in range(50)))
    server.expect_request("/fits").respond_with_data(b"x" * 1000)
    for path in ("/x", "/chunked"):
        assert "1000 bytes" in refused(RefusedInput, door(max_bytes=1000).request, "GET", url(server, path))
    assert len(door(max_bytes=1000).request("GET", url(server, "/fits"))[1]) == 1000


def test_a_packed_answer_is_not_unpacked_here(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(b"...", headers={"Content-Encoding": "gzip"})
    assert "gzip" in refused(Permanent, lambda: door().request("GET", url(server)))


def test_a_stranger_s_certificate_is_refused_for_good(server: HTTPServer, door: MakeDoor) -> None:
    stranger = {"hosts": ("stranger.test",)}
    assert "certificate of stranger.test" in refused(
        Permanent, lambda: door(**stranger).request("GET", url(server, host="stranger.test"))
    )
    assert "certificate" in refused(Permanent, lambda: door(ca_file=None).request("GET", url(server)))


def test_a_client_certificate_is_shown(authority: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("avain.test")
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    own.private_key_pem.write_to_path(tmp_path / "own.key")
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as strict:
        strict.expect_request("/x").respond_with_data("known")
        rule = HostRule(allow_private=True, ports=frozenset({strict.port}))
        policy: dict[str, Any] = {"hosts": {HOST: rule}, "ca_file": ca_file}
        with_one = HttpDoor(
            Outbound(**policy, client_certificate=(tmp_path / "own.pem", tmp_path / "own.key")), resolver=Names()
        )
        assert with_one.request("GET", url(strict))[1] == b"known"
        refused(Transient, lambda: HttpDoor(Outbound(**policy), resolver=Names()).request("GET", url(strict)))


def test_missing_certificates_are_a_matter_of_settings(server: HTTPServer, door: MakeDoor, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for policy in (
        {"ca_file": tmp_path / "none.pem"},
        {"ca_file": tmp_path / "bad.pem"},
        {"client_certificate": (tmp_path / "a", tmp_path / "b")},
    ):
        refused(ConfigurationError, door(**policy).request, "GET", url(server))


def hang(connection: socket.socket) -> None:
    head(connection)
    connection.recv(1)


def trickle(connection: socket.socket, first: bytes) -> None:
    head(connection)
    connection.sendall(first)
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize(
    "answer",
    [
        hang,
        lambda connection: trickle(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
        lambda connection: trickle(connection, b"HTTP/1.1 200 OK\r\nX: "),
    ],
    ids=["hangs", "trickles its body", "trickles its header"],
)
def test_no_server_can_hold_a_call_beyond_its_time(answer: Callable[[socket.socket], None]) -> None:
    with raw_server(answer) as port:
        door = raw_door(port, read_seconds=0.3, total_seconds=0.6)
        assert "did not answer in time" in refused(Transient, lambda: door.request("GET", f"http://{HOST}:{port}/"))


def test_a_used_up_deadline_does_not_connect() -> None:
    with raw_server(hang) as port:
        refused(Transient, lambda: raw_door(port, total_seconds=0).request("GET", f"http://{HOST}:{port}/"))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["closes", "nonsense", "too short", "cut chunk"],
)
def test_a_broken_answer_may_pass_by_itself(answer: bytes) -> None:
    def say(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(answer)

    with raw_server(say) as port:
        assert "failed" in refused(Transient, lambda: raw_door(port).request("GET", f"http://{HOST}:{port}/"))


def test_the_environment_s_proxy_is_not_used_but_a_named_one_is(
    server: HTTPServer, plain: HTTPServer, door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.expect_request("/x").respond_with_data("direct")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    names = Names()
    assert door(names=names).request("GET", url(server))[1] == b"direct"
    asked: list[str] = []

    def proxy(connection: socket.socket) -> None:
        asked.append(connection.recv(65536).split(b"\r\n")[0].decode())
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nvia")

    with raw_server(proxy) as port:
        rule = HostRule(allow_http=True, ports=frozenset({80}))
        through = HttpDoor(Outbound(hosts={HOST: rule}, proxy=f"http://127.0.0.1:{port}"))
        assert through.request("GET", f"http://{HOST}/x")[1] == b"via"
    assert asked == [f"GET http://{HOST}/x HTTP/1.1"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_statuses_that_may_pass_are_transient(status: int) -> None:
    error = classify(status, {"retry-after": "7"}, host=HOST)
    assert isinstance(error, Transient)
    assert error.retry_after == 7
    assert str(status) in error.message.text("en")


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 409, 410, 413, 422, 451])
def test_other_statuses_need_a_person(status: int) -> None:
    assert isinstance(classify(status, {}, host=HOST), Permanent)


def test_success_and_conflict() -> None:
    assert [classify(status, {}, host=HOST) for status in (200, 201, 202, 204, 206, 304)] == [None] * 6
    assert isinstance(classify(409, {}, host=HOST, conflict_is_done=True), AlreadyDone)


def test_statuses_become_errors_at_the_door(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/busy").respond_with_data(status=503, headers={"Retry-After": "120"})
    server.expect_request("/there").respond_with_data(status=409)
    with pytest.raises(Transient) as error:
        door().request("GET", url(server, "/busy?hetu=secret"))
    assert error.value.retry_after == 120
    assert "secret" not in str(error.value)
    refused(AlreadyDone, lambda: door().request("POST", url(server, "/there"), content=b"", conflict_is_done=True))
    refused(Permanent, lambda: door().request("POST", url(server, "/there"), content=b""))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("120", 120), (" 5 ", 5), ("999999999", 86400), ("Mon, 02 Nov 2026 08:01:00 GMT", 60), ("Mon, 02 Nov 2026 07:00:00 GMT", 0),
        ("Mon, 02 Nov 2026 10:01:00 +0200", 60), ("Mon, 02 Nov 2026 08:01:00 -0000", 60), ("soon", None), ("", None), ("-5", None), ("٥", None), ("1.5", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_one_connection_serves_request_after_request_until_the_other_side_closes_it() -> None:
    connections: list[int] = []

    def twice(connection: socket.socket) -> None:
        connections.append(0)
        for _ in range(2):
            if not connection.recv(65536):
                return
            connections[-1] += 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        connection.recv(65536)  # the third is read, and not answered

    with raw_server(twice) as port:
        door = raw_door(port)
        with door.one_connection():
            for _ in range(3):
                assert door.request("GET", f"http://{HOST}:{port}/")[1] == b"ok"
        assert connections == [2, 1]
        assert door.request("GET", f"http://{HOST}:{port}/")[1] == b"ok"
        assert len(connections) == 3, "outside of the block nothing is kept"


def test_what_changes_something_is_not_sent_again_on_another_connection() -> None:
    asked: list[bytes] = []

    def once(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        asked.append(connection.recv(65536))

    with raw_server(once) as port:
        door = raw_door(port)
        with door.one_connection():
            door.request("GET", f"http://{HOST}:{port}/")
            refused(Transient, lambda: door.request("POST", f"http://{HOST}:{port}/", content=b""))
    assert [one.split()[0] for one in asked if one] == [b"GET", b"POST"]


def test_each_request_on_one_connection_has_its_own_deadline() -> None:
    def slow(connection: socket.socket) -> None:
        while connection.recv(65536):
            time.sleep(0.15)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with raw_server(slow) as port:
        door = raw_door(port, total_seconds=0.4)
        with door.one_connection():
            for _ in range(4):
                assert door.request("GET", f"http://{HOST}:{port}/")[1] == b"ok"
