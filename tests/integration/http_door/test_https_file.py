"""Files by HTTPS from a real server: conditional, streamed, bounded, and behind X-Road."""

import hashlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from connectors.pace import Pace
from connectors.transports.base import Visit
from connectors.transports.https import HttpsFile
from connectors.transports.registry import transport
from core.errors import NotFound, Permanent, RefusedInput, Transient
from core.transport_settings import HttpsFile as Settings
from tests.support.http_door import HOST, OTHER, Names, head, raw_server, refused
from tests.support.interrupting import ENDINGS, interrupted

Make = Callable[..., HttpsFile]
CLIENT, SERVICE = "FI-TEST/MUN/9999999-2/avain", "FI-TEST/COM/9999994-1/järjestelmä/cases"


@pytest.fixture
def make(server: HTTPServer, ca_file: Path) -> Make:
    def make(path: str = "/out/cases.xml", names: Names | None = None, **settings: Any) -> HttpsFile:
        defaults = {
            "kind": "https",
            "url": f"https://{HOST}:{server.port}{path}",
            "allow_private": True,
            "ca_file": ca_file,
        }
        return HttpsFile(Settings(**(defaults | settings)), resolver=names or Names())

    return make


def plainly(port: int, **settings: Any) -> HttpsFile:
    url = f"http://{HOST}:{port}/cases.xml"
    return HttpsFile(Settings(kind="https", url=url, allow_private=True, allow_http=True, **settings), resolver=Names())


def visit(tmp_path: Path, **told: Any) -> Visit:
    return Visit(tmp_path / "spool", **told)


def spooled(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "spool").glob("*"))


def test_a_file_comes_as_a_hashed_copy(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    server.expect_request("/out/cases.xml").respond_with_data(content)
    (file,) = make().fetch(visit(tmp_path)).files
    assert (file.name, file.size, file.sha256) == ("cases.xml", len(content), hashlib.sha256(content).hexdigest())
    assert file.path.read_bytes() == content


def test_a_file_that_did_not_change_is_not_sent_again(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        asked.append(dict(request.headers))
        if request.headers.get("If-None-Match") == '"v1"':
            return Response(status=304)
        version = {"ETag": '"v1"', "Last-Modified": "Mon, 02 Nov 2026 08:00:00 GMT"}
        return Response("x", headers={**version, "Content-Disposition": "attachment; filename=export.xml"})

    server.expect_request("/out/cases.xml").respond_with_handler(answer)
    server.expect_request("/other.xml").respond_with_handler(answer)
    first = make().fetch(visit(tmp_path))
    told = {"memory": first.memory, "processed": [first.files[0].sha256]}
    again = make().fetch(visit(tmp_path, **told))
    assert asked[1]["If-Modified-Since"] == "Mon, 02 Nov 2026 08:00:00 GMT"
    assert (again.files, again.processed, again.memory) == ((), ("export.xml",), first.memory)
    for anew in ({}, {"memory": first.memory}, {"memory": first.memory, "processed": ["0" * 64]}):
        assert len(make().fetch(visit(tmp_path, **anew)).files) == 1, "what was not applied must come"
    make("/other.xml").fetch(visit(tmp_path, **told))
    assert "If-None-Match" not in asked[-1], "a memory is of one address"


def test_not_modified_without_having_been_asked_for_is_no_answer(
    server: HTTPServer, make: Make, tmp_path: Path
) -> None:
    server.expect_request("/out/cases.xml").respond_with_data(status=304)
    assert "without the file" in refused(Transient, lambda: make().fetch(visit(tmp_path)))


def test_a_file_that_was_applied_is_known_by_its_bytes(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    server.expect_request("/out/cases.xml").respond_with_data("x")
    first = make().fetch(visit(tmp_path))
    assert first.memory == {}, "the server says nothing that could be asked with"
    first.files[0].path.unlink()
    again = make().fetch(visit(tmp_path, processed=[first.files[0].sha256]))
    assert (again.files, again.processed) == ((), ("cases.xml",))
    assert spooled(tmp_path) == []


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="cases 1.xml"', "cases 1.xml"),
        ("attachment; filename*=UTF-8''asiakkuudet-%C3%A4.xml", "asiakkuudet-ä.xml"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\out\\\\a.xml"', "a.xml"),
        ("attachment; filename*=UTF-8''a%0D%0Ab%1B%5B2J.xml", "ab[2J.xml"),
        ('attachment; filename=".."', "file"),
        ("attachment", "väestö 2.xml"),
        (";;==*\"'", "väestö 2.xml"),
        (None, "väestö 2.xml"),
    ],
)
def test_the_name_is_the_server_s_or_the_address_s(
    header: str | None,
    name: str,
    server: HTTPServer,
    make: Make,
    tmp_path: Path,
) -> None:
    headers = {"Content-Disposition": header} if header else {}
    server.expect_request("/out/väestö 2.xml").respond_with_data("x", headers=headers)
    (file,) = make("/out/v%C3%A4est%C3%B6%202.xml?sig=secret").fetch(visit(tmp_path)).files
    assert file.name == name
    assert file.path.parent == tmp_path / "spool"


def test_an_address_without_a_name(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    server.expect_request("/").respond_with_data("x")
    assert make("/").fetch(visit(tmp_path)).files[0].name == "file"


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"username": "avain", "password": "sälä:sana"}, "Basic YXZhaW46c8OkbMOkOnNhbmE="),
        ({"bearer_token": "abc"}, "Bearer abc"),
        ({}, None),
    ],
)
def test_credentials(
    settings: dict[str, str],
    sent: str | None,
    server: HTTPServer,
    make: Make,
    tmp_path: Path,
) -> None:
    seen: list[str | None] = []

    def answer(request: Request) -> Response:
        seen.append(request.headers.get("Authorization"))
        return Response("x")

    server.expect_request("/out/cases.xml").respond_with_handler(answer)
    make(**settings).fetch(visit(tmp_path))
    make(**settings).look()
    assert seen == [sent, sent]


def test_a_client_certificate_is_shown(authority: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("avain.test")
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    own.private_key_pem.write_to_path(tmp_path / "own.key")
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as strict:
        strict.expect_request("/a.xml").respond_with_data("known")
        told: dict[str, Any] = {"url": f"https://{HOST}:{strict.port}/a.xml", "allow_private": True, "ca_file": ca_file}
        pair = {"client_certificate": tmp_path / "own.pem", "client_key": tmp_path / "own.key"}
        with_one = HttpsFile(Settings(kind="https", **told, **pair), resolver=Names())
        assert len(with_one.fetch(visit(tmp_path)).files) == 1
        refused(Transient, HttpsFile(Settings(kind="https", **told), resolver=Names()).look)


def test_redirects_lead_to_allowed_hosts_only(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    for path, host in (("/own", HOST), ("/listed", OTHER), ("/strange", "strange.test")):
        location = f"https://{host}:{server.port}/there.xml"
        server.expect_request(path).respond_with_data(status=302, headers={"Location": location})
    server.expect_request("/there.xml").respond_with_data("x")
    assert make("/own").fetch(visit(tmp_path)).files[0].size == 1
    assert make("/listed", redirect_hosts=(OTHER,)).fetch(visit(tmp_path)).files[0].size == 1
    assert "not on the list" in refused(Permanent, lambda: make("/listed").fetch(visit(tmp_path)))
    assert "not on the list" in refused(Permanent, lambda: make("/strange").fetch(visit(tmp_path)))


def test_an_inside_address_needs_permission(make: Make, tmp_path: Path) -> None:
    assert "may not connect" in refused(Permanent, lambda: make(allow_private=False).fetch(visit(tmp_path)))
    assert "may not connect" in refused(Permanent, make(allow_private=False).look)


def test_too_large_a_file_is_refused_and_leaves_nothing(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    server.expect_request("/out/cases.xml").respond_with_data("x" * 101)
    assert "larger than" in refused(RefusedInput, lambda: make(max_bytes=100).fetch(visit(tmp_path)))
    assert "larger than" in refused(RefusedInput, make(max_bytes=100).look)
    server.expect_request("/endless").respond_with_handler(lambda _: Response(b"x" * 50 for _ in range(3)))
    assert "larger than" in refused(RefusedInput, lambda: make("/endless", max_bytes=100).fetch(visit(tmp_path)))
    assert spooled(tmp_path) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"",
    ],
    ids=["shorter than said", "cut chunk", "nothing"],
)
def test_a_download_cut_short_may_pass_by_itself_and_leaves_nothing(answer: bytes, tmp_path: Path) -> None:
    def say(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(answer)

    with raw_server(say) as port:
        assert "failed" in refused(Transient, lambda: plainly(port).fetch(visit(tmp_path)))
    assert spooled(tmp_path) == []


def test_a_server_that_trickles_ends_with_the_visit(tmp_path: Path) -> None:
    def trickle(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        connection.recv(1)

    with raw_server(trickle) as port:
        assert "in time" in refused(Transient, lambda: plainly(port).fetch(visit(tmp_path, seconds=0.4)))
    assert spooled(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (404, NotFound, "does not have the file"),
        (410, NotFound, "does not have the file"),
        (401, Permanent, "refused"),
        (403, Permanent, "refused"),
        (429, Transient, "cannot answer now"),
        (503, Transient, "cannot answer now"),
        (202, Transient, "without the file"),
        (204, Transient, "without the file"),
        (300, Permanent, "refused"),
    ],
)
def test_statuses(
    *,
    status: int,
    kind: Any,
    says: str,
    server: HTTPServer,
    make: Make,
    tmp_path: Path,
) -> None:
    server.expect_request("/out/cases.xml").respond_with_data(status=status, headers={"Retry-After": "9"})
    with pytest.raises(kind) as error:
        make("/out/cases.xml?key=secret").fetch(visit(tmp_path))
    sentence = error.value.message.text("en")
    assert says in sentence
    assert "secret" not in sentence
    if status in {429, 503}:
        assert error.value.retry_after == 9
    assert spooled(tmp_path) == []


def test_a_look_asks_for_the_header_only(server: HTTPServer, make: Make) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.method)
        if request.method == "HEAD" and request.path == "/old":
            return Response(status=405)
        return Response("x" * 1000, headers={"Content-Disposition": "attachment; filename=a.xml"})

    for path in ("/new", "/old"):
        server.expect_request(path).respond_with_handler(answer)
    assert make("/new").look() == ["a.xml"]
    assert asked == ["HEAD"]
    assert make("/old").look() == ["a.xml"]
    assert asked == ["HEAD", "HEAD", "GET"]
    server.expect_request("/none").respond_with_data(status=404)
    refused(NotFound, make("/none").look)


def test_a_request_is_counted_in_the_pace(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    waits: list[float] = []
    pace = Pace(requests_per_second=0.5, rows_per_second=1, wait=waits.append, clock=lambda: 0.0)
    server.expect_request("/out/cases.xml").respond_with_data("x")
    for _ in range(2):
        make().fetch(visit(tmp_path, pace=pace))
    assert waits == [2.0]


def test_nothing_is_put_away_at_a_web_server(make: Make) -> None:
    make().put_away({"cases.xml": "0" * 64})


def through(make: Make, **settings: Any) -> HttpsFile:
    return make(x_road={"client": CLIENT, "service": SERVICE, "user_id": "avain", "issue": "12/2026"}, **settings)


def test_a_file_behind_x_road(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        seen.append(dict(request.headers))
        return Response("x", headers={"X-Road-Request-Id": "f92591a3", "X-Road-Id": request.headers["X-Road-Id"]})

    server.expect_request(f"/r1/{SERVICE}/out/cases.xml", query_string="a=1").respond_with_handler(answer)
    with capture_logs() as logs:
        fetched = [through(make, path="/out/cases.xml?a=1").fetch(visit(tmp_path)) for _ in range(2)]
    assert (fetched[0].files[0].name, fetched[0].reply) == ("cases.xml", "f92591a3")
    assert (seen[0]["X-Road-Client"], seen[0]["X-Road-Userid"], seen[0]["X-Road-Issue"]) == (CLIENT, "avain", "12/2026")
    ids = [one["X-Road-Id"] for one in seen]
    assert len(set(ids)) == 2, "each request has its own"
    assert [one["x_road_id"] for one in logs if one["event"] == "x_road_request"] == ids
    assert [one["request_id"] for one in logs if one["event"] == "x_road_answer"] == ["f92591a3"] * 2
    assert through(make, path="/out/cases.xml?a=1").look() == ["cases.xml"]


def test_without_x_road_its_headers_mean_nothing(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    headers = {"X-Road-Error": "Client.Bad", "X-Road-Request-Id": "1"}
    server.expect_request("/out/cases.xml").respond_with_data("x", headers=headers)
    fetched = make().fetch(visit(tmp_path))
    assert (len(fetched.files), fetched.reply) == (1, None)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("Server.ClientProxy.NetworkError", 500, Transient),
        ("Server.ServerProxy.ServiceFailed.HttpError", 500, Transient),
        ("Server.ServerProxy.ServiceDisabled", 500, Transient),
        ("Server.ServerProxy.AccessDenied", 500, Permanent),
        ("Server.ServerProxy.UnknownService", 500, Permanent),
        ("Server.ClientProxy.UnknownMember", 500, Permanent),
        ("Client.BadRequest", 400, Permanent),
        ("something else", 400, Permanent),
        ("SomethingElse", 503, Transient),
    ],
)
def test_a_fault_of_the_security_server_is_not_the_provider_s(
    *,
    fault: str,
    status: int,
    kind: Any,
    server: HTTPServer,
    make: Make,
    tmp_path: Path,
) -> None:
    headers = {"X-Road-Error": fault, "X-Road-Request-Id": "f92591a3"}
    server.expect_request(f"/r1/{SERVICE}/out/cases.xml").respond_with_data(status=status, headers=headers)
    for act in (lambda: through(make).fetch(visit(tmp_path)), through(make).look):
        sentence = refused(kind, act)
        assert "security server" in sentence
        assert "f92591a3" in sentence
    assert spooled(tmp_path) == []


def test_the_provider_s_own_errors_stay_its_own(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    server.expect_request(f"/r1/{SERVICE}/out/cases.xml").respond_with_data(
        status=503, headers={"X-Road-Request-Id": "1"}
    )
    assert "security server" not in refused(Transient, lambda: through(make).fetch(visit(tmp_path)))


def test_x_road_never_follows_a_redirect(server: HTTPServer, make: Make, tmp_path: Path) -> None:
    location = f"https://{HOST}:{server.port}/there.xml"
    server.expect_request(f"/r1/{SERVICE}/out/cases.xml").respond_with_data(status=302, headers={"Location": location})
    server.expect_request("/there.xml").respond_with_data("x")
    assert "302" in refused(Permanent, lambda: through(make).fetch(visit(tmp_path)))


def test_the_registry_makes_it() -> None:
    made = transport(Settings(kind="https", url="https://files.test/cases.xml"))
    assert isinstance(made, HttpsFile)


@pytest.mark.parametrize("how", ENDINGS)
def test_a_visit_to_a_server_that_hangs_ends_when_its_process_must(tmp_path: Path, how: BaseException) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, interrupted(how):
        plainly(silent.getsockname()[1]).fetch(visit(tmp_path))
