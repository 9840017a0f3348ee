"""Addresses that stand in e-mails and are no pages of their own (yet): they lead to the page that tells of the matter."""

from starlette.responses import Response

from console.paging import Id
from console.roles import EVERYBODY
from console.visit import Here, Pages, Visit
from core.errors import NotFound
from services import letters
from services.access.people import SUPERVISOR, WORKER

pages = Pages()
_ROLES = (WORKER, SUPERVISOR)


@pages.get("/orders/{number}", roles=_ROLES)
def order(visit: Here, number: str) -> Response:
    """To the case an order is of."""
    return _to_case(visit, "order", number)


@pages.get("/follow-ups/{follow_up}", roles=_ROLES)
def follow_up(visit: Here, follow_up: Id) -> Response:
    """To the case a follow-up is of."""
    return _to_case(visit, "follow_up", follow_up)


@pages.get("/notices/{notice}", roles=EVERYBODY)
def notice(visit: Here, notice: Id) -> Response:  # noqa: ARG001 - which one does not matter
    """To the first page, where one's news stand."""
    return visit.go("/#news")


def _to_case(visit: Visit, what: letters.What, named: str | int) -> Response:
    """Who may not see the case is told the same as of one that does not exist."""
    number = letters.case_of(visit.session, what, named)
    try:
        access = visit.case(number)
    except NotFound:
        raise NotFound("There is no such page.") from None
    return visit.go(f"/cases/{access.number}")
