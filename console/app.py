"""The console put together: `create_app()` for uvicorn (`avain console`) and for tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from fastapi import FastAPI, Request
from sqlalchemy.orm import Session
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from console import errors
from console.pages import ALL
from console.templating import STATIC
from console.web.bounds import Bounds
from console.web.headers import Headers
from console.web.state import Console
from console.web.who import Who
from core.database import transaction
from core.i18n import _
from core.settings import Settings, settings

#: What a form holds beside the file.
_FORM_BYTES = 1024 * 1024


def create_app(
    configured: Settings | None = None, *, transaction: Callable[[], AbstractContextManager[Session]] = transaction
) -> FastAPI:
    """The application. `configured` defaults to the process's settings."""
    console = Console(configured or settings(), transaction)
    limit = console.settings.console.max_upload_mb * 1024 * 1024 + _FORM_BYTES
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(Headers, console=console.settings.console),
            Middleware(Who, console=console, unavailable=errors.no_database),
            Middleware(Bounds, max_bytes=limit, refuse=_too_much),
        ],
    )
    app.state.console = console
    app.state.rules = [rule for pages in ALL for rule in pages.rules]
    errors.register(app)
    for pages in ALL:
        app.include_router(pages.router)
    app.mount("/static", _Static(directory=STATIC))
    return app


def _too_much(request: Request) -> Response:
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
