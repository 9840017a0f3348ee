"""Answers under its own names only: a page of somebody else's whose name suddenly leads to this machine (DNS rebinding) gets nothing."""

import re
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.family_settings import Family

#: Asked for by address or by a name of the container's, and telling nothing about anybody (console/health.py).
FOR_MACHINES: Final = ("/healthz", "/readyz", "/metrics")
_HOST: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/@\[\]]*))(?::[0-9]*)?")
#: Where the pages of families begin.
FAMILY_PATH: Final = "/my"


def of_family(path: str) -> bool:
    """Whether an address is one of a family's ("My budget")."""
    return path == FAMILY_PATH or path.startswith(f"{FAMILY_PATH}/")


class Hosts:
    """Refuses a request whose Host is not one of `names`; ports do not matter.

    Families' addresses answer under the name of their own that `family` gives them, and nothing else does there, so that an organisation can
    publish that name alone; without one, under `names`. While their page is off, `absent` answers: there is nothing at these addresses.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: frozenset[str],
        family: Family,
        refuse: Callable[[Request], Response],
        absent: Callable[[Request], Response],
    ) -> None:
        self._app, self._names, self._family, self._refuse, self._absent = app, names, family, refuse, absent
        own = family.host_name if family.enabled else None
        self._family_names = frozenset({own}) if own else names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None if scope["type"] != "http" else self._instead(Request(scope))
        await (answer or self._app)(scope, receive, send)

    def _instead(self, request: Request) -> Response | None:
        """What is answered in the page's place; None if the page answers."""
        path, name = request.scope["path"], host_name(request.headers.get("host", ""))
        if path in FOR_MACHINES:
            return None
        if of_family(path):
            if not self._family.enabled:
                return self._absent(request) if name in self._names else self._refuse(request)
            return None if name in self._family_names else self._refuse(request)
        if name in self._names or (path.startswith("/static/") and name in self._family_names):
            return None
        if path == "/" and name in self._family_names:  # who types the name alone
            return RedirectResponse(FAMILY_PATH, 303)
        return self._refuse(request)


def host_name(host: str) -> str:
    """The name of a Host header, without port and brackets; '' for what no browser sends."""
    found = _HOST.fullmatch(host)
    return (found["six"] or found["name"]).lower().removesuffix(".") if found else ""
