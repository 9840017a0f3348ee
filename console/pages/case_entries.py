"""Entering what the client information system says nothing of: a decision's number, what it grants or replaces, the goals."""

from collections.abc import Callable, Mapping

from starlette.responses import Response

from console import case_page, fields
from console.forms import Typed
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message
from core.i18n import N_, _
from services.access import CaseAccess
from services.case_entries import Basis, enter_basis, enter_goals, enter_number

pages = Pages()
_CALCULATED = N_("Saved. The budget is being calculated.")


@pages.post("/cases/{number}/decisions/{decision}/number", roles=CASE_ROLES)
def decision_number(visit: Here, number: str, decision: int, value: Typed = "", seen: Typed = "") -> Response:
    """The number of the official decision."""

    def save(access: CaseAccess) -> None:
        enter_number(visit.session, access.case_id, decision, value, seen=seen, actor=visit.actor, now=visit.now)

    return _saved(visit, number, form=f"number-{decision}", typed={"value": value}, save=save, done=_CALCULATED)


@pages.post("/cases/{number}/decisions/{decision}/basis", roles=CASE_ROLES)
def decision_basis(
    visit: Here,
    number: str,
    decision: int,
    *,
    granted_amount: Typed = "",
    service: Typed = "",
    quantity: Typed = "",
    unit: Typed = "",
    seen: Typed = "",
) -> Response:
    """What the decision grants, or what it replaces. A unit alone means nothing: the form always sends one."""

    def save(access: CaseAccess) -> None:
        amount = fields.decimal(granted_amount, _("Granted amount"))
        many = fields.decimal(quantity, _("Quantity"))
        code = fields.words(service, _("Service"))
        replaced = bool(code) or many is not None
        basis = Basis(amount, code or None, many, (unit or None) if replaced else None)
        enter_basis(visit.session, access.case_id, decision, basis, seen=seen, actor=visit.actor, now=visit.now)

    typed = {"granted_amount": granted_amount, "service": service, "quantity": quantity, "unit": unit}
    return _saved(visit, number, form=f"basis-{decision}", typed=typed, save=save, done=_CALCULATED)


@pages.post("/cases/{number}/goals", roles=CASE_ROLES)
def goals(visit: Here, number: str, value: Typed = "", seen: Typed = "") -> Response:
    """The goals of the client's plan, one a line."""

    def save(access: CaseAccess) -> None:
        enter_goals(
            visit.session, access.case_id, value.splitlines(), seen=_lines(seen), actor=visit.actor, now=visit.now
        )

    return _saved(visit, number, form="goals", typed={"value": value}, save=save, done=N_("Saved."))


def _lines(seen: str) -> str:
    """Browsers send every line's end as two characters."""
    return seen.replace("\r\n", "\n")


def _saved(
    visit: Visit, number: str, *, form: str, typed: Mapping[str, str], save: Callable[[CaseAccess], None], done: str
) -> Response:
    access = visit.case(number)
    try:
        with visit.session.begin_nested():
            save(access)
    except InputError as error:
        return case_page.show(visit, access, typed=case_page.Typed(form, typed, str(error)))
    return visit.go(f"/cases/{access.number}", Message(done))
