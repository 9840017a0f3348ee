"""One visit: what a page is handed, and how pages say who may open them.

    @pages.get("/cases/{number}", roles=(WORKER, SUPERVISOR))
    def case(visit: Here, number: str) -> Response: ...

The visit's database session is one transaction: it is committed before the answer goes out, and rolled back if the page raises. A POST is
let in with the session's CSRF token only (`{{ csrf() }}` inside every form). Pages for whoever comes (signing in, links in e-mails) are
`@pages.open_get` and `@pages.open_post`; they are handed a `Guest`.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

import structlog
from fastapi import APIRouter, Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console import templating
from console.web.state import Console
from core.clock import business_now, local_date
from core.errors import AvainError, Message
from core.settings import Settings
from services import audit
from services.access import CaseAccess, Person, access_to_case, sessions
from workers.queue import hint

log = structlog.get_logger()

SEE_OTHER: Final = 303
#: What proxies add.
_PROXIES: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class NotSignedInError(Exception):
    """Nobody is signed in, or no longer."""


class NotAllowedError(Exception):
    """The person's roles do not open this page."""


class TooOftenError(Exception):
    """One address tries what is watched more often than people do; `seconds` until it may try again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class StaleFormError(Exception):
    """A form without the session's CSRF token: made by another site, or left open from an earlier login."""


@dataclass
class SignedInVisit:
    """What every visit of somebody who is signed in has, a worker's and a family's (console/family.py): the database, and what it is about.

    `now` is business time, `today` its date in Helsinki.
    """

    request: Request
    session: Session
    console: Console

    @cached_property
    def now(self) -> datetime:
        # not before the page asks: a connection is taken in the thread that goes on with it, or waiting pages would wait for each other
        return business_now(self.session)

    @property
    def today(self) -> date:
        return local_date(self.now)

    @property
    def settings(self) -> Settings:
        return self.console.current

    def file(self, content: bytes, *, name: str, media_type: str, inline: bool = False) -> Response:
        """A file to keep or, `inline`, to look at. `name` must not tell about anybody."""
        how = "inline" if inline else "attachment"
        disposition = f"{how}; filename*=UTF-8''{quote(name)}"
        return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})


@dataclass
class Visit(SignedInVisit):
    """A signed-in person, the database, and the ways to answer."""

    person: Person

    @property
    def actor(self) -> str:
        """What the audit trail and the services call the person."""
        return self.person.actor

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A template of console/templates, in the reader's language."""
        flash = sessions.take_flash(self.session, self.person.session_id) if self.request.state.has_flash else None
        return templating.render(self.request, template, status=status, now=self.now, flash=flash, **values)

    def go(self, path: str, message: Message | None = None, *, wrong: bool = False) -> RedirectResponse:
        """Lead on to another page after something was done; what it came to is said there."""
        if message is not None:
            sessions.say_next(self.session, self.person.session_id, message, kind="wrong" if wrong else "done")
        return RedirectResponse(path, SEE_OTHER)

    def case(self, number: str) -> CaseAccess:
        """The case of this number, if the person may see it. Raises NotFound."""
        return access_to_case(self.session, self.person, number, self.today)

    def saw(self, subject: str, action: str, *, reason: str = "", **details: Any) -> None:
        """Note in the audit trail what the person looked at: one event for each view of a case or list."""
        audit.record(self.session, self.actor, action, subject, now=self.now, reason=reason, **details)

    def saw_cases(self, subject: str, action: str, numbers: Iterable[str | None], **details: Any) -> None:
        """Note that a list was looked at in which these cases stood (None: of no case): one event, which is found for each of them."""
        shown = [one for one in numbers if one]
        cases = list(dict.fromkeys(shown))
        self.saw(subject, action, **{"count": len(shown), "cases": cases, **details})


@dataclass
class Guest:
    """Whoever comes, signed in or not. There is no transaction: such pages open their own, and none while they ask somebody outside."""

    request: Request
    console: Console

    @property
    def settings(self) -> Settings:
        return self.console.settings

    @property
    def person(self) -> Person | None:
        """Who is signed in, if anybody is."""
        person: Person | None = self.request.state.person
        return person

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A template of console/templates, in the reader's language."""
        return templating.render(self.request, template, status=status, **values)


def _guest(request: Request) -> Guest:
    return Guest(request, request.app.state.console)


#: The first argument of a page for whoever comes.
Anybody = Annotated[Guest, Depends(_guest)]


@contextmanager
def transaction(request: Request) -> Iterator[tuple[Console, Session]]:
    """One page's transaction; what it called for is begun at once, after the commit."""
    console: Console = request.app.state.console
    with console.transaction() as session:
        yield console, session
    called = session.info.get("called", [])
    if called:
        _tell_workers(called)


def _opened(request: Request) -> Iterator[Visit]:
    with transaction(request) as (console, session):
        yield Visit(request, session, console, request.state.person)


def _tell_workers(called: list[int]) -> None:
    """Have a worker begin at once. What the person did is committed: a hint that cannot be given must not tell them otherwise."""
    try:
        hint(called)
    except (SQLAlchemyError, AvainError) as error:
        log.warning("hint_failed", error=type(error).__name__)


#: A page's first argument.
Here = Annotated[Visit, Depends(_opened, scope="function")]


def _let_in(roles: tuple[str, ...]) -> Any:
    async def check(request: Request) -> None:
        person: Person | None = request.state.person
        if person is None:
            raise NotSignedInError
        if not person.is_one_of(*roles):
            raise NotAllowedError

    return Depends(check)


async def sent_from_here(request: Request) -> None:
    """A form must come from a page of ours, as far as the browser says from where: nothing it says may speak against it."""
    console: Console = request.app.state.console
    ours, headers = console.origins(request.scope["path"]), request.headers
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise StaleFormError
    origin = headers.get("origin") or _origin_of(headers.get("referer"))
    if origin is not None and origin.lower() not in ours:
        raise StaleFormError


def _origin_of(address: str | None) -> str | None:
    """Scheme, host and port of the page that an older browser says it comes from; None if it says nothing."""
    if not address:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:  # no address at all
        return ""
    return f"{parts.scheme}://{parts.netloc}"


async def _lets_go(request: Request) -> AsyncIterator[None]:
    """What was sent is let go with the request: files that no page asked for would stay open, for only those it asks for are closed for it."""
    try:
        yield
    finally:
        await request.close()


async def must_hold(request: Request, token: str) -> None:
    """A form must hold the CSRF token of this very session. Raises StaleFormError."""
    sent = (await request.form()).get("csrf")
    if not isinstance(sent, str) or not secrets.compare_digest(sent.encode(), token.encode()):
        raise StaleFormError


async def _form_is_ours(request: Request) -> None:
    person: Person = request.state.person
    await must_hold(request, person.csrf)


def _not_too_often(what: str, at_most: str) -> Any:
    def check(request: Request) -> None:
        console: Console = request.app.state.console
        seconds = console.limiter.wait(what, address_of(request), at_most)
        if seconds:
            raise TooOftenError(seconds)

    return Depends(check)


def address_of(request: Request) -> str:
    """Where a request comes from; behind a trusted proxy, where the proxy says (the server has seen to that)."""
    return request.client.host if request.client else ""


def passed_on(request: Request) -> bool:
    """Whether a proxy brings it: what comes from this machine's own address then comes from anywhere."""
    return any(name in request.headers for name in _PROXIES)


@dataclass(frozen=True)
class Rule:
    """Who may open what; tests walk through them. `roles` is None for what anybody may open."""

    method: str
    path: str
    roles: tuple[str, ...] | None


class AnyPages:
    """The pages of one subject, for whoever comes; who else may open some is said by what is made of it (Pages, console/family.py)."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)
        self.rules: list[Rule] = []

    def open_get(self, path: str, *, at_most: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A page for whoever comes; from one address `at_most` so often (`30/minute`)."""
        return self.add("GET", path, None, [_not_too_often(path, at_most)] if at_most else [])

    def open_post(self, path: str, *, at_most: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Something that whoever comes may do, from a form of ours; from one address `at_most` so often."""
        return self.add("POST", path, None, [Depends(sent_from_here), _not_too_often(path, at_most)])

    def add(
        self, method: str, path: str, roles: tuple[str, ...] | None, checks: list[Any]
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A page that `roles` may open (None: anybody), after these checks."""
        self.rules.append(Rule(method, path, roles))
        checks = [Depends(_lets_go), *checks] if method == "POST" else checks
        return self.router.api_route(path, methods=[method], dependencies=checks, response_class=HTMLResponse)


class Pages(AnyPages):
    """The pages of one subject, for workers and those who run Avain."""

    def get(self, path: str, *, roles: tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A page to look at, for people with one of `roles`."""
        return self.add("GET", path, roles, [_let_in(roles)])

    def post(self, path: str, *, roles: tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Something to do, from a form of ours. It answers with `visit.go`, or with the page again and what was wrong."""
        return self.add("POST", path, roles, [_let_in(roles), Depends(sent_from_here), Depends(_form_is_ours)])
