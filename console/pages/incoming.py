"""Documents that came in about orders: what waits for a person is applied or let be. Invoices have pages of their own, where their lines are seen."""

from typing import Any, Final

from starlette.responses import Response

from console import fields, paging
from console.forms import Form, Typed
from console.paging import Id, Key
from console.roles import CASE_ROLES
from console.visit import Here, NotAllowedError, Pages, Visit
from core.errors import InputError, Message, NotFound
from core.i18n import _
from models.answer import INCOMING_STATES
from services.access.people import OPERATOR
from services.names import people
from services.orders import words
from services.orders.replies import incoming_held, incoming_seen

pages = Pages()
_ROLES: Final = (*CASE_ROLES, OPERATOR)


@pages.get("/incoming", roles=_ROLES)
def listed(visit: Here, state: str = "held", before: Key = None) -> Response:
    """Those that wait, or in another state; the latest first."""
    return _page(visit, state=state, before=before)


@pages.post("/incoming/{document}/apply", roles=_ROLES)
def apply(visit: Here, document: Id, note: Typed = "") -> Response:
    """Do what it says, whatever spoke against it."""
    _decidable(visit, document)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            left = incoming_held.apply(visit.session, document, actor=visit.actor, reason=reason, now=visit.now)
    except InputError as refused:
        return _refused(visit, document, note, refused)
    if left:
        told = Message("Applied, but for this: {reason}", reason=left[0])
        return visit.go("/incoming", told, wrong=True)
    return visit.go("/incoming", Message("The document is applied."))


@pages.post("/incoming/{document}/discard", roles=_ROLES)
def discard(visit: Here, document: Id, note: Typed = "") -> Response:
    """Let it be."""
    _decidable(visit, document)
    try:
        with visit.session.begin_nested():
            reason = fields.words(note, _("Why"))
            incoming_held.discard(visit.session, document, actor=visit.actor, reason=reason, now=visit.now)
    except InputError as refused:
        return _refused(visit, document, note, refused)
    return visit.go("/incoming", Message("The document is discarded."))


def _decidable(visit: Visit, document: int) -> None:
    """What is about an order is for who sees its case: an operator places what nobody else can. Raises NotFound, NotAllowedError."""
    found = incoming_seen.document_seen(visit.session, visit.person, document, visit.today)
    if found is None:
        raise NotFound("There is no such page.")
    if found.order_number is not None and not visit.person.is_one_of(*CASE_ROLES):
        raise NotAllowedError


def _refused(visit: Visit, document: int, note: str, refused: InputError) -> Response:
    """The page that begins with the document, whatever became of it."""
    return _page(
        visit, state="", before=document + 1, form=Form({"note": note}, {f"document-{document}": str(refused)})
    )


def _page(visit: Visit, *, state: str, before: int | None, form: Form | None = None) -> Response:
    found: list[Any] = []
    problem = ""
    try:
        found = incoming_seen.documents_of(visit.session, visit.person, state, visit.today, before=before)
    except InputError as error:
        problem = str(error)
    leaf = paging.leaf(found, incoming_seen.PAGE, "/incoming", {"state": state}, before=before)
    visit.saw_cases("incoming:mine", "incoming.listed", [one.case_number for one in leaf.rows], count=len(leaf.rows))
    return visit.page(
        "orders/incoming.html",
        status=422 if form or problem else 200,
        leaf=leaf,
        wanted=state,
        problem=problem,
        states=INCOMING_STATES,
        state_name=words.settled_name,
        kind_name_of=words.incoming_name,
        sees_cases=visit.person.is_one_of(*CASE_ROLES),
        named=people(visit.session),
        form=form or Form(),
    )
