"""Addresses that stand in e-mails and are no pages of their own (yet): they lead to the page that tells of the matter."""

from starlette.responses import Response

from console.paging import Id
from console.roles import EVERYBODY
from console.visit import Here, Pages
from core.errors import NotFound
from services import letters
from services.access.people import SUPERVISOR, WORKER

pages = Pages()
_ROLES = (WORKER, SUPERVISOR)


@pages.get("/follow-ups/{follow_up}", roles=_ROLES)
def follow_up(visit: Here, follow_up: Id) -> Response:
    """To the case a follow-up is of. Who may not see the case is told the same as of one that does not exist."""
    number = letters.case_of_follow_up(visit.session, follow_up)
    try:
        access = visit.case(number)
    except NotFound:
        raise NotFound("There is no such page.") from None
    return visit.go(f"/cases/{access.number}")


@pages.get("/notices/{notice}", roles=EVERYBODY)
def notice(visit: Here, notice: Id) -> Response:  # noqa: ARG001 - which one does not matter
    """To the first page, where one's news stand."""
    return visit.go("/#news")
