"""The console put together: `create_app()` for uvicorn (`avain console`) and for tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from fastapi import FastAPI, Request
from sqlalchemy.orm import Session
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from connectors.oidc import Provider
from console import errors, health
from console.pages import ALL
from console.templating import STATIC
from console.web.bounds import Bounds
from console.web.caught import Caught
from console.web.headers import Headers
from console.web.hosts import Hosts, of_family
from console.web.limits import Limiter
from console.web.measured import Figures, Measured
from console.web.state import Console
from console.web.who import Who
from core.database import redis_url, transaction
from core.i18n import _
from core.settings import Settings, settings
from services.health import Examiner, Ground

#: What a form holds beside the file.
_FORM_BYTES = 1024 * 1024


def create_app(
    configured: Settings | None = None,
    *,
    transaction: Callable[[], AbstractContextManager[Session]] = transaction,
    redis_url: Callable[[], str] = redis_url,
) -> FastAPI:
    """The application. `configured` defaults to the process's settings."""
    follows = configured is None
    configured = configured or settings()
    provider, family_provider = (
        Provider(oidc) if oidc else None for oidc in (configured.console.oidc, configured.family.oidc)
    )
    console = Console(configured, transaction, redis_url, Limiter(redis_url), provider, family_provider, follows)
    figures = Figures()
    limit = configured.console.max_upload_mb * 1024 * 1024 + _FORM_BYTES
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[  # the first is the outermost
            Middleware(Measured, figures=figures),
            Middleware(Headers, console=configured.console, family=configured.family),
            Middleware(Who, console=console, unavailable=errors.no_database),
            Middleware(
                Hosts,
                names=configured.console.host_names,
                family=configured.family,
                refuse=errors.other_host,
                absent=errors.no_such_page,
            ),
            Middleware(Bounds, max_bytes=limit, refuse=_too_much, unreadable=errors.not_utf_8),
            Middleware(Caught, answer=errors.unexpected),
        ],
    )
    app.state.console, app.state.figures = console, figures
    app.state.examiner = Examiner(Ground(configured, transaction, redis_url))
    app.state.rules = [rule for pages in ALL for rule in pages.rules]
    errors.register(app)
    for pages in ALL:
        app.include_router(pages.router)
    app.include_router(health.router)
    app.mount("/static", _Static(directory=STATIC))
    return app


def _too_much(request: Request) -> Response:
    if of_family(request.scope["path"]):  # none of their forms has a file
        return errors.sorry(request, 413, _("That is more than can be sent at once."))
    if request.state.person is None:  # who was signed out while choosing a file hears that
        return errors.signed_out(request)
    megabytes = request.app.state.console.settings.console.max_upload_mb
    return errors.sorry(
        request, 413, _("That is more than {count} MB, the most that can be sent at once.").format(count=megabytes)
    )


class _Static(StaticFiles):
    """Files whose address changes with their content may be kept."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
