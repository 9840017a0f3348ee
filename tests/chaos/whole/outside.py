"""The world outside of an installation: an HTTPS server, an SFTP server, a mail server, each real, on 127.0.0.1, with moods.

Sources are read from them and orders and e-mails go to them. What they took is kept, so that a test can say what arrived.
"""

import asyncio
import hashlib
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncssh
import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.smtp_sink import Recorder, SmtpSink
from tests.chaos.whole.moods import Mood, Moods
from tests.support.sftp_server import HOST_KEY, USER, WORD, sftp_server

__all__ = ["HOST_KEY", "USER", "WORD", "Outside", "outside"]

_REPLIES = {"451": "451 4.3.0 Try again later (invented)", "550": "550 5.7.1 We do not want this (invented)"}
#: What is done to a delivery that was taken: kept, and the connection gone before the yes.
TAKEN_AND_GONE = "accept-then-drop"
#: Moods of the mail server when it would keep a message.
MAIL_MOODS = (*_REPLIES, "timeout", TAKEN_AND_GONE)
#: Moods of who answers a request for a file.
READING_MOODS = ("trickle", "hang", "truncate", "500", "429")
#: Moods of an access point, and of an SFTP server that files are put to.
TAKING_MOODS = ("500", "429", "hang", TAKEN_AND_GONE)
PUTTING_MOODS = ("hang", "500", TAKEN_AND_GONE)
#: A trickling server sends so much at a time, in bytes, and waits so long between, in seconds.
_DROP, _DROP_SECONDS = 16, 0.1


@dataclass
class Point:
    """An access point: keeps one document per key, and answers 409 to whatever comes under a key it knows."""

    documents: dict[str, bytes] = field(default_factory=dict)
    repeats: Counter[str] = field(default_factory=Counter)
    #: Keys under which something else came later. There must be none.
    others: list[str] = field(default_factory=list)
    moods: Moods = field(default_factory=Moods)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, document: bytes) -> tuple[int, bytes]:
        """One POST: status and body of the answer."""
        with self._lock:
            if key not in self.documents:
                self.documents[key] = document
                return 202, b'{"id": "m-%d"}' % len(self.documents)
            self.repeats[key] += 1
            if self.documents[key] != document:
                self.others.append(key)
        return 409, b"this key is known"


class Http:
    """Files by path, each with an ETag; `POST /orders` is the access point. HTTPS, with an authority of its own (`ca_file`)."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._tls)
        self.files: dict[str, bytes] = {}
        self.moods, self.point = Moods(), Point()
        #: How often each path was asked for.
        self.asked: Counter[str] = Counter()
        self._server = _Threads(("127.0.0.1", 0), type("Handler", (_Answering,), {"side": self}))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="http", daemon=True)
        self._thread.start()

    def secured(self, connection: Any) -> ssl.SSLSocket:
        """A connection after its handshake, which a client may break off."""
        connection.settimeout(10)
        return self._tls.wrap_socket(connection, server_side=True)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"https://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """Stop serving; who waits is let go."""
        self.moods.clear()
        self.point.moods.clear()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed here: that their connections break is no news."""


class _Answering(BaseHTTPRequestHandler):
    """One connection of one client."""

    side: Http
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.request = self.connection = self.side.secured(self.request)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        with suppress(OSError):
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Nothing: thousands of lines."""

    def do_GET(self) -> None:
        content = self.side.files.get(self.path)
        self.side.asked[self.path] += 1
        if content is None:
            self._say(404, b"")
            return
        mark = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        mood = self.side.moods.take()
        if mood is not None:
            self._in_a_mood(mood, content, mark)
        elif self.headers.get("If-None-Match") == mark:
            self._say(304, b"", ETag=mark)
        else:
            self._say(200, content, ETag=mark)

    def do_POST(self) -> None:
        document = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        key = self.headers.get("Idempotency-Key", "")
        if self.path != "/orders" or not key:
            self._say(404, b"")
            return
        mood = self.side.point.moods.take()
        match mood.name if mood else "":
            case "":
                self._say(*self.side.point.take(key, document))
            case "500":
                self._say(500, b"invented")
            case "429":
                self._say(429, b"invented", **{"Retry-After": "1"})
            case "hang":
                assert mood is not None
                self.side.point.moods.keep(mood.seconds)
                self.close_connection = True
            case _:
                self.side.point.take(key, document)
                self.close_connection = True

    def _in_a_mood(self, mood: Mood, content: bytes, mark: str) -> None:
        match mood.name:
            case "500":
                self._say(500, b"invented")
            case "429":
                self._say(429, b"invented", **{"Retry-After": "1"})
            case "hang":
                self.side.moods.keep(mood.seconds)
            case "truncate":
                self._head(200, len(content), ETag=mark)
                self.wfile.write(content[: len(content) // 2])
            case _:
                self._head(200, len(content), ETag=mark)
                for start in range(0, min(len(content) - 1, int(mood.seconds / _DROP_SECONDS) * _DROP), _DROP):
                    self.wfile.write(content[start : start + _DROP])
                    if self.side.moods.keep(_DROP_SECONDS):
                        break
        self.close_connection = True

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, len(body), **headers)
        if status != 304:
            self.wfile.write(body)


@dataclass
class Sftp:
    """`root` is served as /, to USER with WORD. `moods`: of reading; `putting`: of what is put there."""

    root: Path
    port: int = 0
    moods: Moods = field(default_factory=Moods)
    putting: Moods = field(default_factory=Moods)


class _Files(asyncssh.SFTPServer):
    """Serves files, unless it is in a mood."""

    side: Sftp

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file, to read or to write."""
        writes = bool(pflags & asyncssh.FXF_WRITE)
        moods = self.side.putting if writes else self.side.moods
        mood = moods.take("500", "429", "hang") if writes or b".xml" in path or b".csv" in path else None
        if mood is not None and mood.name == "hang":
            await _kept(moods, mood.seconds)
            self._hang_up()
        elif mood is not None:
            raise asyncssh.SFTPFailure("invented: try again later")
        return super().open(path, pflags, attrs)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read from a file; a mood that comes upon it lasts until the connection is gone."""
        mood = self.side.moods.take("trickle", "truncate")
        content = super().read(file_obj, offset, size)
        assert isinstance(content, bytes)
        if mood is not None and mood.name == "truncate":
            self._hang_up()
            return content[: len(content) // 2]
        if mood is not None:
            await _kept(self.side.moods, mood.seconds)
            return content[: max(1, _DROP)]
        return content

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """The last step of putting a file there."""
        mood = self.side.putting.take(TAKEN_AND_GONE)
        super().posix_rename(oldpath, newpath)
        if mood is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.channel.get_connection().abort()


async def _kept(moods: Moods, seconds: float) -> None:
    """Wait so long, or until all is well, without holding up the other clients."""
    await asyncio.get_running_loop().run_in_executor(None, moods.keep, seconds)


class _Moody(Recorder):
    """The demo's mail server, in a mood when it would keep a message."""

    def __init__(self, moods: Moods) -> None:
        super().__init__()
        self.moods = moods
        #: Messages that were kept without the sender hearing of it.
        self.unheard: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mood = self.moods.take()
        if mood is None:
            return await super().handle_DATA(server, session, envelope)
        if mood.name in _REPLIES:
            return _REPLIES[mood.name]
        if mood.name == TAKEN_AND_GONE:
            self.unheard.append(envelope.original_content or b"")
            self._keep(envelope)
        else:
            await _kept(self.moods, mood.seconds)
        if isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "250 OK"


class Mail(SmtpSink):
    """A mail server that keeps what it is given (`messages`), and what it kept without saying so (`unheard`)."""

    def __init__(self) -> None:
        super().__init__()
        self.moods = Moods()
        self.recorder: _Moody = _Moody(self.moods)

    @property
    def unheard(self) -> list[bytes]:
        """Contents that were kept and the connection gone before the 250."""
        return self.recorder.unheard


@dataclass(frozen=True)
class Outside:
    """All servers an installation has to do with."""

    http: Http
    sftp: Sftp
    mail: Mail

    @property
    def point(self) -> Point:
        """The access point that orders are posted to."""
        return self.http.point

    @property
    def ca_file(self) -> Path:
        """The authority of the HTTPS server."""
        return self.http.ca_file

    def calm(self) -> None:
        """All of them are well again."""
        for moods in (self.http.moods, self.point.moods, self.sftp.moods, self.sftp.putting, self.mail.moods):
            moods.clear()


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """All of them, until the end of the block; `folder` holds what they serve and were given."""
    folder.mkdir(parents=True, exist_ok=True)
    sftp = Sftp(folder / "sftp")
    sftp.root.mkdir(exist_ok=True)
    handler: type[_Files] = type("Handler", (_Files,), {"side": sftp})
    with ExitStack() as stack:
        sftp.port = stack.enter_context(sftp_server(sftp.root, host_keys=[HOST_KEY], handler=handler))
        mail = stack.enter_context(Mail())
        http = Http(folder)
        stack.callback(http.close)
        made = Outside(http, sftp, mail)
        stack.callback(made.calm)
        yield made
