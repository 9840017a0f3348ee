"""How a budget was calculated ("näin laskettiin"): every figure down to a row of a price list, and what became of it day by day."""

from datetime import date

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import budget_picture, case_page, fields
from console.forms import Typed
from console.roles import CASE_ROLES
from console.visit import Here, Pages, Visit
from core.errors import InputError, Message
from core.i18n import N_, _
from services.access import CaseAccess
from services.access.people import SUPERVISOR
from services.budgets import words
from services.budgets.dirty import cause_message
from services.budgets.history import history_of
from services.budgets.rebase import rebase as look_up_anew
from services.budgets.show import budgets_of_case
from services.cases import case_view
from services.names import service_names

pages = Pages()
#: How the figures of a budget are called, in its history.
_FIGURES = {
    "ceiling": N_("Ceiling"),
    "invoiced": N_("Invoiced"),
    "ordered": N_("Ordered"),
    "delivered": N_("– of which delivered"),
    "planned": N_("Planned"),
    "free": N_("Free"),
}


@pages.get("/cases/{number}/budgets/{decision}", roles=CASE_ROLES)
def budget(visit: Here, number: str, decision: int, at: str = "") -> Response:
    """`at`: as it was known at the end of that day; without it as it is known now."""
    access = visit.case(number)
    try:
        day, problem = fields.day(at, _("As known on")), ""
    except InputError as error:
        day, problem = None, str(error)
    return _show(visit, access, decision, day=day, at=at, problem=problem)


@pages.post("/cases/{number}/budgets/{decision}/rebase", roles=(SUPERVISOR,))
def rebase(visit: Here, number: str, decision: int, reason: Typed = "") -> Response:
    """Have the ceiling looked up anew, where a unit cost was corrected after the decision. For supervisors, with a reason."""
    access = visit.case(number)
    found = next((one for one in case_view(visit.session, access.number).decisions if one.id == decision), None)
    if found is None:
        raise HTTPException(404)
    try:
        why = fields.words(reason, _("Reason"))
        with visit.session.begin_nested():
            look_up_anew(
                visit.session, access.number, decision=found.external_id, actor=visit.actor, reason=why, now=visit.now
            )
    except InputError as error:
        return _show(visit, access, decision, reason=reason, rebase_problem=str(error))
    return visit.go(
        f"/cases/{access.number}/budgets/{decision}",
        Message(N_("The ceiling is looked up anew, and the budget calculated.")),
    )


def _show(
    visit: Visit,
    access: CaseAccess,
    decision: int,
    *,
    day: date | None = None,
    at: str = "",
    problem: str = "",
    reason: str = "",
    rebase_problem: str = "",
) -> Response:
    decisions = {one.id: one for one in case_view(visit.session, access.number).decisions}
    if decision not in decisions:
        raise HTTPException(404)
    visit.saw(f"case:{access.number}", "budget.viewed", decision=decision, at=day and day.isoformat())
    services = service_names(visit.session)
    budgets = budgets_of_case(visit.session, access.number, at=day)
    found = next((words.with_names(one, services) for one in budgets if one.decision_id == decision), None)
    chosen = decisions[decision]
    return visit.page(
        "cases/budget.html",
        status=422 if problem or rebase_problem else 200,
        access=access,
        decision=chosen,
        name=chosen.number or chosen.external_id,
        budget=found,
        picture=None if found is None else budget_picture.picture(found, "budget"),
        history=history_of(visit.session, decision),
        day=day,
        at=at,
        problem=problem,
        reason=reason,
        rebase_problem=rebase_problem,
        may_rebase=visit.person.is_one_of(SUPERVISOR) and chosen.granted_amount is None,
        words=words,
        figures=_FIGURES,
        cause_message=cause_message,
        **case_page.tools(),
    )
