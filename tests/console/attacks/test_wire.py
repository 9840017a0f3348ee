"""The console's server as `avain console` sets it up, over real sockets: where a request ends is never in doubt, nobody keeps a connection by
dawdling, and nobody is believed about where they come from.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from pydantic import ValidationError
from structlog.testing import capture_logs

from cli.console import serving
from console.app import create_app
from console.web import patience
from tests.support.browsing import settings_for

HEAD = b"Host: 127.0.0.1\r\n"
FORM = b"POST /reply/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


class Probe:
    """An application that notes what reaches it, and says hello."""

    def __init__(self) -> None:
        self.reached: list[tuple[str, str, str, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.reached.append((scope["method"], scope["path"], scope["client"][0], body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def served(app: Any, **console: Any) -> Iterator[int]:
    """The port at which `app` answers, with the server's settings of an installation."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = serving(settings_for(family={}, **console), app)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="console")
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive()


@pytest.fixture
def probe() -> Iterator[tuple[Probe, int]]:
    app = Probe()
    with served(app) as port:
        yield app, port


def said(port: int, *pieces: bytes, pause: float = 0.0, wait: float = 5.0) -> bytes:
    """All that comes back for these bytes until the server closes, or has nothing more to say for a while; its first word is waited for longer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause)
        line.settimeout(wait)
        answer = b""
        with suppress(TimeoutError, ConnectionResetError):
            while part := line.recv(65536):
                answer += part
                line.settimeout(0.3)
    return answer


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",  # a proxy may go by one, the console by the other
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 0\r\nContent-Length: 43\r\n",
        b"Content-Length: 43, 0\r\n",
        b"Content-Length: +43\r\n",
        b"Content-Length: 0x2b\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 4_3\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\n\tContent-Length: 43\r\nContent-Length: 43\r\nContent-Length: 5\r\n",
        b"X: a\rContent-Length: 43\r\n",
        b"X: a\x00b\r\n",
        b"Host: evil.test\r\n",  # a second one
        b"X Y: a\r\n",
        b": a\r\n",
    ],
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_the_line_cut(probe, head):
    """Request smuggling: what one machine reads as a body, another must not read as the next request."""
    app, port = probe
    answer = said(port, b"POST / HTTP/1.1\r\n" + HEAD + head + b"\r\n" + HIDDEN + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert [one for one in app.reached if one[1] == "/hidden"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"5 \r\nhelloxx0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFFFFFFF\r\n", b"5\r\nhello_\r\n0\r\n\r\n", b"5\r\nhelloX0\r\n\r\n",
    ],
)  # fmt: skip
def test_a_chunk_that_is_written_oddly_is_refused(probe, body):
    app, port = probe
    answer = said(port, b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + HIDDEN, wait=0.5)
    assert [one for one in app.reached if one[1] == "/hidden"] == []
    assert answer.count(b"HTTP/1.1 200") == 0


def test_a_whole_request_reaches_the_page_and_two_are_two(probe):
    """Else the tests above would hold of a server that answers nothing."""
    app, port = probe
    plain = b"POST /a HTTP/1.1\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello"
    chunked = b"POST /b HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert said(port, plain + chunked).count(b"HTTP/1.1 200") == 2
    assert [(path, body) for _, path, _, body in app.reached] == [("/a", b"hello"), ("/b", b"hello")]


def test_a_head_has_an_end(probe):
    app, port = probe
    answer = said(port, b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 200_000)
    assert answer.startswith(b"HTTP/1.1 400 ") or answer == b""
    assert app.reached == []


def test_a_method_is_written_in_capitals():
    """What one machine takes for GET another must not take for something else."""
    with served(create_app(settings_for(family={}))) as port:
        for method in (b"get", b"Get", b"post", b"Post"):
            answer = said(port, method + b" /logout HTTP/1.1\r\n" + HEAD + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 405 "), method


def test_it_does_not_say_what_it_is_made_of(probe):
    _app, port = probe
    for request in (b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n", b"nonsense\r\n\r\n"):
        answer = said(port, request).lower()
        assert b"uvicorn" not in answer
        assert b"server:" not in answer


@pytest.fixture
def hasty(monkeypatch):
    """Patience that ends at once."""
    monkeypatch.setattr(patience.Patient, "seconds", 0.3)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 1000\r\n\r\nabc",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
        b"GET / HTTP/1.1\r\n" + HEAD + b"\r\nGET / HTTP/1.1\r\nHo",
    ],
    ids=["nothing", "head", "body", "chunk", "second"],
)
def test_who_dawdles_is_cut_off(hasty, probe, beginning):
    """Slowloris: a byte now and then must not keep a connection, in a head or in a body."""
    _app, port = probe
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(beginning)
        began, over = time.monotonic(), False
        while time.monotonic() - began < 4 and not over:
            time.sleep(0.1)
            try:
                line.sendall(b"1")
                line.settimeout(0.01)
                over = line.recv(65536) == b""
            except TimeoutError:
                continue
            except OSError:
                over = True
        assert over, "the line is still open"
        assert time.monotonic() - began < 2


def test_who_dawdles_after_the_answer_is_cut_off(hasty):
    """The page has answered, and the body goes on and on."""

    async def at_once(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with served(at_once) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 100000\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 401")
        began = time.monotonic()
        with pytest.raises(OSError, match=r"ipe|reset"):  # noqa: PT012 - until it is over
            while time.monotonic() - began < 4:
                line.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - began < 2


def test_a_large_body_on_a_slow_line_comes_through(monkeypatch, probe):
    """Who sends steadily is waited for: the time grows with what has come."""
    app, port = probe
    monkeypatch.setattr(patience.Patient, "seconds", 0.2)
    pieces = [b"x" * 4096] * 8
    head = b"POST /slow HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % (4096 * 8)
    assert said(port, head, *pieces, pause=0.1).startswith(b"HTTP/1.1 200")
    assert [len(body) for _, _, _, body in app.reached] == [4096 * 8]


def test_who_hangs_up_in_the_midst_of_a_form_is_no_failure_of_ours():
    """Else anybody could fill the log with alarms."""
    app = create_app(settings_for(family={}))
    with capture_logs() as logs, served(app) as port:
        for path in (b"/reply/x", b"/delivered/x", b"/my/in"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                line.sendall(FORM.replace(b"/reply/x", path) + b"Content-Length: 100\r\n\r\nanswer=acc")
        for _ in range(100):
            if len([one for one in logs if one["event"] == "answered"]) == 3:
                break
            time.sleep(0.05)
    assert {one["event"] for one in logs} <= {"answered", "rate_limits_without_redis"}, logs


FORWARDED = (
    b"GET /x HTTP/1.1\r\n"
    + HEAD
    + b"X-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\nForwarded: for=203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n\r\n"
)


@pytest.mark.parametrize(
    ("trusted", "told", "seen"),
    [
        ([], b"203.0.113.7", "127.0.0.1"),  # nobody is believed unless the settings name them
        (["10.0.0.1"], b"203.0.113.7", "127.0.0.1"),
        (["127.0.0.1"], b"203.0.113.7", "203.0.113.7"),
        (
            ["127.0.0.1"],
            b"198.51.100.1, 203.0.113.7",
            "203.0.113.7",
        ),  # what the proxy added, not what the client made up
        (["127.0.0.1", "10.0.0.0/8"], b"198.51.100.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
    ],
)
def test_an_address_is_believed_from_a_proxy_of_ours_only(monkeypatch, trusted, told, seen):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # what uvicorn would read, if it were not told
    app = Probe()
    with served(app, trusted_proxies=trusted) as port:
        said(port, FORWARDED % told)
    assert [client for _, _, client, _ in app.reached] == [seen]


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0"])
def test_not_everybody_can_be_a_proxy_of_ours(everybody):
    with pytest.raises(ValidationError, match="must not be everybody"):
        settings_for(trusted_proxies=["127.0.0.1", everybody])
