"""Security headers on every answer, whatever made it."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.hosts import of_family
from core.console_settings import Console
from core.family_settings import Family
from core.login_settings import LoginProvider

#: Two years, as browsers' preload lists ask for.
_HSTS: Final = "max-age=63072000; includeSubDomains"


def content_security_policy(provider: LoginProvider | None) -> str:
    """Everything from here, nothing inline, in no frame. A form may lead to the login provider too: signing out redirects there."""
    issuer = urlsplit(provider.issuer) if provider else None
    forms = f"'self' {issuer.scheme}://{issuer.netloc}" if issuer else "'self'"
    return "; ".join(
        (
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", f"form-action {forms}",
            "frame-ancestors 'none'", "base-uri 'none'",
        )
    )  # fmt: skip


class Headers:
    """Adds them; pages are not kept by browsers or proxies unless they say so themselves."""

    def __init__(self, app: ASGIApp, console: Console, family: Family) -> None:
        self._app = app
        self._policy, self._family_policy = (content_security_policy(one) for one in (console.oidc, family.oidc))
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        }
        if any(one.startswith("https:") for one in (console.origin, family.public_url or "")):
            self._headers["Strict-Transport-Security"] = _HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = self._family_policy if of_family(scope["path"]) else self._policy
                headers.setdefault("Content-Security-Policy", policy)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
