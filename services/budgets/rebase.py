"""Looking up a frozen ceiling anew: asked for by a person, with a reason, recorded."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from services import audit
from services.budgets.dirty import mark_decisions
from services.names import check_case

#: Rows in: a case number, a decision's number or id at the source (NULL: all). Rows out: budgets whose ceiling rests on a reference price, forgotten.
_FORGET = text(
    """
    UPDATE budget SET ceiling_basis = '{}'
    FROM decision JOIN client_case ON client_case.id = decision.case_id
    WHERE decision.id = budget.decision_id AND client_case.number = :case AND decision.granted_amount IS NULL
      AND (CAST(:decision AS text) IS NULL OR :decision IN (decision.number, decision.external_id))
    RETURNING decision.id
    """
)

#: Rows in: a case number, a decision's number or id at the source. Rows out: one, whether there is such a decision.
_KNOWN = text(
    """
    SELECT EXISTS (
        SELECT FROM decision JOIN client_case ON client_case.id = decision.case_id
        WHERE client_case.number = :case AND :decision IN (decision.number, decision.external_id)
    )
    """
)


def rebase(session: Session, case: str, *, decision: str | None, actor: str, reason: str, now: datetime) -> list[int]:
    """Have the ceilings of a case looked up anew, by the reference prices that are known today for the days of its decisions.

    For a unit cost that was corrected after the decision: later prices move no ceiling by themselves. Returns the decisions, whose
    budgets are noted. Raises NotFound, or InputError without a reason or where nothing rests on a reference price.
    """
    check_case(session, case)
    if not reason.strip():
        raise InputError("Looking up a ceiling anew needs a reason.")
    if decision is not None and not session.execute(_KNOWN, {"case": case, "decision": decision}).scalar_one():
        raise NotFound("Case {case} has no decision {decision}.", case=case, decision=decision)
    found = list(session.execute(_FORGET, {"case": case, "decision": decision}).scalars())
    if not found:
        raise InputError("Case {case} has no budget whose ceiling rests on a reference price.", case=case)
    audit.record(session, actor, "budget.rebased", f"case:{case}", now=now, reason=reason, decisions=found)
    mark_decisions(session, found, "rebase")
    return found
