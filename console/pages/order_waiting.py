"""What waits for approval: looked at with its figures, previewed as the document and the paper it would become, approved or declined in bulk.

What is approved is what was shown: the form carries when each choice was made. What could not be ordered is said of each by itself, and
stays ticked with all that was typed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Form as Field
from fastapi import Query
from starlette.responses import Response

from console import fields, paging
from console.forms import Sent, Typed
from console.paging import PageNumber
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import N_, _
from core.units import amount, unit_price, what_is_priced
from services.budgets.words import state_name
from services.labels import chooser_name
from services.orders.approving import declining
from services.orders.approving.approval import approve
from services.orders.approving.proposing import Draft, propose
from services.orders.approving.ticked import Ticked, objections, stamp, ticked
from services.orders.approving.waiting import Waiting, waiting
from services.orders.sending.paper import paper_of_proposal, write_pdf
from services.orders.weighing.bundles import Refused
from services.orders.weighing.limits import bounds

pages = Pages()
_PAGE: Final = 50
#: So many can be previewed at once: an address holds no more.
_PREVIEWED: Final = 50
_LARGEST: Final = 2**63 - 1
#: A reason is a few words.
LONGEST_REASON: Final = 500
#: So many order numbers are told in one sentence.
_TOLD: Final = 10

_NOTHING: Final = N_("Tick what you mean.")

#: The plan items that are ticked.
Items = Annotated[list[str] | None, Field()]
Asked = Annotated[list[str] | None, Query(alias="item")]


@dataclass(frozen=True)
class Came:
    """What came of what was ticked: orders made, services approved by the month, and each that was refused."""

    orders: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


class NothingTickedError(InputError):
    """No box was ticked."""


@dataclass(frozen=True)
class Kept:
    """What was ticked and typed, the sentence about it (`of_boxes`: about the boxes, else about the reason), and what came of it."""

    items: frozenset[int] = frozenset()
    note: str = ""
    problem: str = ""
    of_boxes: bool = False
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
        return _page(visit, kept=_refused(ids, note, error))
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
            done = declining.decline(visit.session, good.plan_item_ids, actor=visit.actor, reason=reason, now=visit.now)
    except InputError as error:
        return _page(visit, kept=_refused(ids, note, error))
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
        return _page(visit, declined=True, kept=_refused(ids, "", error))
    refused = (*good.refused, *done.refused)
    if refused:
        return _page(visit, declined=True, kept=Kept(frozenset(ids), came=Came(refused=refused)))
    return visit.go("/orders/waiting", Message("They wait for approval again: {count}", count=len(done.plan_item_ids)))


@pages.post("/orders/waiting/preview", roles=CASE_ROLES)
def preview_ticked(visit: Here, item: Items = None, note: Typed = "") -> Response:
    """To the preview of what is ticked."""
    ids = _ids(item)[:_PREVIEWED]
    if not ids:
        return _page(visit, kept=_refused([], note, NothingTickedError(_NOTHING)))
    return visit.go(_address("/orders/preview", ids))


@pages.get("/orders/preview", roles=CASE_ROLES)
def preview(visit: Here, item: Asked = None) -> Response:
    """The orders that approving these services would make, and what stands against them. Nothing is ordered."""
    shown, drafts = _drafts(visit, item)
    ids = list(shown)
    return visit.page(
        "orders/preview.html",
        drafts=drafts,
        shown=shown,
        address=lambda kind, number: _address(f"/orders/preview/order.{kind}", ids, n=number),
        longest_reason=LONGEST_REASON,
        what_is_priced=what_is_priced,
        last_of=lambda period: period.upper - timedelta(days=1),
        amount=amount,
        unit_price=unit_price,
    )


@pages.get("/orders/preview/order.xml", roles=CASE_ROLES)
def preview_document(visit: Here, item: Asked = None, n: PageNumber = 1) -> Response:
    """The document one of them would be, under a provisional number."""
    draft = _draft(visit, item, n)
    if draft.document is None:
        raise NotFound("There is no document of it yet: see the preview for the reason.")
    return visit.file(draft.document, name="order.xml", media_type="application/xml", inline=True)


@pages.get("/orders/preview/order.pdf", roles=CASE_ROLES)
def preview_paper(visit: Here, item: Asked = None, n: PageNumber = 1) -> Response:
    """The paper one of them would be."""
    draft = _draft(visit, item, n)
    if not draft.lines:
        raise NotFound("There is no document of it yet: see the preview for the reason.")
    settings = visit.settings
    paper = paper_of_proposal(
        visit.session, draft, organisation=settings.organisation, orders=settings.orders, today=visit.today
    )
    return visit.file(write_pdf(paper), name="order.pdf", media_type="application/pdf", inline=True)


def _page(
    visit: Visit, *, case: str = "", declined: bool = False, after: str = "", kept: Kept | None = None
) -> Response:
    settings, problem, found = visit.settings.orders, kept.problem if kept else "", []
    try:
        found = waiting(
            visit.session,
            settings=settings,
            today=visit.today,
            person=visit.person,
            case_number=fields.words(case, _("Case number")) or None,
            declined=declined,
            after=_place(after),
            limit=_PAGE + 1,
        )
    except InputError as error:
        problem = str(error)
    visit.saw_cases("orders:waiting", "orders.waiting_listed", [one.case_number for one in found[:_PAGE]])
    came = kept.came if kept else Came()
    bad = bool(problem) or (bool(came.refused) and not came.orders and not came.later)
    return visit.page(
        "orders/waiting.html",
        status=422 if bad else 200,
        leaf=_leaf(found, case=case, declined=declined, after=after),
        rows=_rows(visit, found[:_PAGE], kept),
        declined=declined,
        kept=kept or Kept(),
        problem=problem,
        came=came,
        case=case,
        longest_reason=LONGEST_REASON,
        tolerance=visit.settings.budgets.tolerance,
        state_name=state_name,
        chooser_name=chooser_name,
        amount=amount,
    )


@dataclass(frozen=True)
class Row:
    """A service that waits, as the page shows it: whether it is ticked, what was shown of it, and what stands against it."""

    one: Waiting
    ticked: bool
    shown: str
    over: bool
    above: bool
    against: Message | None


def _rows(visit: Visit, found: Sequence[Waiting], kept: Kept | None) -> list[Row]:
    settings = visit.settings
    limits = bounds(visit.session, settings.orders, visit.actor, visit.person.roles)
    against = objections(visit.session, [one.plan_item_id for one in found], settings=settings.orders)
    return [
        Row(
            one,
            kept is not None and one.plan_item_id in kept.items,
            stamp(one.chosen_at),
            one.over(settings.budgets),
            one.above(limits, visit.actor),
            against.get(one.plan_item_id),
        )
        for one in found
    ]


def _leaf(found: Sequence[Waiting], *, case: str, declined: bool, after: str) -> paging.Leaf[Waiting]:
    wanted = {"case": case, "declined": "1" if declined else ""}
    last = found[_PAGE - 1] if len(found) > _PAGE else None
    return paging.Leaf(
        found[:_PAGE],
        paging.address("/orders/waiting", wanted) if after else None,
        None
        if last is None
        else paging.address(
            "/orders/waiting", {**wanted, "after": f"{last.chosen_at.isoformat()},{last.plan_item_id}"}
        ),
    )


def _place(after: str) -> tuple[datetime, int] | None:
    """Where the list goes on. Raises InputError."""
    if not after:
        return None
    moment, _comma, item = after.rpartition(",")
    try:
        place = datetime.fromisoformat(moment), _ids([item])[0]
    except (ValueError, IndexError):
        place = None
    if place is None or place[0].tzinfo is None:
        raise InputError("The list cannot go on from there. Begin again at its first page.")
    return place


def _refused(ids: Sequence[int], note: str, error: InputError) -> Kept:
    return Kept(frozenset(ids), note, str(error), isinstance(error, NothingTickedError))


def _ids(items: Sequence[str] | None) -> list[int]:
    """The ids among what was sent, each once; what is none is left out."""
    plain = [one for one in items or () if one.isascii() and one.isdigit() and len(one) <= len(str(_LARGEST))]
    return list(dict.fromkeys(int(one) for one in plain if int(one) <= _LARGEST))


def _ticked(visit: Visit, ids: Sequence[int], sent: Mapping[str, str]) -> Ticked:
    """What of it may be acted on, held. Raises InputError where nothing is ticked."""
    if not ids:
        raise NothingTickedError(_NOTHING)
    shown = {one: sent[name] for one in ids if (name := f"shown-{one}") in sent}
    return ticked(visit.session, visit.person, ids, shown, visit.today)


def _drafts(visit: Visit, item: Sequence[str] | None) -> tuple[dict[int, str], list[Draft]]:
    """What was asked for, with when each was chosen, and the orders it would make. Raises NotFound for what the person may not see."""
    found = ticked(visit.session, visit.person, _ids(item)[:_PREVIEWED], {}, visit.today, holding=False)
    if not found.stamps:
        raise NotFound("There is no such planned service.")
    settings = visit.settings
    drafts = propose(
        visit.session,
        found.plan_item_ids,
        now=visit.now,
        settings=settings.orders,
        organisation=settings.organisation,
        budgets=settings.budgets,
        approver=visit.actor,
        roles=visit.person.roles,
    )
    cases = [one.case_number for draft in drafts for one in draft.items]
    visit.saw_cases("orders:preview", "orders.previewed", cases, plan_items=list(found.stamps))
    return found.stamps, drafts


def _draft(visit: Visit, item: Sequence[str] | None, number: int) -> Draft:
    _shown, drafts = _drafts(visit, item)
    if number > len(drafts):
        raise NotFound("There is no such page.")
    return drafts[number - 1]


def _address(path: str, ids: Sequence[int], **more: int) -> str:
    return f"{path}?{urlencode([*(('item', one) for one in ids), *more.items()])}"


def _said(came: Came) -> Message:
    """What an approval came to, in one sentence."""
    told = ", ".join(came.orders[:_TOLD]) + ("…" if len(came.orders) > _TOLD else "")
    if came.orders and came.later:
        return Message(
            "Ordered: {orders}. Approved, and ordered month by month: {items}", orders=told, items=", ".join(came.later)
        )
    if came.orders:
        return Message("Ordered: {orders}", orders=told)
    return Message("Approved, and ordered month by month: {items}", items=", ".join(came.later))
