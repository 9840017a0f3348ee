"""The console as a server that browsers reach: uvicorn in a thread, on a free port of 127.0.0.1."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


def free_port() -> tuple[socket.socket, int]:
    """A listening socket: its port is known before the settings are written that name it."""
    listening = socket.create_server(("127.0.0.1", 0))
    return listening, int(listening.getsockname()[1])


@contextmanager
def serving(app: FastAPI, listening: socket.socket) -> Iterator[None]:
    """`app` answers at the socket until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="console")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive(), "the console did not stop"
