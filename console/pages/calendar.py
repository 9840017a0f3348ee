"""A worker's private calendar address, and what calendar programs fetch from it.

The address stands for a login, so it is shown once and never kept in an answer; fetching it changes nothing but when it was fetched last.
"""

from typing import Final

from starlette.responses import Response

from console.roles import CASE_ROLES
from console.visit import Anybody, Here, Pages
from core.clock import business_now
from core.errors import InputError, Message, NotFound
from services.follow_ups import calendar

pages = Pages()
#: Calendar programs of a whole office come from one address, and all begin at eight.
_FETCHES: Final = "300/minute"


@pages.get("/calendar", roles=CASE_ROLES)
def show(visit: Here) -> Response:
    """Whether there is an address, when it was fetched last, and the ways to make or revoke one."""
    visit.saw(f"worker:{visit.person.worker}" if visit.person.worker else "workers", "calendar.viewed")
    return _page(visit)


@pages.post("/calendar", roles=CASE_ROLES)
def make(visit: Here) -> Response:
    """A fresh address, shown on this page and never again; the one before opens nothing any more."""
    if visit.person.worker is None:
        return visit.go(
            "/calendar", Message("You are not known as a worker, and have no follow-ups of your own."), wrong=True
        )
    token = calendar.make(visit.session, visit.person.worker, now=visit.now, actor=visit.actor)
    return _page(visit, address=f"{visit.settings.console.origin}/calendar/{token}.ics")


@pages.post("/calendar/revoke", roles=CASE_ROLES)
def revoke(visit: Here) -> Response:
    """The address opens nothing any more."""
    try:
        calendar.revoke(visit.session, visit.person.worker or "", now=visit.now, actor=visit.actor)
    except (InputError, NotFound):
        return visit.go("/calendar", Message("There is no calendar address to revoke."), wrong=True)
    return visit.go("/calendar", Message("The calendar address is revoked: it opens nothing any more."))


@pages.open_get("/calendar/{token}.ics", at_most=_FETCHES)
def fetch(guest: Anybody, token: str) -> Response:
    """The calendar itself."""
    settings = guest.settings
    with guest.console.transaction() as session:
        found = calendar.fetch(
            session, token, base_url=settings.console.origin, language=settings.language, now=business_now(session)
        )
    if found is None:
        raise NotFound("There is no such page.")
    return Response(
        found,
        media_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'inline; filename="avain.ics"', "Cache-Control": "no-store"},
    )


def _page(visit: Here, *, address: str | None = None) -> Response:
    worker = visit.person.worker
    state = calendar.state(visit.session, worker) if worker else None
    return visit.page("calendar.html", is_worker=worker is not None, state=state, address=address, most=calendar.MOST)
