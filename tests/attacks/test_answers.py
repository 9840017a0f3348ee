"""Servers that answer with more than they were asked for: packed, without end, drop by drop, with headers and numbers that are none."""

import gzip
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from connectors.channels import https
from connectors.http import HostRule, HttpDoor, Outbound
from core.errors import AvainError, Permanent, RefusedInput, Transient
from tests.attacks.bounds import MEBIBYTE, bounded
from tests.attacks.documents.values import JSON
from tests.fuzz.outcome import judge
from tests.support.attacks import gzip_bomb
from tests.support.http_door import HOST, Names, raw_server

_MOST: Final = 1_000_000


def _asked(answer: Callable[[socket.socket], None], seconds: float = 2) -> bytes:
    """The whole body of an answer."""

    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        answer(connection)

    with raw_server(say) as port:
        rule = HostRule(allow_private=True, allow_http=True, ports=frozenset({port}))
        policy = Outbound(hosts={HOST: rule}, max_bytes=_MOST, total_seconds=seconds, read_seconds=seconds)
        return HttpDoor(policy, resolver=Names()).request("GET", f"http://{HOST}:{port}/x")[1]


def _said(*pieces: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return say


def _endless(head: bytes, piece: bytes, pause: float = 0) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(head)
            while True:
                connection.sendall(piece)
                time.sleep(pause)

    return say


_OK: Final = b"HTTP/1.1 200 OK\r\n"
_CHUNKED: Final = _OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_said(_OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n", gzip_bomb()[:9]), Permanent),
        (_said(_OK + b"Content-Encoding: identity, gzip\r\nContent-Length: 9\r\n\r\n123456789"), Permanent),
        (_said(_OK + b"Content-Encoding: br\r\nContent-Length: 0\r\n\r\n"), Permanent),
        (_endless(_OK + b"\r\n", b"x" * 65536), RefusedInput),
        (_endless(_CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"), RefusedInput),
        (_endless(_CHUNKED, b"1;" + b"x" * 60_000 + b"\r\nx\r\n"), AvainError),
        (_said(_CHUNKED, b"FFFFFFFFFFFFFFFFFFFF\r\nx"), Transient),
        (_said(_CHUNKED, b"-1\r\nx"), Transient),
        (_said(_OK + b"Content-Length: 99999999999\r\n\r\nx"), RefusedInput),
        (_said(_OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nx"), AvainError),
        (_said(_OK + b"Content-Length: -1\r\n\r\nx"), Transient),
        (_said(_OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), Transient),
        (_said(_OK + b"Content-Length: 9\r\n\r\nx"), Transient),
        (_endless(_OK, b"X-Header: " + b"x" * 10_000 + b"\r\n"), Transient),
        (_endless(b"HTTP/1.1 200 " + b"x" * 1_000, b"x" * 65536), Transient),
        (_said(b"SSH-2.0-x\r\n"), Transient),
        (_said(_OK + b"X: a\0b\r\nContent-Length: 1\r\n\r\nx"), Transient),
    ],
    ids=[
        "gzip", "packed twice", "brotli", "without end", "chunks without end", "chunk extensions", "a huge chunk", "a negative chunk", "a huge length",
        "a length of 5,000 digits", "a negative length", "two lengths", "less than said", "headers without end", "a status without end",
        "another protocol", "a NUL in a header",
    ],
)  # fmt: skip
def test_an_answer_that_is_none_ends_soon_and_in_words(
    answer: Callable[[socket.socket], None], kind: type[AvainError]
) -> None:
    with bounded(memory=64 * MEBIBYTE), pytest.raises(kind) as error:
        _asked(answer)
    judge(error.value.message)


@pytest.mark.parametrize(
    "answer",
    [
        _endless(_OK + b"Content-Length: 900000\r\n\r\n", b"x", 0.02),
        _endless(_OK, b"X: y\r\n", 0.02),
        _endless(b"H", b"T", 0.02),
        _endless(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.001),
    ],
    ids=["drop by drop", "header by header", "one letter", "nothing but hints"],
)
def test_who_answers_slowly_is_heard_for_a_while(answer: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with bounded(memory=64 * MEBIBYTE), pytest.raises(Transient):
        _asked(answer, seconds=0.6)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "wish", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5_000, "-1", "NaN", "1e9", "Thu, 32 Feb 0000 25:61:61 +9999", "\xa0"]
)  # fmt: skip
def test_a_wish_to_wait_is_at_most_a_day(wish: str) -> None:
    """Whoever says "come back in the year 99999" stops nothing for ever, and no process either."""
    busy = f"HTTP/1.1 503 X\r\nRetry-After: {wish}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    with pytest.raises(Transient) as error:
        _asked(_said(busy))
    assert error.value.retry_after is None or 0 <= error.value.retry_after <= 24 * 3600


@pytest.mark.parametrize("name", JSON)
def test_what_is_kept_of_an_answer_to_an_order_is_short_and_plain(name: str) -> None:
    content = JSON[name].make(b'{"data": {"id": "A-1"}}', "file:///x")
    with bounded():
        for path in (None, "data.id", "x", "data.0.id"):
            kept = https._said(content, path)
            judge(kept)
            assert len(kept) <= 300
            assert all(letter.isprintable() for letter in kept)


def test_an_order_s_answer_may_be_packed_but_is_not_unpacked() -> None:
    """Its status says enough; its body is not for us to swell."""
    body = gzip.compress(bytes(8 * MEBIBYTE))
    answer: Any = _OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    from tests.attacks.ways import order_by_https

    with raw_server(say) as port, bounded(memory=64 * MEBIBYTE):
        assert order_by_https(HOST, port, Names(), True).reply == "200"
