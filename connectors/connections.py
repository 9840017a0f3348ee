"""Connections that go to judged addresses only and end at their deadline.

This sits below the HTTP library as its network backend: the URL, the Host header and the TLS name above stay the host's, while the
socket is opened to the address that was looked at, never to a name that would be looked up again.
"""

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpcore2

from connectors.addresses import Resolver, checked_addresses, plain_host

#: Bytes moved between two looks at the clock.
PIECE: Final = 64 * 1024


@dataclass
class Deadline:
    """When a call must have ended, by the monotonic clock. A connection that is kept has another one with each call."""

    at: float


class CheckedBackend(httpcore2.NetworkBackend):
    """Looks a host up once, judges every address, connects to those, and holds the deadline."""

    def __init__(self, resolver: Resolver, private: Mapping[str, bool], deadline: Deadline) -> None:
        self._resolver, self._private, self._deadline = resolver, private, deadline
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            addresses = checked_addresses(
                plain_host(host), port, self._resolver, allow_private=self._private[plain_host(host)]
            )
        except OSError as error:
            raise httpcore2.ConnectError(f"{host} is not known") from error
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._connect(addresses[-1], port, timeout, local_address, socket_options)

    def _connect(self, address: str, port: int, timeout: float | None, *rest: Any) -> httpcore2.NetworkStream:
        left = _left(self._deadline, timeout, httpcore2.ConnectTimeout)
        return _TimedStream(self._plain.connect_tcp(address, port, left, *rest), self._deadline)


class _TimedStream(httpcore2.NetworkStream):
    """A connection whose every wait ends at the deadline, however steadily the other side trickles."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for start in range(0, len(view), PIECE):
            self._inner.write(
                bytes(view[start : start + PIECE]), _left(self._deadline, timeout, httpcore2.WriteTimeout)
            )

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline, timeout, httpcore2.ConnectTimeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(deadline: Deadline, timeout: float | None, over: type[Exception]) -> float:
    """The shorter of `timeout` and what is left; raises `over` if nothing is."""
    left = deadline.at - time.monotonic()
    if left <= 0:
        raise over("the total time is used up")
    return left if timeout is None else min(left, timeout)
