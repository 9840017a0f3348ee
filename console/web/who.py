"""Finds out who is at the browser and which language they read, before anything else is done for them."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.hosts import FOR_MACHINES, of_family
from console.web.state import Console
from core.clock import business_now
from core.i18n import LANGUAGES, speaking
from services.access import sessions
from services.family import sessions as family_sessions
from services.family.sessions import Family

LANGUAGE_COOKIE: Final = "avain_language"
_A_YEAR: Final = 365 * 24 * 3600
#: Answered to anybody, without a look into the database.
_FOR_ANYBODY: Final = ("/static/", *FOR_MACHINES)


class Who:
    """Sets `person` (or `family`, or None), `has_flash` and `held` of `request.state`, and has everything inside speak the reader's language.

    `held`: what every page of the console says while nothing may leave Avain.
    """

    def __init__(self, app: ASGIApp, console: Console, unavailable: Callable[[Request], Response]) -> None:
        """`unavailable` answers when the database does not."""
        self._app, self._console, self._unavailable = app, console, unavailable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.person, request.state.family, request.state.has_flash = None, None, False
        request.state.held = None
        if of_family(scope["path"]):
            await self._for_family(request, scope, receive, send)
            return
        secret = request.cookies.get(self._console.cookie)
        answer: ASGIApp = self._app
        if secret and not request.url.path.startswith(_FOR_ANYBODY):
            try:
                found = await run_in_threadpool(self._find, secret, clicked=_clicked(request))
            except (OperationalError, InterfaceError, PoolTimeoutError):
                found, answer = None, _late(self._unavailable, request)
            if found is not None:
                request.state.person, request.state.has_flash = found.person, found.has_flash
                request.state.held = found.held
        await self._speak(request, answer, scope, receive, send)

    async def _for_family(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """The same for the pages of families, who have a cookie and sessions of their own."""
        secret, answer = request.cookies.get(self._console.family_cookie), self._app
        if secret and self._console.settings.family.enabled:
            try:
                request.state.family = await run_in_threadpool(self._find_family, secret)
            except (OperationalError, InterfaceError, PoolTimeoutError):
                answer = _late(self._unavailable, request)
        await self._speak(request, answer, scope, receive, send)

    async def _speak(self, request: Request, answer: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [""])[0]
        wanted = _language(request, asked, self._console.settings.language)
        request.state.language = wanted

        async def remembering(message: Message) -> None:
            if message["type"] == "http.response.start" and asked == wanted:
                MutableHeaders(scope=message).append("Set-Cookie", self._language_cookie(wanted, scope["path"]))
            await send(message)

        with speaking(wanted):
            await answer(scope, receive, remembering)

    def _find(self, secret: str, *, clicked: bool) -> sessions.Found | None:
        idle = self._console.settings.console.idle_minutes
        with self._console.transaction() as session:
            return sessions.find(session, secret, idle_minutes=idle, clicked=clicked)

    def _find_family(self, secret: str) -> Family | None:
        with self._console.transaction() as session:
            idle = self._console.settings.family.idle_minutes
            return family_sessions.find(session, secret, idle_minutes=idle, now=business_now(session))

    def _language_cookie(self, wanted: str, path: str) -> str:
        origin = self._console.family_origin if of_family(path) else self._console.settings.console.origin
        secure = "; Secure" if origin.startswith("https:") else ""
        return f"{LANGUAGE_COOKIE}={wanted}; Path=/; Max-Age={_A_YEAR}; SameSite=Lax; HttpOnly{secure}"


def _clicked(request: Request) -> bool:
    """Whether a person asks, and not a script of ours that looks how far something has come: a page that is left open must not keep somebody
    signed in. Browsers say so; one that does not counts as clicked.
    """
    return request.headers.get("sec-fetch-dest", "document") != "empty"


def _late(make: Callable[[Request], Response], request: Request) -> ASGIApp:
    """An answer that is made when it is wanted: by then it is known which language to write it in."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await make(request)(scope, receive, send)

    return answer


def _language(request: Request, asked: str, default: str) -> str:
    """What the address asks for, else what was asked for before, else the worker's own, else the browser's, else the installation's."""
    person = request.state.person
    for wanted in (asked, request.cookies.get(LANGUAGE_COOKIE, ""), person.language if person else None):
        if wanted in LANGUAGES:
            return str(wanted)
    for accepted in request.headers.get("accept-language", "").split(","):
        tag = accepted.split(";")[0].strip()[:2].lower()
        if tag in LANGUAGES:
            return tag
    return default
