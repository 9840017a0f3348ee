"""Orders that no longer say what is planned: cancelled, so that what is planned now can be ordered, or kept as they are. A person decides."""

from starlette.responses import Response

from console import fields, order_page, paging
from console.forms import Form, Typed
from console.paging import Id, Key
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import _
from services.names import service_names
from services.orders import proposals, words
from services.orders.proposals import Proposal

pages = Pages()
_PAGE = 50


@pages.get("/orders/proposals", roles=CASE_ROLES)
def listed(visit: Here, after: Key = None) -> Response:
    """Those that wait, the longest first."""
    return _page(visit, after=after)


@pages.post("/orders/proposals/{proposal}/settle", roles=CASE_ROLES)
def settle(visit: Here, proposal: Id, outcome: Typed = "", note: Typed = "") -> Response:
    """Cancel the order, or keep it."""
    found = _seen(visit, proposal)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            done = proposals.settle(visit.session, found.id, outcome, actor=visit.actor, reason=reason, now=visit.now)
    except InputError as refused:
        return _page(
            visit, after=found.id - 1 or None, form=Form({"note": note}, {f"proposal-{found.id}": str(refused)})
        )
    if done is None:
        return visit.go(f"/orders/{found.order_number}", Message("{order} is kept as it is.", order=found.order_number))
    return visit.go(f"/orders/{found.order_number}", order_page.said_of(found.order_number, done))


def _seen(visit: Visit, proposal: int) -> Proposal:
    """One that waits, of a case the person may see. Raises NotFound."""
    found = proposals.open_proposals(visit.session, today=visit.today, person=visit.person, after=proposal - 1, limit=1)
    if not found or found[0].id != proposal:
        raise NotFound("There is no such page.")
    return found[0]


def _page(visit: Visit, *, after: int | None, form: Form | None = None) -> Response:
    found = proposals.open_proposals(
        visit.session, today=visit.today, person=visit.person, after=after or 0, limit=_PAGE + 1
    )
    leaf = paging.leaf(found, _PAGE, "/orders/proposals", after=after)
    visit.saw_cases("orders:proposals", "orders.proposals_listed", [one.case_number for one in leaf.rows])
    names = service_names(visit.session)
    return visit.page(
        "orders/proposals.html",
        status=422 if form else 200,
        leaf=leaf,
        form=form or Form(),
        differences={one.id: words.differences(one.details, names) for one in leaf.rows},
        **order_page.tools(),
    )
