"""A real SFTP server on 127.0.0.1, in a thread with a loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

USER, WORD = "avain", "a pass word"


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

    def rooted(channel: Any) -> asyncssh.SFTPServer:
        return handler(channel, chroot=str(root).encode())

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
