"""Doors, names and servers for the tests of the HTTP door."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from connectors.http import HostRule, HttpDoor, Outbound
from core.errors import AvainError

HOST, OTHER = "provider.test", "other.test"
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


class Names:
    """A resolver under the test's control; remembers what it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers or ([["127.0.0.1"]])), list[str]()

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


MakeDoor = Callable[..., HttpDoor]


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


def head(connection: socket.socket) -> None:
    connection.recv(65536)
