"""Invoices and credit notes of providers: by state, and one with its lines beside the order's, where a person says what it bills, takes or discards it.

Who sees an order's case sees its invoices. Those that name no order are for supervisors and price managers; once one is said to bill an order,
it is its people's.
"""

from starlette.responses import Response

from console import fields, paging
from console.forms import Form, Sent, Ticked, Typed
from console.paging import Id, Key
from console.roles import CASE_ROLES
from console.visit import Here, NotAllowedError, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import _
from core.units import amount, what_is_priced
from services import names
from services.access.people import PRICE_MANAGER
from services.audit_of_case import cases_of_orders
from services.invoices import deciding, listing
from services.invoices.taking import Outcome

pages = Pages()
_PAGE = 50
_ROLES = (*CASE_ROLES, PRICE_MANAGER)


@pages.get("/invoices", roles=_ROLES)
def list_invoices(visit: Here, state: str = "held", before: Key = None) -> Response:
    """Those that wait, unless others are asked for; a page at a time."""
    names.must_be_one_of(_("State"), state or None, listing.STATES)
    found = listing.listed(
        visit.session, state=state or None, person=visit.person, today=visit.today, before=before, limit=_PAGE + 1
    )
    leaf = paging.leaf(found, _PAGE, "/invoices", {"state": state}, before=before)
    visit.saw_cases(
        "invoices",
        "invoices.listed",
        cases_of_orders(visit.session, {one.order for one in leaf.rows if one.order}),
        count=len(leaf.rows),
    )
    return visit.page(
        "invoices/invoices.html",
        leaf=leaf,
        state=state,
        states=list(listing.STATES),
        state_name=listing.state_name,
        match_name=listing.match_name,
    )


@pages.get("/invoices/{document}", roles=_ROLES)
def show(visit: Here, document: Id) -> Response:
    """One with its lines, and those of the orders it bills or may bill."""
    may_decide = _seen(visit, document)
    view = listing.view(visit.session, document, person=visit.person, today=visit.today)
    visit.saw_cases(f"invoice:{document}", "invoice.viewed", [one.case_number for one in view.order_lines])
    return _page(visit, document, may_decide=may_decide, view=view)


@pages.post("/invoices/{document}/assign", roles=_ROLES)
def assign(visit: Here, document: Id, sent: Sent) -> Response:
    """Say which order it bills, and which of its lines; or have it looked at anew."""
    _decidable(visit, document)
    form = Form(sent)
    try:
        with visit.session.begin_nested():
            order = fields.words(form.value("order"), _("Order")) or None
            lines = _places(form)
            orders = {*([order] if order else []), *(place[0] for place in lines.values())}
            if not visit.person.is_one_of(PRICE_MANAGER):
                listing.must_see_orders(visit.session, visit.person, orders, visit.today)
            outcome = deciding.assign(
                visit.session,
                document,
                order,
                lines,
                actor=visit.actor,
                reason=fields.words(form.value("note"), _("Note")),
                now=visit.now,
                settings=visit.settings,
                final=form.checked("final"),
            )
    except InputError as refused:
        form.wrong("assign", str(refused))
        return _page(visit, document, form, may_decide=True)
    return _on(visit, document, outcome)


@pages.post("/invoices/{document}/accept", roles=CASE_ROLES)
def accept(visit: Here, document: Id, *, note: Typed = "", seen: Typed = "", final: Ticked = False) -> Response:
    """Take it in spite of what the page said against it."""
    _decidable(visit, document)
    try:
        with visit.session.begin_nested():
            outcome = deciding.accept(
                visit.session,
                document,
                actor=visit.actor,
                reason=fields.words(note, _("Why")),
                now=visit.now,
                settings=visit.settings,
                final=final,
                seen=seen,
            )
    except InputError as refused:
        return _page(visit, document, Form({"note": note}, {"accept": str(refused)}), may_decide=True)
    return _on(visit, document, outcome)


@pages.post("/invoices/{document}/discard", roles=_ROLES)
def discard(visit: Here, document: Id, note: Typed = "") -> Response:
    """Let it rest: nothing of it counts."""
    _decidable(visit, document)
    try:
        with visit.session.begin_nested():
            why = fields.words(note, _("Why"))
            deciding.discard(visit.session, document, actor=visit.actor, reason=why, now=visit.now)
    except InputError as refused:
        return _page(visit, document, Form({"note": note}, {"discard": str(refused)}), may_decide=True)
    return visit.go("/invoices", Message("Discarded. Nothing of it counts."))


def _page(
    visit: Visit, document: int, form: Form | None = None, *, may_decide: bool, view: listing.InvoiceView | None = None
) -> Response:
    view = view or listing.view(visit.session, document, person=visit.person, today=visit.today)
    codes = {code for code, _reason in view.holds}
    waits = view.row.state == "held"
    return visit.page(
        "invoices/invoice.html",
        status=422 if form else 200,
        view=view,
        invoice=view.row,
        waits=waits,
        may_decide=may_decide and waits,
        assignable=codes <= deciding.ASSIGNABLE,
        acceptable=codes <= deciding.ACCEPTABLE and visit.person.is_one_of(*CASE_ROLES),
        sees_orders=visit.person.is_one_of(*CASE_ROLES),
        state_name=listing.state_name,
        match_name=listing.match_name,
        amount=amount,
        what_is_priced=what_is_priced,
        form=form or Form(),
    )


def _places(form: Form) -> dict[int, tuple[str, int]]:
    """`line.2` = `T-2026-000001/3`: by line of the invoice, an order and its line."""
    found = {}
    for name, value in form.values.items():
        _start, _dot, line = name.partition("line.")
        order, slash, number = value.strip().rpartition("/")
        if not _start and line.isdecimal() and len(line) < 7 and value.strip():
            if not slash or not number.isdecimal() or len(number) > 6 or not order.isprintable():
                raise InputError("A line of an order is named so: T-2026-000001/3")
            found[int(line)] = (order, int(number))
    return found


def _seen(visit: Visit, document: int) -> bool:
    """Whether the person may decide about it. Raises NotFound for what is not theirs to see."""
    return listing.must_see(visit.session, visit.person, document, visit.today)


def _decidable(visit: Visit, document: int) -> None:
    if not _seen(visit, document):
        raise NotAllowedError


def _on(visit: Visit, document: int, outcome: Outcome) -> Response:
    """To the invoice, or to the list where it has become somebody else's."""
    told = Message("Booked on its orders.")
    if outcome.reason is not None:
        told = Message("It goes on waiting: {reason}", reason=outcome.reason)
    visit.session.flush()  # whose it is now is asked of the database
    try:
        _seen(visit, document)
    except NotFound:
        return visit.go("/invoices", told)
    return visit.go(f"/invoices/{document}", told)
