"""What a worker does about what a family did: confirms or declines a proposal, says that a wish was read, and that it is written down."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from console import case_page
from console.forms import Typed
from console.pages.choose import refusal
from console.paging import Id
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message, NotFound
from services.access import CaseAccess
from services.family import proposals, wishes
from services.family.free_words import LONGEST_REASON

pages = Pages()

#: Between the section's parts, for the address that is led on to.
_PLACE: Final = "#family"


@pages.post("/cases/{number}/proposals/{proposal}/confirm", roles=CASE_ROLES)
def confirm(visit: Here, number: str, proposal: Id, reason: Typed = "", shown: Typed = "") -> Response:
    """Make what the family proposed the choice, for the price that stood on the page."""
    case = _case(visit, number)
    try:
        with visit.session.begin_nested():
            proposals.confirm(
                visit.session,
                proposal,
                case_id=case.case_id,
                actor=visit.actor,
                reason=_reason(reason),
                shown=_seen(shown),
                now=visit.now,
                budgets=visit.settings.budgets,
                language=visit.settings.language,
            )
    except NotFound:
        raise
    except InputError as error:
        field, sentence = refusal(error)
        typed = case_page.Typed(f"confirm-{proposal}", {"reason": reason}, sentence.text(), field)
        return case_page.show(visit, case, typed=typed)
    said = Message("The proposal is confirmed and recorded as the choice. Approve the service when it may be ordered.")
    return visit.go(f"/cases/{quote(case.number)}{_PLACE}", said)


@pages.post("/cases/{number}/proposals/{proposal}/decline", roles=CASE_ROLES)
def decline(visit: Here, number: str, proposal: Id, reason: Typed = "") -> Response:
    """Say no, with words that the family reads."""
    case = _case(visit, number)
    try:
        with visit.session.begin_nested():
            proposals.decline(
                visit.session, proposal, case_id=case.case_id, actor=visit.actor, reason=reason, now=visit.now
            )
    except NotFound:
        raise
    except InputError as error:
        typed = case_page.Typed(f"decline-{proposal}", {"reason": reason}, str(error), "reason")
        return case_page.show(visit, case, typed=typed)
    return visit.go(f"/cases/{quote(case.number)}{_PLACE}", Message("The proposal is declined. The family reads why."))


@pages.post("/cases/{number}/wishes/{wish}/seen", roles=CASE_ROLES)
def seen(visit: Here, number: str, wish: Id) -> Response:
    """The wish was read; its family sees that."""
    return _of_wish(visit, number, wish, wishes.mark_seen, Message("The family sees that the wish was read."))


@pages.post("/cases/{number}/wishes/{wish}/noted", roles=CASE_ROLES)
def noted(visit: Here, number: str, wish: Id) -> Response:
    """The wish stands in the client information system; its words are removed here."""
    said = Message("The wish is written down. What the family wrote has been removed from here.")
    return _of_wish(visit, number, wish, wishes.note_down, said)


def _of_wish(visit: Visit, number: str, wish: int, act: Callable[..., None], said: Message) -> Response:
    case = _case(visit, number)
    try:
        with visit.session.begin_nested():
            act(
                visit.session,
                wish,
                case_id=case.case_id,
                actor=visit.actor,
                now=visit.now,
                may_read=case.names_freely,
            )
    except NotFound:
        raise
    except InputError as error:
        return case_page.show(visit, case, typed=case_page.Typed(f"wish-{wish}", {}, str(error)))
    return visit.go(f"/cases/{quote(case.number)}{_PLACE}", said)


def _case(visit: Visit, number: str) -> CaseAccess:
    if not visit.settings.family.enabled:
        raise NotFound("There is no such page.")
    return visit.case(number)


def _reason(reason: str) -> str:
    said = reason.strip()
    if len(said) > LONGEST_REASON or not said.isprintable():
        raise InputError("Write the reason in at most {count} characters.", count=LONGEST_REASON)
    return said


def _seen(shown: str) -> proposals.Seen:
    try:
        total = Decimal(shown) if shown else None
    except InvalidOperation:
        total = Decimal("nan")
    if total is not None and not total.is_finite():  # of some of these even comparing fails
        raise InputError("The form was not complete. Choose again.")
    return proposals.Seen(total)
