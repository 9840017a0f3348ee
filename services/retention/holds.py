"""A person's word that a case stays, whatever its age: a complaint, a court case, an inspection. And the word that it need not any more."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError
from services import audit
from services.reason import reason_of
from services.retention.removed import no_case

#: Rows in: a number. Rows out: the case, which nobody removes until the transaction ends.
_CASE: Final = text("SELECT id FROM client_case WHERE number = :number FOR NO KEY UPDATE")
#: Rows made: the hold, unless there is one.
_HOLD: Final = text(
    """
    INSERT INTO case_hold (case_id, reason, held_by, held_at) VALUES (:case, :reason, :actor, :now)
    ON CONFLICT (case_id) WHERE ended_at IS NULL DO NOTHING
    """
)
#: Rows changed: the hold, ended.
_UNHOLD: Final = text(
    "UPDATE case_hold SET ended_at = :now, ended_by = :actor, ended_why = :reason WHERE case_id = :case AND ended_at IS NULL"
)
#: Rows out: holds in force.
_HOLDS: Final = text(
    """
    SELECT client_case.number, reason, held_by, held_at FROM case_hold JOIN client_case ON client_case.id = case_id
    WHERE ended_at IS NULL ORDER BY held_at, case_hold.id
    """
)


@dataclass(frozen=True)
class Hold:
    """A case that stays, why, since when and by whose word."""

    number: str
    reason: str
    held_by: str
    held_at: datetime


def hold(session: Session, number: str, *, actor: str, reason: str, now: datetime) -> None:
    """Have a case stay. Raises NotFound, InputError without a fit reason or when it is held already."""
    case, why = _case(session, number), reason_of(reason)
    values = {"case": case, "reason": why, "actor": actor, "now": now}
    if not session.execute(_HOLD, values).rowcount:  # type: ignore[attr-defined]
        raise InputError("Case {case} is held already.", case=number)
    audit.record(session, actor, "case.held", f"case:{number}", now=now, reason=why)


def unhold(session: Session, number: str, *, actor: str, reason: str, now: datetime) -> None:
    """End a case's hold. Raises NotFound, InputError without a fit reason or when it is not held."""
    case, why = _case(session, number), reason_of(reason)
    values = {"case": case, "reason": why, "actor": actor, "now": now}
    if not session.execute(_UNHOLD, values).rowcount:  # type: ignore[attr-defined]
        raise InputError("Case {case} is not held.", case=number)
    audit.record(session, actor, "case.unheld", f"case:{number}", now=now, reason=why)


def holds(session: Session) -> list[Hold]:
    """Every hold in force, the oldest first."""
    return [Hold(**row) for row in session.execute(_HOLDS).mappings()]


def _case(session: Session, number: str) -> int:
    found: int | None = session.execute(_CASE, {"number": number if number.isprintable() else ""}).scalar_one_or_none()
    if found is None:
        raise no_case(session, number)
    return found
