"""A family's visit: what its pages are handed, and how they say who may open them (console/visit.py has the workers').

    pages = FamilyPages()

    @pages.get("/my/{number}")
    def budget(visit: OfFamily, number: str) -> Response: ...

    @pages.post("/my/{number}/rate")           # who only looks (a support person) is refused
    def rate(visit: OfFamily, number: str, rating: Typed = "") -> Response: ...

Every address begins with `/my`. None of it exists while `[family] enabled` is off (console/web/hosts.py). A page that shows something of a case calls
`visit.case(number)` first and `visit.saw(case)` once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse

from console import templating
from console.visit import SEE_OTHER, AnyPages, SignedInVisit, TooOftenError, must_hold, sent_from_here, transaction
from console.web.state import Console
from core.errors import Message
from services import audit
from services.family import sessions
from services.family.sessions import Family, FamilyCase

#: Told apart from the workers' roles in the rules of pages.
FAMILY = "family"
#: So much a family does at most, all its forms together: each leaves rows and events that nobody may remove.
_ACTS: Final = "30/minute"


class NotComeInError(Exception):
    """Nobody of a family is signed in, or no longer."""


class OnlyLooksError(Exception):
    """A support person tried to do something."""


@dataclass
class FamilyVisit(SignedInVisit):
    """Somebody of a family, the database, and the ways to answer."""

    family: Family

    @property
    def actor(self) -> str:
        """What the audit trail calls them; never a name."""
        return self.family.actor

    def case(self, number: str) -> FamilyCase:
        """One of the family's cases. Raises NotFound."""
        return sessions.case_of(self.session, self.family, number)

    def saw(self, case: FamilyCase, action: str = "family.viewed", **details: Any) -> None:
        """Note in the audit trail what was looked at: one event for each page."""
        audit.record(self.session, self.actor, action, f"case:{case.number}", now=self.now, **details)

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A template of console/templates/my, in the reader's language."""
        flash = sessions.take_flash(self.session, self.family.session_id) if self.family.has_flash else None
        return templating.render(
            self.request, template, status=status, now=self.now, flash=flash, family=self.family, **values
        )

    def go(self, path: str, message: Message | None = None, *, wrong: bool = False) -> RedirectResponse:
        """Lead on to another page after something was done; what it came to is said there."""
        if message is not None:
            sessions.say_next(self.session, self.family.session_id, message, kind="wrong" if wrong else "done")
        return RedirectResponse(path, SEE_OTHER)


def _opened(request: Request) -> Iterator[FamilyVisit]:
    with transaction(request) as (console, session):
        yield FamilyVisit(request, session, console, request.state.family)


#: A family page's first argument.
OfFamily = Annotated[FamilyVisit, Depends(_opened, scope="function")]


async def _come_in(request: Request) -> None:
    if request.state.family is None:
        raise NotComeInError


async def _form_is_ours(request: Request) -> None:
    family: Family = request.state.family
    await must_hold(request, family.csrf)


async def _may_act(request: Request) -> None:
    family: Family = request.state.family
    if not family.may_act:
        raise OnlyLooksError


def _not_too_often(what: str, at_most: str) -> Any:
    """Counted for whoever came in, not for an address: telephones share theirs, and a link is known by its own name."""

    def check(request: Request) -> None:
        console: Console = request.app.state.console
        seconds = console.limiter.wait(what, request.state.family.actor, at_most)
        if seconds:
            raise TooOftenError(seconds)

    return Depends(check)


class FamilyPages(AnyPages):
    """Pages of families, beside those for whoever comes."""

    def get(self, path: str, *, at_most: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A page to look at; by one family `at_most` so often (`30/minute`), where making it is work."""
        often = [_not_too_often(path, at_most)] if at_most else []
        return self.add("GET", path, (FAMILY,), [Depends(_come_in), *often])

    def post(self, path: str, *, who_only_looks: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Something to do, from a form of ours; by whom only looks too (signing out), if it says so."""
        checks = [Depends(_come_in), Depends(sent_from_here), Depends(_form_is_ours), _not_too_often("/my", _ACTS)]
        return self.add("POST", path, (FAMILY,), checks if who_only_looks else [*checks, Depends(_may_act)])
