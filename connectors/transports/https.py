"""One file by HTTPS: asked for only if it changed, streamed to the spool, never through memory.

The way out is the HTTP door (connectors/http.py), which judges hosts, addresses, redirects, bytes and time. Behind X-Road the same
file is asked for through a security server (x_road.py).
"""

import base64
from collections.abc import Mapping
from email.message import Message
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from connectors.addresses import Resolver, host_of, resolve
from connectors.http import HostRule, HttpDoor, Outbound, Reply, raise_for
from connectors.transports import x_road
from connectors.transports.base import Fetched, Visit
from connectors.transports.spooling import CHUNK, Incoming, incoming, plain_name
from core.errors import NotFound, Transient
from core.transport_settings import HttpsFile as Settings

#: A look is for doctor and `source test`: somebody waits for it.
LOOK_SECONDS: Final = 10.0
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_GONE: Final = (404, 410)
_NO_HEAD: Final = (405, 501)
#: The headers that say which version of the file an answer holds, and those that ask for a later one.
_CONDITIONS: Final = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class HttpsFile:
    """The transport for `kind = "https"`."""

    def __init__(self, configured: Settings, *, resolver: Resolver = resolve) -> None:
        self._configured, self._resolver = configured, resolver
        self._url = configured.url if configured.x_road is None else x_road.address(configured.url, configured.x_road)
        self._host = host_of(self._url)

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch. An answer "not modified" brings no file, and leaves the memory as it is.

        Asked for only if it changed is a file that was applied: one that is wanted anew must come whatever the server thinks.
        """
        mine = visit.memory.get("url") == self._mark and visit.memory.get("sha256") in visit.processed
        known = visit.memory if mine else {}
        conditions = {_CONDITIONS[name]: str(known[name]) for name in _CONDITIONS if name in known}
        visit.pace.before_request()
        door = self._door(visit.seconds)
        with door.stream("GET", self._url, headers=self._headers(conditions), answers=range(300, 600)) as reply:
            number = self._judge(reply)
            if reply.status == _NOT_MODIFIED and conditions:
                return Fetched((), processed=(str(known.get("name")),), memory=known, reply=number)
            if reply.status != _OK:
                raise Transient("{host} answered without the file ({status}).", host=self._host, status=reply.status)
            with incoming(visit.spool, self._name(reply), limit=self._configured.max_bytes) as copy:
                while chunk := reply.body.read(CHUNK):
                    copy.write(chunk)
                memory = self._memory(reply, copy)
                if copy.sha256 in visit.processed:
                    return Fetched((), processed=(copy.name,), memory=memory, reply=number)
                return Fetched((copy.finish(),), memory=memory, reply=number)

    def look(self) -> list[str]:
        """See Transport.look. Asks for the header only; a server that cannot is asked for the file, and left after its header."""
        door = self._door(LOOK_SECONDS)
        for method in ("HEAD", "GET"):
            with door.stream(method, self._url, headers=self._headers({}), answers=range(300, 600)) as reply:
                if method == "HEAD" and reply.status in _NO_HEAD and "x-road-error" not in reply.headers:
                    continue
                self._judge(reply)
                return [self._name(reply)]
        raise AssertionError  # a GET always returns or raises

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away. Nothing can be moved at a web server."""

    @property
    def _mark(self) -> str:
        """Which address a memory belongs to; hashed, because an address may hold a secret."""
        return sha256(self._url.encode()).hexdigest()[:16]

    def _door(self, seconds: float) -> HttpDoor:
        configured = self._configured
        parts = urlsplit(self._url)
        rule = HostRule(
            allow_private=configured.allow_private,
            allow_http=configured.allow_http,
            ports=frozenset({443, parts.port or (80 if parts.scheme == "http" else 443)}),
        )
        certificate, key = configured.client_certificate, configured.client_key
        policy = Outbound(
            hosts=dict.fromkeys((self._host, *configured.redirect_hosts), rule),
            connect_seconds=min(10.0, seconds),
            total_seconds=seconds,
            max_bytes=configured.max_bytes,
            max_redirects=0 if configured.x_road is not None else 3,
            ca_file=configured.ca_file,
            proxy=configured.proxy,
            client_certificate=(certificate, key) if certificate is not None and key is not None else None,
        )
        return HttpDoor(policy, resolver=self._resolver)

    def _headers(self, conditions: dict[str, str]) -> dict[str, str]:
        configured = self._configured
        sent = dict(conditions)
        if configured.username is not None and configured.password is not None:
            pair = f"{configured.username}:{configured.password.get_secret_value()}"
            sent["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
        elif configured.bearer_token is not None:
            sent["Authorization"] = f"Bearer {configured.bearer_token.get_secret_value()}"
        if configured.x_road is not None:
            sent |= x_road.headers(configured.x_road)
        return sent

    def _judge(self, reply: Reply) -> str | None:
        """Raise what an answer means that brings nothing; the security server's number of one that does."""
        if self._configured.x_road is not None:
            x_road.raise_fault(reply.status, reply.headers, host=self._host)
        if reply.status in _GONE:
            raise NotFound("{host} does not have the file ({status}).", host=self._host, status=reply.status)
        raise_for(reply.status, reply.headers, host=self._host)
        return x_road.answer_id(reply.headers) if self._configured.x_road is not None else None

    def _memory(self, reply: Reply, copy: Incoming) -> dict[str, Any]:
        kept = {name: reply.headers[name] for name in _CONDITIONS if name in reply.headers}
        return {**kept, "url": self._mark, "name": copy.name, "sha256": copy.sha256} if kept else {}

    def _name(self, reply: Reply) -> str:
        """The name the server gives the file (Content-Disposition, RFC 6266), else the last part of the address."""
        said = Message()  # not EmailMessage: its parser breaks on some nonsense
        said["Content-Disposition"] = reply.headers.get("content-disposition", "inline")
        return plain_name(said.get_filename() or unquote(urlsplit(self._configured.url).path))
