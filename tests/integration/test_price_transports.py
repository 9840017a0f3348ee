"""Price lists by HTTPS and SFTP, end to end: whatever the other side answers, the reason is clear and the list in force stays in force."""

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import Message
from tests.support.http_door import raw_server
from tests.support.price_mail import County, county, csv
from tests.support.sftp_server import HOST_KEY, USER, WORD, sftp_server
from workers.fetching import turn_at

__all__ = ["county"]
GOOD = csv("TUKIHENKILO;h;49,00;1.1.2026")
IN_FORCE = {"9999997-6 TUKIHENKILO": "49.0000"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context, threaded=True) as running:
        yield running


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


def https(name: str, port: int, ca_file: Path, path: str = "/hinnasto.csv") -> str:
    return (
        f'[sources.prices.{name}]\nprovider = "9999997-6"\n[sources.prices.{name}.gentle]\nrequests_per_second = 1000\n'
        f'[sources.prices.{name}.transport]\nkind = "https"\nurl = "https://127.0.0.1:{port}{path}"\n'
        f'allow_private = true\nca_file = "{ca_file}"\n'
    )


def last_words(county: County) -> str:
    (row,) = county.process.rows("SELECT message FROM run WHERE message IS NOT NULL ORDER BY id DESC LIMIT 1")
    return Message.from_json(row.message).text("en")


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (Response("no", 404), "failed", "does not have the file"),
        (Response("slow down", 429, {"Retry-After": "120"}), "retry", "429|Too|later|often"),
        (Response("boom", 500), "retry", "500"),
        (Response("<!doctype html><title>Kirjaudu</title>", 200, content_type="text/html"), "refused", "web page"),
        (Response(b"\x89PNG\r\n\x1a\n\x00\x00", 200), "refused", "PNG"),
        (Response(b"", 200), "refused", "empty"),
        (Response("x", 304), "retry", "304"),
    ],
)
def test_an_answer_that_brings_no_list_leaves_the_one_in_force(  # noqa: PLR0917 - fixtures and a table
    county: County, server: HTTPServer, ca_file: Path, answer: Response, outcome: str, reason: str
):
    county.configure(rest=https("verkko", server.port, ca_file))
    server.expect_oneshot_request("/hinnasto.csv").respond_with_data(GOOD)
    assert county.read("verkko")[-1] == ("import_prices", "succeeded")
    assert county.amounts() == IN_FORCE
    server.expect_request("/hinnasto.csv").respond_with_response(answer)
    assert county.read("verkko")[-1][1] in {outcome, "failed"}
    assert re.search(reason, last_words(county)), last_words(county)
    assert county.amounts() == IN_FORCE


def test_an_unchanged_list_is_not_sent_again_and_a_changed_one_is(county: County, server: HTTPServer, ca_file: Path):
    county.configure(rest=https("verkko", server.port, ca_file))
    asked: list[str | None] = []
    content = [GOOD]

    def serve(request: Request) -> Response:
        asked.append(request.headers.get("If-None-Match"))
        tag = f'"{len(content)}"'
        return Response(status=304) if asked[-1] == tag else Response(content[-1], headers={"ETag": tag})

    server.expect_request("/hinnasto.csv").respond_with_handler(serve)
    county.read("verkko")
    assert county.read("verkko") == [("fetch_prices", "nothing_to_do")]
    content.append(csv("TUKIHENKILO;h;60,00;1.12.2026"))
    assert county.read("verkko")[-1] == ("import_prices", "held")
    assert county.read("verkko")[-1] == ("import_prices", "held"), "what was not applied is read again"
    assert asked[:2] == [None, '"1"']
    assert '"2"' not in asked
    assert county.amounts() == IN_FORCE


def test_a_connection_that_ends_in_the_middle_brings_nothing(county: County):
    def half(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + GOOD[:40])

    with raw_server(half) as port:
        county.configure(
            rest=f'[sources.prices.verkko]\nprovider = "9999997-6"\n[sources.prices.verkko.transport]\nkind = "https"\n'
            f'url = "http://127.0.0.1:{port}/h.csv"\nallow_http = true\nallow_private = true\n'
        )
        outcomes = county.read("verkko")
    assert {outcome for _, outcome in outcomes} <= {"retry", "failed"}
    assert county.amounts() == {}
    assert county.spooled() == []


def sftp(port: int, host_key: asyncssh.SSHKey) -> str:
    key = host_key.export_public_key().decode().strip()
    return (
        f'[sources.prices.sftp]\nprovider = "9999997-6"\n[sources.prices.sftp.transport]\nkind = "sftp"\nhost = "127.0.0.1"\nport = {port}\n'
        f'username = "{USER}"\npassword = "{WORD}"\nhost_key = "{key}"\npath = "/out/*.csv"\n'
    )


def test_an_sftp_server_with_another_key_is_told_nothing(county: County, tmp_path: Path):
    root = tmp_path / "root"
    (root / "out").mkdir(parents=True)
    (root / "out" / "hinnasto.csv").write_bytes(GOOD)
    with sftp_server(root, host_keys=[HOST_KEY]) as port:
        county.configure(rest=sftp(port, HOST_KEY))
        assert county.read("sftp")[-1] == ("import_prices", "succeeded")
        assert county.read("sftp") == [("fetch_prices", "nothing_to_do")]
        county.configure(rest=sftp(port, asyncssh.generate_private_key("ssh-ed25519")))
        assert county.read("sftp")[-1] == ("fetch_prices", "failed")
    assert "shows another key" in last_words(county)
    assert county.amounts() == IN_FORCE


def test_sources_on_one_host_share_its_pace(county: County, server: HTTPServer, ca_file: Path):
    server.expect_request("/a.csv").respond_with_data(GOOD)
    server.expect_request("/b.csv").respond_with_data(GOOD)
    county.configure(
        rest=https("a", server.port, ca_file, "/a.csv")
        + https("b", server.port, ca_file, "/b.csv").replace("9999997-6", "9999998-4")
    )
    county.night()
    (row,) = county.process.rows("SELECT host FROM host_turn")
    assert row.host == "127.0.0.1"
    first, second, other = turn_at("Example.invalid", 100), turn_at("example.invalid", 100), turn_at("other.invalid", 1)
    assert first == other == 0
    assert 90 < second <= 100
