"""A real SFTP server on 127.0.0.1, in a thread with a loop of its own."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from connectors.transports.base import Fetched
from connectors.transports.sftp import SftpFiles
from core.transport_settings import SftpFiles as Settings

USER, WORD = "avain", "a pass word"
HOST = "files.test"
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OWN_KEY = asyncssh.generate_private_key("ssh-ed25519")


class _Login(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, WORD)


@contextmanager
def sftp_server(
    root: Path,
    *,
    host_keys: list[asyncssh.SSHKey],
    known: list[asyncssh.SSHKey] | None = None,
    handler: type[asyncssh.SFTPServer] = asyncssh.SFTPServer,
    **options: Any,
) -> Iterator[int]:
    """Serves `root` as /; who may log in: USER with WORD, or with one of the `known` keys. Gives the port."""
    opened: list[Any] = []

    class Rooted(handler):  # type: ignore[misc, valid-type]
        """Holds on to what it opens: a client that is cut off closes nothing, and garbage must not complain of that in another test."""

        def open(self, *what: Any) -> Any:
            opened.append(super().open(*what))
            return opened[-1]

    def rooted(channel: Any) -> asyncssh.SFTPServer:
        return Rooted(channel, chroot=str(root).encode())

    async def serve() -> asyncssh.SSHAcceptor:
        keys = b"\n".join(one.export_public_key().strip() for one in known or [])
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=_Login,
            server_host_keys=host_keys,
            authorized_client_keys=asyncssh.import_authorized_keys(keys.decode()) if keys else None,
            **{"sftp_factory": rooted, **options},
        )

    with _loop() as run:
        acceptor = run(serve)
        try:
            yield acceptor.get_port()
        finally:
            run(lambda: _stop(acceptor))
            for file in opened:
                if hasattr(file, "close") and not inspect.iscoroutine(file):
                    file.close()


async def _stop(acceptor: asyncssh.SSHAcceptor) -> None:
    acceptor.close()
    await acceptor.wait_closed()
    for _ in range(50):  # connections whose client has just gone
        if len(asyncio.all_tasks()) == 1:
            return
        await asyncio.sleep(0.02)


@contextmanager
def _loop() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield lambda act: asyncio.run_coroutine_threadsafe(act(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def make(port: int, settled_after: float = 0, resolver: Any = lambda *_: ["127.0.0.1"], **settings: Any) -> SftpFiles:
    defaults: dict[str, Any] = {
        "kind": "sftp",
        "host": HOST,
        "port": port,
        "username": USER,
        "password": WORD if "private_key" not in settings else None,
        "host_key": HOST_KEY.export_public_key().decode().strip(),
        "path": "/out/*.xml",
    }
    return SftpFiles(Settings(**(defaults | settings)), resolver=resolver, settled_after=settled_after)


def put(root: Path, name: str, content: bytes = b"x") -> Path:
    path = root / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(fetched: Fetched) -> list[str]:
    return [one.name for one in fetched.files]


def spooled(tmp_path: Path) -> list[str]:
    return [one.name for one in (tmp_path / "spool").glob("*")]
