"""What waits for approval: looked at with its figures, previewed as the document and the paper it would become, approved or declined in bulk.

What is approved is what was shown: the form carries when each choice was made. What could not be ordered is said of each by itself, and
stays ticked with all that was typed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Form as Field
from fastapi import Query
from starlette.responses import Response

from console import fields, paging
from console.forms import Sent, Typed
from console.paging import PageNumber
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import _
from core.units import amount, unit_price, what_is_priced
from services.budgets.words import state_name
from services.labels import chooser_name
from services.orders import declining, proposing
from services.orders.approval import Approved, approve
from services.orders.bundles import Refused
from services.orders.limits import bounds
from services.orders.paper import paper_of_draft, write_pdf
from services.orders.ticked import objections, stamp, ticked
from services.orders.waiting import Waiting, waiting

pages = Pages()
_PAGE: Final = 50
#: So many can be previewed at once: an address holds no more.
_PREVIEWED: Final = 50
_LARGEST: Final = 2**63 - 1
#: So many order numbers are told in one sentence.
_TOLD: Final = 10

#: The plan items that are ticked.
Items = Annotated[list[str] | None, Field()]
Asked = Annotated[list[str] | None, Query(alias="item")]


@dataclass(frozen=True)
class Came:
    """What came of what was ticked: orders made, services approved by the month, and each that was refused."""

    orders: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Kept:
    """What was ticked and typed, the sentence about it, and what came of it."""

    items: frozenset[int] = frozenset()
    note: str = ""
    problem: str = ""
    came: Came = field(default_factory=Came)


@pages.get("/orders/waiting", roles=CASE_ROLES)
def listed(visit: Here, case: str = "", declined: str = "", after: str = "") -> Response:
    """Services that are chosen and wait for approval, the longest first; `declined`: those somebody decided not to order."""
    return _page(visit, case=case, declined=declined == "1", after=after)


@pages.post("/orders/waiting/approve", roles=CASE_ROLES)
def approve_ticked(visit: Here, sent: Sent, item: Items = None, note: Typed = "") -> Response:
    """Order what is ticked."""
    ids = _ids(item)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            good = _ticked(visit, ids, sent)
            settings = visit.settings
            done = approve(
                visit.session,
                good.plan_item_ids,
                approver=visit.actor,
                roles=visit.person.roles,
                reason=reason,
                now=visit.now,
                settings=settings.orders,
                organisation=settings.organisation,
                budgets=settings.budgets,
            )
    except InputError as error:
        return _page(visit, kept=Kept(frozenset(ids), note, str(error)))
    came = Came(
        tuple(order.number for order in done.orders),
        tuple(one.reference for one in done.later),
        (*good.refused, *done.refused),
    )
    if came.refused:
        return _page(visit, kept=Kept(frozenset(ids), note, came=came))
    return visit.go("/orders/waiting", _said(came))


@pages.post("/orders/waiting/decline", roles=CASE_ROLES)
def decline_ticked(visit: Here, sent: Sent, item: Items = None, note: Typed = "") -> Response:
    """Decide that what is ticked is not ordered."""
    ids = _ids(item)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            good = _ticked(visit, ids, sent)
            done = declining.decline(
                visit.session, good.plan_item_ids, actor=visit.actor, reason=reason, now=visit.now
            )
    except InputError as error:
        return _page(visit, kept=Kept(frozenset(ids), note, str(error)))
    refused = (*good.refused, *done.refused)
    if refused:
        return _page(visit, kept=Kept(frozenset(ids), note, came=Came(refused=refused)))
    return visit.go("/orders/waiting", Message("Declined: {count}", count=len(done.plan_item_ids)))


@pages.post("/orders/waiting/withdraw", roles=CASE_ROLES)
def withdraw_ticked(visit: Here, sent: Sent, item: Items = None) -> Response:
    """Take back that what is ticked was declined."""
    ids = _ids(item)
    try:
        with visit.session.begin_nested():
            good = _ticked(visit, ids, sent)
            done = declining.withdraw(visit.session, good.plan_item_ids, actor=visit.actor, now=visit.now)
    except InputError as error:
        return _page(visit, declined=True, kept=Kept(frozenset(ids), "", str(error)))
    refused = (*good.refused, *done.refused)
    if refused:
        return _page(visit, declined=True, kept=Kept(frozenset(ids), came=Came(refused=refused)))
    return visit.go("/orders/waiting", Message("They wait for approval again: {count}", count=len(done.plan_item_ids)))


@pages.post("/orders/waiting/preview", roles=CASE_ROLES)
def preview_ticked(visit: Here, item: Items = None) -> Response:
    """To the preview of what is ticked."""
    ids = _ids(item)[:_PREVIEWED]
    if not ids:
        return _page(visit, kept=Kept(problem=_("Tick what you mean.")))
    return visit.go(_address("/orders/preview", ids))


@pages.get("/orders/preview", roles=CASE_ROLES)
def preview(visit: Here, item: Asked = None) -> Response:
    """The orders that approving these services would make, and what stands against them. Nothing is ordered."""
    ids, drafts = _drafts(visit, item)
    visit.saw("orders:preview", "orders.previewed", plan_items=ids)
    return visit.page(
        "orders/preview.html",
        drafts=drafts,
        ids=ids,
        address=lambda kind, number: _address(f"/orders/preview/order.{kind}", ids, n=number),
        shown={one.id: stamp(one.chosen_at) for one in ticked(visit.session, visit.person, ids, {}, visit.today, holding=False).items},
        what_is_priced=what_is_priced,
        amount=amount,
        unit_price=unit_price,
    )


@pages.get("/orders/preview/order.xml", roles=CASE_ROLES)
def preview_document(visit: Here, item: Asked = None, n: PageNumber = 1) -> Response:
    """The document one of them would be, under a provisional number."""
    ids, draft = _draft(visit, item, n)
    if draft.document is None:
        raise NotFound("There is no document of it yet: see the preview for the reason.")
    visit.saw("orders:preview", "orders.previewed", plan_items=ids)
    return visit.file(draft.document, name="order.xml", media_type="application/xml", inline=True)


@pages.get("/orders/preview/order.pdf", roles=CASE_ROLES)
def preview_paper(visit: Here, item: Asked = None, n: PageNumber = 1) -> Response:
    """The paper one of them would be."""
    ids, draft = _draft(visit, item, n)
    if not draft.lines:
        raise NotFound("There is no document of it yet: see the preview for the reason.")
    settings = visit.settings
    paper = paper_of_draft(
        visit.session, draft, organisation=settings.organisation, orders=settings.orders, today=visit.today
    )
    visit.saw("orders:preview", "orders.previewed", plan_items=ids)
    return visit.file(write_pdf(paper), name="order.pdf", media_type="application/pdf", inline=True)
