"""Security headers on every answer, whatever made it."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.console_settings import Console

#: Two years, as browsers' preload lists ask for.
_HSTS: Final = "max-age=63072000; includeSubDomains"


def content_security_policy(console: Console) -> str:
    """Everything from here, nothing inline, in no frame. A form may lead to the login provider too: signing out redirects there."""
    issuer = urlsplit(console.oidc.issuer) if console.oidc else None
    forms = f"'self' {issuer.scheme}://{issuer.netloc}" if issuer else "'self'"
    return "; ".join(
        (
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", f"form-action {forms}",
            "frame-ancestors 'none'", "base-uri 'none'",
        )
    )  # fmt: skip


class Headers:
    """Adds them; pages are not kept by browsers or proxies unless they say so themselves."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(console),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        }
        if console.origin.startswith("https:"):
            self._headers["Strict-Transport-Security"] = _HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
