"""Counts and times every answer, and writes one line about it: by the page's pattern, never by its address, which is somebody's.

The figures are read at /metrics (console/health.py).
"""

import time
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.hosts import FOR_MACHINES

log = structlog.get_logger()

_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Methods that stand in figures as they are; whoever makes one up must not make a new figure.
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "OPTIONS"})


class Figures:
    """A console's own figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "avain_console_requests",
            "Answers by page and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "avain_console_request_seconds",
            "Seconds until the end of an answer, by page.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )


class Measured:
    """The outermost middleware: what it counts is what the browser gets."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app, self._figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            seconds, route = time.perf_counter() - began, route_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._figures.answers.labels(method, route, str(status)).inc()
            self._figures.seconds.labels(route).observe(seconds)
            if route not in FOR_MACHINES:
                log.info("answered", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def route_of(scope: Scope) -> str:
    """The pattern of the page that answered: `/cases/{number}`; `/static`, or `none` for an address that leads nowhere."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    return "/static" if scope["path"].startswith("/static/") else "none"
