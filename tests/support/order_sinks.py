"""What providers take orders with, all real servers on 127.0.0.1: mail, SFTP, HTTPS; and an installation that is connected to them."""

import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from demo.smtp_sink import SmtpSink
from tests.support.sftp_server import HOST_KEY, USER, WORD, sftp_server

SENDER = "avain@county.invalid"


@dataclass
class Point:
    """An access point: keeps one document per key, and answers 409 to whatever comes under a key it knows."""

    documents: dict[str, bytes] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    others: list[str] = field(default_factory=list)
    busy: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Request) -> Response:
        """One POST. `busy`: it takes nothing now."""
        if self.busy:
            return Response("come again", 503)
        key, document = request.headers["Idempotency-Key"], request.get_data()
        with self.lock:
            if key not in self.documents:
                self.documents[key] = document
                return Response(f'{{"id": "m-{len(self.documents)}"}}', 202)
            self.repeats[key] += 1
            if self.documents[key] != document:
                self.others.append(key)
        return Response("this key is known", 409)


@dataclass(frozen=True)
class Sinks:
    """Where orders arrive, and the settings under which an installation sends them there (an avain.toml)."""

    mail: SmtpSink
    sftp: Path
    point: Point
    settings: Path

    @property
    def files(self) -> dict[str, bytes]:
        """What was put at the SFTP server, by name."""
        return {path.name: path.read_bytes() for path in self.sftp.iterdir()}


@contextmanager
def order_sinks(folder: Path, point: Point | None = None) -> Iterator[Sinks]:
    """All of them; `folder` holds what they need. `point`: an access point with habits of its own."""
    inbox, ca_file = folder / "sftp/in", folder / "ca.pem"
    inbox.mkdir(parents=True)
    authority, point = trustme.CA(), point or Point()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ExitStack() as stack:
        mail = stack.enter_context(SmtpSink())
        port = stack.enter_context(sftp_server(folder / "sftp", host_keys=[HOST_KEY]))
        server = stack.enter_context(HTTPServer(host="127.0.0.1", port=0, ssl_context=context, threaded=True))
        server.expect_request("/orders").respond_with_handler(point.take)
        settings = folder / "avain.toml"
        settings.write_text(
            f"""
            [mail]
            port = {mail.port}
            sender = "{SENDER}"
            [orders]
            automatic = true
            automatic_up_to = 2000
            [orders.connections.files]
            kind = "sftp"
            host = "127.0.0.1"
            port = {port}
            username = "{USER}"
            password = "{WORD}"
            host_key = "{HOST_KEY.export_public_key().decode().strip()}"
            folder = "/in"
            [orders.connections.point]
            kind = "https"
            url = "https://127.0.0.1:{server.port}/orders"
            allow_private = true
            ca_file = "{ca_file}"
            reply_id = "id"
            """,
            "utf-8",
        )
        yield Sinks(mail, inbox, point, settings)


#: What a provider's channel settings say to be reached there.
CHANNEL_SETTINGS = {
    "email": {},
    "sftp": {"connection": "files"},
    "https": {"connection": "point"},
    "file": {"folder": "all"},
    "external": {},
}
