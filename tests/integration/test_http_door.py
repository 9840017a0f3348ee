"""The HTTP door against a real server with TLS on 127.0.0.1, and against names that lead where they should not."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.addresses import checked_addresses, resolve
from connectors.http import HostRule, HttpDoor, Outbound, classify, retry_after
from core.errors import AlreadyDone, AvainError, ConfigurationError, Permanent, RefusedInput, Transient

HOST, OTHER = "provider.test", "other.test"
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def running(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, OTHER).configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> Iterator[HTTPServer]:
    yield running
    running.clear()


@pytest.fixture(scope="module")
def plain() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0) as server:
        server.expect_request("/x").respond_with_data("plain")
        yield server


class Names:
    """A resolver under the test's control; remembers what it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers or ([["127.0.0.1"]])), list[str]()

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


MakeDoor = Callable[..., HttpDoor]


@pytest.fixture
def door(server: HTTPServer, ca_file: Path) -> MakeDoor:
    def make(
        *,
        names: Names | None = None,
        hosts: tuple[str, ...] = (HOST,),
        rule: dict[str, Any] | None = None,
        **policy: Any,
    ) -> HttpDoor:
        chosen = HostRule(**{"allow_private": True, "ports": frozenset({server.port}), **(rule or {})})
        return HttpDoor(
            Outbound(**{"hosts": dict.fromkeys(hosts, chosen), "ca_file": ca_file, **policy}), resolver=names or Names()
        )

    return make


def url(server: HTTPServer, path: str = "/x", host: str = HOST) -> str:
    return f"https://{host}:{server.port}{path}"


def refused(kind: type[AvainError], act: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(kind) as error:
        act(*arguments)
    return error.value.message.text("en")


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does to one connection whatever `answer` does."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def raw_door(port: int, **policy: Any) -> HttpDoor:
    rule = HostRule(allow_private=True, allow_http=True, ports=frozenset({port}))
    return HttpDoor(Outbound(hosts={HOST: rule}, **policy), resolver=Names())


def test_an_answer_comes_whole_with_host_and_tls_name_kept(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request(
        "/x", query_string="a=%C3%A4", headers={"Host": f"{HOST}:{server.port}", "X-Key": "k"}
    ).respond_with_data("päivää", headers={"ETag": '"1"'})
    names = Names()
    reply, body = door(names=names).request("GET", url(server, "/x?a=%C3%A4"), headers={"X-Key": "k"})
    assert (reply.status, reply.headers["etag"], body.decode()) == (200, '"1"', "päivää")
    assert names.asked == [HOST]


def test_a_post_carries_its_body_and_idempotency_key(server: HTTPServer, door: MakeDoor) -> None:
    content = b"x" * 300_000
    server.expect_oneshot_request(
        "/orders", method="POST", data=content, headers={"Idempotency-Key": "HB-T-000123"}
    ).respond_with_data(status=201)
    reply, _ = door().request(
        "POST", url(server, "/orders"), content=content, headers={"Idempotency-Key": "HB-T-000123"}
    )
    assert reply.status == 201
    server.check_assertions()


def test_a_body_can_be_streamed_as_a_file(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(b"a line\n" * 100_000)
    with door().stream("GET", url(server)) as reply:
        assert reply.body.readline() == b"a line\n"
        assert len(reply.body.read()) == 7 * 99_999


def test_not_modified_is_an_answer(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x", headers={"If-None-Match": '"1"'}).respond_with_data(status=304)
    assert door().request("GET", url(server), headers={"If-None-Match": '"1"'})[0].status == 304


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://evil.test/x", "not on the list"),
        ("https://provider.test.evil.test/x", "not on the list"),
        ("https://127.0.0.1/x", "not on the list"),
        ("https://2130706433/x", "not on the list"),
        ("https://[::1]/x", "not on the list"),
        ("https://provider.test@evil.test/x", "carries a user name"),
        ("https://user:word@provider.test/x", "carries a user name"),
        ("https://provider.test/x", "Port 443"),
        ("https://provider.test:22/x", "Port 22"),
        ("http://provider.test/x", "https only"),
        ("ftp://provider.test/x", "ftp"),
        ("file:///etc/passwd", "file"),
        ("//provider.test/x", "Only https"),
        ("provider.test/x", "Only https"),
        ("https://", "Only https"),
        ("https://provider.test:port/", "not a valid URL"),
        ("https://provi der.test/", "not on the list"),
    ],
)
def test_an_address_outside_the_policy_is_refused_before_anything_is_looked_up(
    address: str, says: str, door: MakeDoor
) -> None:
    names = Names()
    sentence = refused(Permanent, lambda: door(names=names).request("GET", address))
    assert says in sentence
    assert "word" not in sentence.replace("password", "")
    assert names.asked == []


def test_a_name_is_compared_without_case_and_final_dot(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data("ok")
    assert door().request("GET", url(server, host="PROVIDER.test"))[1] == b"ok"
    assert "not on the list" not in refused(
        AvainError, lambda: door().request("GET", url(server, host="provider.test.", path="/none"))
    )


PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]
NEVER = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "fec0::1",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1", "64:ff9b:1::1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_connected_to(address: str) -> None:
    assert checked_addresses(HOST, 443, lambda *_: [address], allow_private=False) == [address]


@pytest.mark.parametrize("address", [*PRIVATE, "100.64.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1"])
def test_inside_addresses_need_permission(address: str) -> None:
    with pytest.raises(Permanent):
        checked_addresses(HOST, 443, lambda *_: [address], allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_inside_addresses_are_open_to_a_host_that_may_stand_inside(address: str) -> None:
    assert checked_addresses(HOST, 443, lambda *_: [address], allow_private=True) == [address]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_connected_to(address: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(Permanent):
            checked_addresses(HOST, 443, lambda *_: [address], allow_private=allow_private)


def test_one_bad_address_among_good_ones_spoils_all() -> None:
    with pytest.raises(Permanent) as error:
        checked_addresses(HOST, 443, lambda *_: [*PUBLIC, "10.0.0.1"], allow_private=False)
    assert "10.0.0.1" in error.value.message.text("en")


def test_the_system_resolver_answers_for_an_address() -> None:
    assert list(resolve("127.0.0.1", 443)) == ["127.0.0.1"]


def test_an_inside_address_is_refused_at_connect(server: HTTPServer, door: MakeDoor) -> None:
    assert "127.0.0.1" in refused(Permanent, lambda: door(rule={"allow_private": False}).request("GET", url(server)))


def test_an_answer_that_changes_after_the_look_changes_nothing(server: HTTPServer, door: MakeDoor) -> None:
    """DNS rebinding: the second answer would lead to the metadata address. There is no second question."""
    server.expect_request("/x").respond_with_data("ok")
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    assert door(names=names).request("GET", url(server))[1] == b"ok"
    assert names.asked == [HOST]
    assert "169.254.169.254" in refused(Permanent, lambda: door(names=names).request("GET", url(server)))


def test_the_next_judged_address_is_tried_when_one_is_dead(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data("ok")
    assert door(names=Names(["::1", "127.0.0.1"])).request("GET", url(server))[1] == b"ok"


def test_an_unknown_name_and_a_closed_port_may_pass_by_themselves(server: HTTPServer, door: MakeDoor) -> None:
    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    for names in (unknown, Names([])):
        assert "connection to provider.test failed" in refused(Transient, door(names=names).request, "GET", url(server))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused(Transient, lambda: raw_door(port).request("GET", f"http://{HOST}:{port}/"))


def test_a_redirect_to_an_allowed_host_is_followed_without_the_keys(server: HTTPServer, door: MakeDoor) -> None:
    seen: dict[str, str] = {}

    def note(request: Request) -> Response:
        seen.update(request.headers)
        return Response("there")

    server.expect_request("/x").respond_with_data(status=302, headers={"Location": url(server, "/y", OTHER)})
    server.expect_request("/y").respond_with_handler(note)
    headers = {"Authorization": "Bearer secret", "X-Road-Client": "FI/x", "Cookie": "a=b", "Accept": "text/csv"}
    _, body = door(hosts=(HOST, OTHER)).request("GET", url(server), headers=headers)
    assert body == b"there"
    assert not {"Authorization", "X-Road-Client", "Cookie"} & set(seen)
    assert (seen["Accept"], seen["Host"]) == ("text/csv", f"{OTHER}:{server.port}")


def test_a_redirect_within_a_host_keeps_the_keys(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=307, headers={"Location": "/y?z=1"})
    server.expect_request("/y", query_string="z=1", headers={"X-Key": "k"}).respond_with_data("there")
    assert door().request("GET", url(server), headers={"X-Key": "k"})[1] == b"there"


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("https://evil.test/", "not on the list"),
        ("http://169.254.169.254/latest", "not on the list"),
        ("//evil.test/", "not on the list"),
        ("file:///etc/passwd", "file"),
        ("https://a:b@provider.test/", "carries a user name"),
        ("https://provider.test:22/", "Port 22"),
    ],
)
def test_a_redirect_passes_the_same_checks(location: str, says: str, server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": location})
    assert says in refused(Permanent, lambda: door().request("GET", url(server)))


def test_a_redirect_to_nonsense_is_refused() -> None:
    def say(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://provider.test:port/\r\n\r\n")

    with raw_server(say) as port:
        assert "not a valid URL" in refused(Permanent, lambda: raw_door(port).request("GET", f"http://{HOST}:{port}/"))


def test_a_redirect_to_an_allowed_name_is_looked_up_and_judged_again(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": url(server, "/y", OTHER)})
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    assert OTHER in refused(Permanent, lambda: door(names=names, hosts=(HOST, OTHER)).request("GET", url(server)))
    assert names.asked == [HOST, OTHER]


def test_https_does_not_fall_back_to_http(server: HTTPServer, plain: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": f"http://{HOST}:{plain.port}/x"})
    rule = {"allow_http": True, "ports": frozenset({server.port, plain.port})}
    assert "from https to http" in refused(Permanent, lambda: door(rule=rule).request("GET", url(server)))
    assert door(rule=rule).request("GET", f"http://{HOST}:{plain.port}/x")[1] == b"plain"


def test_redirects_are_counted_and_can_be_off_and_never_repeat_a_post(server: HTTPServer, door: MakeDoor) -> None:
    server.expect_request("/x").respond_with_data(status=302, headers={"Location": "/x"})
    assert "more than 2 times" in refused(Permanent, lambda: door(max_redirects=2).request("GET", url(server)))
    assert "302" in refused(Permanent, lambda: door(max_redirects=0).request("GET", url(server)))
    assert "302" in refused(Permanent, lambda: door().request("POST", url(server), content=b"1"))


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


def head(connection: socket.socket) -> None:
    connection.recv(65536)


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
