"""The way out by HTTP: every request of Avain to the outside goes through this door.

Hosts are on a list, names are looked up once and the connection goes to the very address that was judged (so that an answer which
changes between look and connect changes nothing), Host and the TLS name stay the host's. Redirects pass the same checks again. Bytes and time are
bounded from the first DNS question to the last byte. Replies become the three kinds of `core.errors`; their sentences name
the host and the status, never the URL, which may hold what must not be told.
"""

import io
import ssl
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final, cast

import httpcore2
import httpx2

from connectors.addresses import Resolver, check_spelling, plain_host, resolve
from connectors.connections import PIECE, CheckedBackend, Deadline
from core.errors import AlreadyDone, AvainError, ConfigurationError, Permanent, RefusedInput, Transient
from core.reasons import os_reason

_MEBIBYTE: Final = 1024 * 1024
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_NOT_MODIFIED: Final = 304
_CONFLICT: Final = 409
_LATER: Final = (408, 425, 429)
_LONGEST_WAIT: Final = 24 * 3600.0
#: What may be sent again, or elsewhere: it changes nothing.
_READING: Final = ("GET", "HEAD")
#: A connection that was idle for so long is not used again: many servers close it about then.
_KEPT_SECONDS: Final = 30.0
#: What another origin may be told after a redirect; everything else (keys, X-Road headers) was meant for the first one.
_HARMLESS: Final = ("accept", "accept-encoding", "user-agent")


@dataclass(frozen=True)
class HostRule:
    """How one host may be reached. `allow_private`: it may stand in a private network or on this machine, as an X-Road security server does."""

    allow_private: bool = False
    allow_http: bool = False
    ports: frozenset[int] = frozenset({443})


@dataclass(frozen=True)
class Outbound:
    """Where a connector may go, and what one call may cost: seconds, bytes of the answer, redirects (0: none are followed).

    `hosts` maps exact host names (or addresses) to rules. `ca_file` replaces the system's authorities; `client_certificate` is (certificate, key).
    `proxy` (`http://host:port`) is used only if it is named here; the environment's is not. It then looks the names up,
    and judges them: here addresses alone are, in any spelling. An answer that comes
    packed though it was asked not to is refused, or with `packed` handed on as it is: for who asks for the status alone.
    """

    hosts: Mapping[str, HostRule]
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0
    max_bytes: int = 64 * _MEBIBYTE
    max_redirects: int = 3
    ca_file: Path | None = None
    client_certificate: tuple[Path, Path] | None = None
    proxy: str | None = None
    packed: bool = False


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers, and its body as a file that can be read while the call is open."""

    status: int
    headers: httpx2.Headers
    body: BinaryIO = field(repr=False)


class HttpDoor:
    """Sends requests under one policy. It keeps no cookies or credentials, and no connections but inside `one_connection`; outside of that it
    may be shared by threads.
    """

    def __init__(self, policy: Outbound, *, resolver: Resolver = resolve) -> None:
        self._policy = policy
        self._hosts = {plain_host(host): rule for host, rule in policy.hosts.items()}
        self._resolver = resolver
        self._deadline: Deadline | None = None
        self._kept: _Transport | None = None

    @contextmanager
    def one_connection(self) -> Iterator[None]:
        """Inside the block requests follow each other on one connection, as long as the other side holds it, to the address that was judged
        when it was opened. Each request has its own deadline all the same.
        """
        self._deadline = Deadline(0.0)
        with _Transport(self._pool(self._deadline, keep=1)) as transport:
            self._kept = transport
            try:
                yield
            finally:
                self._deadline = self._kept = None

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        conflict_is_done: bool = False,
        answers: Container[int] = (),
    ) -> tuple[Reply, bytes]:
        """The answer and its whole body (at most `max_bytes`). Errors as in `stream`."""
        with self.stream(
            method, url, headers=headers, content=content, conflict_is_done=conflict_is_done, answers=answers
        ) as reply:
            return reply, reply.body.read()

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        conflict_is_done: bool = False,
        answers: Container[int] = (),
    ) -> Iterator[Reply]:
        """The answer (2xx, 304, or a status in `answers`) with its body to be read inside the block.

        Raises, also while the body is read: Transient (network, time, 408, 425, 429, 5xx), Permanent (other statuses, a host or
        address that is not allowed, a bad certificate), AlreadyDone (409 with `conflict_is_done`), RefusedInput (too many bytes).
        """
        sent = httpx2.Headers(headers)
        sent.setdefault("accept", "*/*")
        sent.setdefault("user-agent", "Avain")
        sent["accept-encoding"] = "identity"  # what is packed must go through the archive door, not be unpacked here
        target = self._checked(url)
        with self._transport() as transport, _network_errors(target.host):
            for hop in range(self._policy.max_redirects + 1):
                response = self._send(transport, method, target, sent, content)
                onward = self._redirect(response, method, target, hop)
                if onward is None:
                    break
                response.close()
                if _origin(onward) != _origin(target):
                    sent = httpx2.Headers({name: value for name, value in sent.items() if name in _HARMLESS})
                target = onward
            try:
                if response.status_code not in answers:
                    raise_for(
                        response.status_code, response.headers, host=target.host, conflict_is_done=conflict_is_done
                    )
                body = _Body(response, target.host, self._policy)
                yield Reply(response.status_code, response.headers, cast("BinaryIO", io.BufferedReader(body, PIECE)))
            finally:
                response.close()

    def _send(
        self, transport: "_Transport", method: str, target: httpx2.URL, headers: httpx2.Headers, content: bytes | None
    ) -> httpx2.Response:
        policy = self._policy
        timeout = {
            "connect": policy.connect_seconds,
            "read": policy.read_seconds,
            "write": policy.read_seconds,
            "pool": policy.connect_seconds,
        }
        request = httpx2.Request(method, target, headers=headers, content=content, extensions={"timeout": timeout})
        try:
            return transport.handle_request(request)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            # The other side may close a kept connection just as we ask (RFC 9112 9.3.1): what only reads is asked again, on a new one.
            if not transport.used or method not in _READING:
                raise
            return transport.handle_request(request)

    @contextmanager
    def _transport(self) -> Iterator["_Transport"]:
        """The connections of one call, which ends at its deadline."""
        ends = time.monotonic() + self._policy.total_seconds
        if self._kept is not None and self._deadline is not None:
            self._deadline.at = ends
            yield self._kept
        else:
            with _Transport(self._pool(Deadline(ends), keep=0)) as transport:
                yield transport

    def _checked(self, url: str | httpx2.URL) -> httpx2.URL:
        """The URL, if its host, scheme and port are allowed and it carries no user name."""
        try:
            target = httpx2.URL(url)
        except httpx2.InvalidURL as error:
            raise Permanent("The address of the request is not a valid URL.") from error
        host = plain_host(target.raw_host.decode("ascii"))
        rule = self._hosts.get(host)
        if target.scheme not in _DEFAULT_PORTS or not host:
            raise Permanent(
                "Only https addresses are used, and http where it is allowed; {scheme} is not.",
                scheme=target.scheme or "-",
            )
        if target.userinfo:
            raise Permanent(
                "The address on {host} carries a user name or password; put credentials in the settings.", host=host
            )
        if rule is None:
            raise Permanent("The host {host} is not on the list of allowed hosts.", host=host)
        if target.scheme == "http" and not rule.allow_http:
            raise Permanent("The host {host} may be reached by https only.", host=host)
        port = _port(target)
        if port not in rule.ports:
            raise Permanent("Port {port} of the host {host} is not allowed.", port=port, host=host)
        if self._policy.proxy is not None:
            check_spelling(host, port, allow_private=rule.allow_private)
        return target

    def _redirect(self, response: httpx2.Response, method: str, target: httpx2.URL, hop: int) -> httpx2.URL | None:
        """Where the answer sends us, judged again; None if it is the answer itself. Only reading follows: a POST is never repeated."""
        location = response.headers.get("location")
        if (
            response.status_code not in _REDIRECTS
            or location is None
            or method not in _READING
            or not self._policy.max_redirects
        ):
            return None
        if hop == self._policy.max_redirects:
            raise Permanent("{host} redirects more than {count} times.", host=target.host, count=hop)
        try:
            onward = self._checked(target.join(location))
        except httpx2.InvalidURL as error:
            raise Permanent("{host} redirects to something that is not a valid URL.", host=target.host) from error
        if target.scheme == "https" and onward.scheme == "http":
            raise Permanent("{host} redirects from https to http.", host=target.host)
        return onward

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """TLS 1.2 or later with the policy's or the system's authorities."""
        try:
            if self._policy.ca_file is None:
                context = httpx2.create_ssl_context(trust_env=False)
            else:
                context = ssl.create_default_context(cafile=str(self._policy.ca_file))
            if self._policy.client_certificate is not None:
                context.load_cert_chain(*(str(path) for path in self._policy.client_certificate))
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                "The certificates for HTTPS cannot be read: {detail}", detail=os_reason(error)
            ) from error
        return context

    def _pool(self, deadline: Deadline, *, keep: int) -> httpcore2.ConnectionPool:
        private = {host: rule.allow_private for host, rule in self._hosts.items()}
        proxy = None
        if self._policy.proxy is not None:
            proxy = httpcore2.Proxy(url=self._policy.proxy)
            private[plain_host(httpx2.URL(self._policy.proxy).raw_host.decode("ascii"))] = (
                True  # named by the operator himself
            )
        backend = CheckedBackend(self._resolver, private, deadline)
        return httpcore2.ConnectionPool(
            ssl_context=self._tls,
            proxy=proxy,
            max_connections=1,
            max_keepalive_connections=keep,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=backend,
        )


def raise_for(status: int, headers: Mapping[str, str], *, host: str, conflict_is_done: bool = False) -> None:
    """Raise what a status means, see `classify`; return for an answer that can be used."""
    error = classify(status, headers, host=host, conflict_is_done=conflict_is_done)
    if error is not None:
        raise error


def classify(
    status: int, headers: Mapping[str, str], *, host: str, conflict_is_done: bool = False, now: datetime | None = None
) -> AvainError | None:
    """The one place where an HTTP status becomes a kind of error; None for 2xx and 304.

    `now` is what a Retry-After given as a date is counted from.
    """
    if 200 <= status < 300 or status == _NOT_MODIFIED:
        return None
    if status == _CONFLICT and conflict_is_done:
        return AlreadyDone("{host} already has it (409).", host=host)
    if status in _LATER or status >= 500:
        return Transient(
            "{host} cannot answer now ({status}).",
            host=host,
            status=status,
            retry_after=retry_after(headers, now or datetime.now(UTC)),
        )
    return Permanent("{host} refused the request ({status}).", host=host, status=status)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the other side asks to wait (RFC 9110 10.2.3: seconds or a date), at most a day; None if it does not say."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a year that no calendar has
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_WAIT)


@contextmanager
def _network_errors(host: str) -> Iterator[None]:
    """What the network does to us, in words. A bad certificate needs a person; the rest may pass by itself."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise Transient("{host} did not answer in time.", host=host) from error
    except httpx2.TransportError as error:
        if _is_certificate_problem(error):
            raise Permanent(
                "The certificate of {host} is not valid for it or not from a known authority.", host=host
            ) from error
        raise Transient("The connection to {host} failed.", host=host) from error


def _is_certificate_problem(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _port(url: httpx2.URL) -> int:
    return url.port or _DEFAULT_PORTS[url.scheme]


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, _port(url)


class _Transport(httpx2.HTTPTransport):
    """httpx2's transport over a pool of our own: its constructor cannot be given a network backend. `used` once it has brought an answer."""

    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        self._pool, self.used = pool, False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        self.used = True
        return response


class _Body(io.RawIOBase):
    """At most as many bytes of an answer's body as the policy allows; the network's errors in words, also here."""

    def __init__(self, response: httpx2.Response, host: str, policy: Outbound) -> None:
        limit, encoding = policy.max_bytes, response.headers.get("content-encoding", "identity").lower()
        if encoding != "identity" and not policy.packed:
            raise Permanent(
                "{host} sends its answer packed ({encoding}) though it was asked not to.", host=host, encoding=encoding
            )
        self._chunks = iter(cast("httpx2.SyncByteStream", response.stream))
        self._host, self._limit, self._read, self._rest = host, limit, 0, b""
        if int(response.headers.get("content-length", "0")) > limit:
            raise self._too_large()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _network_errors(self._host):
            while not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return 0
                self._read += len(chunk)
                if self._read > self._limit:
                    raise self._too_large()
                self._rest = chunk
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _too_large(self) -> RefusedInput:
        return RefusedInput(
            "The answer of {host} is larger than the accepted {limit} bytes.", host=self._host, limit=self._limit
        )
