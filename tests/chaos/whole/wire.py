"""A wire between the installation's processes and Valkey that can be cut, or left half-open: one side believes in it, and hears nothing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PIECE = 65536


class Wire:
    """TCP on 127.0.0.1 in front of the server's socket file."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._silent: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._door.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    @property
    def connections(self) -> int:
        """How many are connected and heard."""
        with self._lock:
            return len(self._pairs)

    def reset(self) -> int:
        """Cut every connection on both sides at once; how many. New ones work."""
        with self._lock:
            pairs, self._pairs = list(self._pairs), set()
        for pair in pairs:
            for one in pair:
                _cut(one)
        return len(pairs)

    def leave_half_open(self) -> int:
        """Every connection of now: the server's side is gone, the client's side stays and hears nothing any more. New ones work."""
        with self._lock:
            pairs, self._pairs = list(self._pairs), set()
            self._silent.update(client for client, _ in pairs)
        for _, server in pairs:
            _cut(server)
        return len(pairs)

    def resume(self) -> int:
        """Tell those who still believe in a silent connection that it is gone; how many."""
        with self._lock:
            silent, self._silent = list(self._silent), set()
        for client in silent:
            _cut(client)
        return len(silent)

    def close(self) -> None:
        """Close everything."""
        with suppress(OSError):  # it is closed already
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.resume()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                server.connect(str(self._target))
            except OSError:  # the server is away: who comes is refused
                _cut(client)
                server.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.add((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink, (client, server)), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        client, server = pair
        with suppress(OSError):
            while data := source.recv(_PIECE):
                if client not in self._silent:
                    sink.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
            silent = client in self._silent
            if source is client:
                self._silent.discard(client)
        if not silent or source is client:
            _cut(client)
        _cut(server)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def wire(target: Path) -> Iterator[Wire]:
    """A wire to the socket file `target`, closed after the block."""
    made = Wire(target)
    try:
        yield made
    finally:
        made.close()
