"""What goes wrong becomes a page: a sentence that says what, and the way on. Nothing of a database's own words is shown."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response

from console import templating
from console.family import NotComeInError, OnlyLooksError
from console.visit import SEE_OTHER, NotAllowedError, NotSignedInError, StaleFormError, TooOftenError
from console.web.hosts import of_family
from console.web.paths import safe_path
from console.web.state import Console
from core.errors import AvainError, InputError, NotFound, Transient
from core.i18n import _

log = structlog.get_logger()

#: Fields of a form that nobody types into.
_NOT_TYPED: Final = frozenset({"csrf", "seen", "shown"})
#: What an error of ours is in HTTP; the first that fits.
_STATUSES: Final = ((NotFound, 404), (InputError, 400), (Transient, 503))


def register(app: FastAPI) -> None:
    """Handlers for everything a page can raise."""
    app.add_exception_handler(NotSignedInError, _not_signed_in)
    app.add_exception_handler(NotAllowedError, _not_allowed)
    app.add_exception_handler(NotComeInError, _not_come_in)
    app.add_exception_handler(OnlyLooksError, _only_looks)
    app.add_exception_handler(StaleFormError, _stale)
    app.add_exception_handler(TooOftenError, _too_often)
    app.add_exception_handler(AvainError, _ours)
    app.add_exception_handler(RequestValidationError, _bad_values)
    app.add_exception_handler(HTTPException, _status)
    app.add_exception_handler(DataError, _no_value)
    app.add_exception_handler(OperationalError, _unavailable)
    app.add_exception_handler(InterfaceError, _unavailable)
    app.add_exception_handler(PoolTimeoutError, _unavailable)
    app.add_exception_handler(ClientDisconnect, _hung_up)


def sorry(request: Request, status: int, sentence: str, *, typed: Sequence[str] = ()) -> Response:
    """A page with one sentence, and what somebody had `typed` in vain."""
    console: Console = request.app.state.console
    theirs = console.settings.family.enabled and of_family(request.scope["path"])
    template = "my/sorry.html" if theirs else "sorry.html"
    return templating.render(request, template, status=status, sentence=sentence, typed=typed)


async def _typed(request: Request) -> list[str]:
    """What the form held that was sent too late, for its writer to copy: what this browser sent from a page of ours, and sentences only.

    One word is typed again soon, and most such values were chosen from a list.
    """
    console: Console = request.app.state.console
    if request.headers.get("origin", "").lower() not in console.origins(request.scope["path"]):
        return []
    try:
        form = await request.form()
    except (ClientDisconnect, HTTPException, RuntimeError):  # what was sent cannot be read (again)
        return []
    kept = [value for name, value in form.multi_items() if name not in _NOT_TYPED and isinstance(value, str)]
    return [value for value in kept if len(value.split()) > 1]


async def _not_signed_in(request: Request, _error: Exception) -> Response:
    if request.method == "GET" and "application/json" not in request.headers.get("accept", ""):
        to = safe_path(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        return RedirectResponse("/login" if to == "/" else f"/login?to={quote(to)}", SEE_OTHER)
    return signed_out(request, typed=await _typed(request))


def signed_out(request: Request, typed: Sequence[str] = ()) -> Response:
    """Something was sent by somebody who is not signed in, or no longer; `typed` is theirs to copy."""
    return sorry(request, 401, _("You have been signed out. Sign in again; what you sent was not saved."), typed=typed)


def not_utf_8(request: Request) -> Response:
    """A form in an encoding that no page of ours asks for."""
    return sorry(request, 415, _("Avain reads what is sent in UTF-8 only."))


async def _not_allowed(request: Request, _error: Exception) -> Response:
    return sorry(request, 403, _("Your role does not open this page."))


async def _not_come_in(request: Request, _error: Exception) -> Response:
    if request.method == "GET":
        return RedirectResponse("/my/in", SEE_OTHER)
    sentence = _("You have been signed out. Come in again; what you sent was not saved.")
    return sorry(request, 401, sentence, typed=await _typed(request))


async def _only_looks(request: Request, _error: Exception) -> Response:
    return sorry(request, 403, _("With your link you can look at everything here, and change nothing."))


async def _stale(request: Request, _error: Exception) -> Response:
    return sorry(
        request,
        403,
        _("This form was made for another login. Open the page again; what you sent was not saved."),
        typed=await _typed(request),
    )


async def _too_often(request: Request, error: Exception) -> Response:
    seconds = getattr(error, "seconds", 60)
    # what somebody wrote who is known; of others it may be a code
    typed = await _typed(request) if request.state.family is not None else []
    answer = sorry(request, 429, _("That was tried too often. Wait {seconds} s.").format(seconds=seconds), typed=typed)
    answer.headers["Retry-After"] = str(seconds)
    return answer


async def _ours(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    return sorry(request, status, str(error))


async def _bad_values(request: Request, error: Exception) -> Response:
    names = sorted({str(one["loc"][-1]) for one in error.errors()}) if isinstance(error, RequestValidationError) else []
    route = request.scope.get("route")
    log.info("console_bad_values", path=getattr(route, "path", None), fields=names)
    if error.errors()[0]["loc"][0] == "path":  # type: ignore[attr-defined]
        return sorry(request, 404, _("There is no such page."))
    return sorry(
        request,
        400,
        _("Something is missing in what you sent, or is not written as it must be: {fields}").format(
            fields=", ".join(names)
        ),
    )


async def _no_value(request: Request, _error: Exception) -> Response:
    """The database cannot hold what was sent (a NUL, a number beyond all numbers), and the page did not look. Nothing was saved."""
    route = request.scope.get("route")
    log.warning("console_bad_values", path=getattr(route, "path", None), fields=[])
    return sorry(request, 400, _("That holds characters that cannot be printed."))


async def _status(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    return no_such_page(request) if status == 404 else sorry(request, status, _("That cannot be done here."))


def no_such_page(request: Request) -> Response:
    """Nothing is at this address."""
    return sorry(request, 404, _("There is no such page."))


async def _hung_up(_request: Request, _error: Exception) -> Response:
    """Whoever sent it is gone, and hears nothing of it: no failure of ours, of which an alarm would tell."""
    return Response(status_code=400)


async def _unavailable(request: Request, _error: Exception) -> Response:
    return no_database(request)


def no_database(request: Request) -> Response:
    """The database does not answer."""
    sentence = _("Avain cannot reach its database just now. Try again in a moment.")
    if (
        request.url.path == "/health"
    ):  # who comes there looks after the installation; without the database nobody knows who it is
        sentence += " " + _("What else is wrong is said on Avain's own machine by: avain doctor")
    return sorry(request, 503, sentence)


def unexpected(request: Request, error: Exception) -> Response:
    """Nobody thought of this; what it says may hold anything, and goes to the log alone."""
    route = request.scope.get("route")
    log.error("console_failed", path=getattr(route, "path", None), exc_info=error)
    return sorry(request, 500, _("Something went wrong in Avain. It has been noted; nothing was saved."))


def other_host(request: Request) -> Response:
    """Asked for under a name that is not the console's."""
    return sorry(request, 400, _("Avain does not answer under this address."))
