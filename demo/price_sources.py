"""Two providers' servers for the demo, on 127.0.0.1: one gives its price list by HTTPS, one by SFTP. Real protocols, invented providers."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh
import trustme

#: Whether the list that comes by HTTPS is a Peppol catalogue (T19) or a table that says the same.
CATALOGUE = True
USER, WORD = "avain", "keksitty-salasana"


class HttpsServer:
    """Serves one file, with an ETag, under a certificate of an authority that exists for the demo alone."""

    def __init__(self, file: Path, authority_file: Path) -> None:
        self._file, self._authority_file = file, authority_file
        #: How often the file was asked for, and how often it had not changed.
        self.asked = self.unchanged = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: Any) -> None:
                """Not to the demo's screen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="https", daemon=True)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        content = self._file.read_bytes()
        tag = f'"{len(content)}-{self._file.stat().st_mtime_ns}"'
        self.asked += 1
        same = request.headers.get("If-None-Match") == tag
        self.unchanged += same
        request.send_response(304 if same else 200)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", "0" if same else str(len(content)))
        request.end_headers()
        if not same:
            request.wfile.write(content)

    def __enter__(self) -> Self:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self._authority_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def settings(self) -> str:
        """How Avain is told of it."""
        url = f"https://127.0.0.1:{self._server.server_port}/{self._file.name}"
        return f'kind = "https"\nurl = "{url}"\nallow_private = true\nca_file = "{self._authority_file}"\n'


class SftpServer:
    """Serves one folder to one user; its key is made for the demo alone."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp", daemon=True)
        self._acceptor: asyncssh.SSHAcceptor | None = None

    def _run(self, act: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(10)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        def rooted(channel: Any) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(self._folder).encode())

        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=_Login, server_host_keys=[self._key], sftp_factory=rooted
        )

    async def _close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

    def __enter__(self) -> Self:
        self._thread.start()
        self._acceptor = self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def settings(self) -> str:
        """How Avain is told of it."""
        port = self._acceptor.get_port() if self._acceptor is not None else 0
        key = self._key.export_public_key().decode("ascii").strip()
        return (
            f'kind = "sftp"\nhost = "127.0.0.1"\nport = {port}\nusername = "{USER}"\npassword = "{WORD}"\nhost_key = "{key}"\n'
            'path = "/*.csv"\n'
        )


class _Login(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - everybody has to
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, WORD)
