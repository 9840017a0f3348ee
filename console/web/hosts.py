"""Answers under its own names only: a page of somebody else's whose name suddenly leads to this machine (DNS rebinding) gets nothing."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

#: Asked for by address or by a name of the container's, and telling nothing about anybody (console/health.py).
FOR_MACHINES: Final = ("/healthz", "/readyz", "/metrics")


class Hosts:
    """Refuses a request whose Host is not one of `names`; ports do not matter."""

    def __init__(self, app: ASGIApp, names: frozenset[str], refuse: Callable[[Request], Response]) -> None:
        self._app, self._names, self._refuse = app, names, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["path"] in FOR_MACHINES
            or host_name(Request(scope).headers.get("host", "")) in self._names
        ):
            await self._app(scope, receive, send)
        else:
            await self._refuse(Request(scope))(scope, receive, send)


def host_name(host: str) -> str:
    """The name of a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().removesuffix(".")
