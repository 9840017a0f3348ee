"""Decisions over their ceiling, or approved with a reason: what was said about each.

Single matters of the unit's own cases, which its supervisor may open one by one: nothing is put together here, so nothing is hidden. Which
decisions to look at is found by night; what is told of them is as it is now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import HELSINKI
from core.money import round_half_up
from services.oversight.blocks import Block
from services.oversight.months import Period
from services.oversight.units import UNIT_CASE


@dataclass(frozen=True)
class Said:
    """A reason that was given when something was approved over the ceiling."""

    order: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class Exceeding:
    """A decision that is over its ceiling now, or was approved with a reason. Gross euros; `over`: by how much, None where not at all now.

    `remarks`: what the budget itself says about it.
    """

    case_number: str
    decision_id: int
    decision: str
    decided_on: date | None
    ceiling: Decimal | None
    used: Decimal
    over: Decimal | None
    state: str
    said: tuple[Said, ...]
    remarks: tuple[Message, ...]

    @property
    def share(self) -> Decimal | None:
        """What `over` is of the ceiling, as a fraction of three decimals."""
        if self.over is None or not self.ceiling:
            return None
        return round_half_up(self.over / self.ceiling, Decimal("0.001"))


#: Rows out: for each unit the decisions that may be exceptions: over their ceiling, or approved with a reason some time.
_CANDIDATES: Final = text(
    f"""
    WITH {UNIT_CASE}, candidate AS (
        SELECT budget.decision_id FROM budget_version AS version JOIN budget ON budget.id = version.budget_id
        WHERE version.superseded_at IS NULL AND version.free < 0
        UNION SELECT decision_id FROM purchase_order WHERE approval_reason <> ''
    )
    SELECT unit_case.unit_id, array_agg(decision.id ORDER BY decision.id) AS decisions
    FROM candidate JOIN decision ON decision.id = candidate.decision_id JOIN unit_case USING (case_id)
    GROUP BY unit_case.unit_id
    """  # noqa: S608 - our own words
)

#: Rows in: decisions, a unit, a period as days and as moments, how many. Rows out: those that run in the period and are over their ceiling
#: now, and those something was approved for in it with a reason; those furthest over first. Of cases that are the unit's still.
_EXCEPTIONS: Final = text(
    """
    WITH own AS MATERIALIZED (
        SELECT decision.id, client_case.number AS case_number, coalesce(decision.number, decision.external_id) AS decision, decision.decided_on,
               decision.valid
        FROM decision
        JOIN client_case ON client_case.id = decision.case_id
        LEFT JOIN worker AS colleague ON colleague.id = client_case.responsible_worker_id
        WHERE decision.id = ANY(:decisions) AND coalesce(colleague.unit_id, client_case.unit_id) = :unit
    ), approved AS (
        SELECT purchase_order.decision_id, jsonb_agg(jsonb_build_object(
                   'order', number, 'at', approved_at, 'by', approved_by, 'reason', approval_reason) ORDER BY approved_at, number) AS said
        FROM purchase_order
        WHERE decision_id = ANY(:decisions) AND approval_reason <> '' AND approved_at >= :since AND approved_at < :until
        GROUP BY purchase_order.decision_id
    )
    SELECT own.id, own.case_number, own.decision, own.decided_on, version.ceiling, version.state, version.reasons, said,
           version.invoiced + version.ordered + version.planned AS used,
           CASE WHEN version.free < 0 THEN -version.free END AS over, count(*) OVER () AS found
    FROM own
    JOIN budget ON budget.decision_id = own.id
    JOIN budget_version AS version ON version.budget_id = budget.id AND version.superseded_at IS NULL
    LEFT JOIN approved ON approved.decision_id = own.id
    WHERE said IS NOT NULL OR version.free < 0 AND coalesce(own.valid, '(,)') && daterange(:first, :after)
    ORDER BY over DESC NULLS LAST, own.case_number, own.id
    LIMIT :limit
    """
)


def count_candidates(session: Session, today: date) -> dict[int, list[Block]]:
    """The decisions of each unit that may be exceptions, as one block's values."""
    month = today.replace(day=1)
    return {
        row.unit_id: [Block((), month, month, None, {}, tuple(row.decisions))] for row in session.execute(_CANDIDATES)
    }


def exceptions_of(
    session: Session, unit: int, counted: Iterable[Block], period: Period, limit: int
) -> tuple[list[Exceeding], int]:
    """Those furthest over first, and how many there are in all: of last night's candidates, as they are now."""
    values = {
        "unit": unit,
        "decisions": [decision for one in counted for decision in one.values],
        "first": period.first,
        "after": period.after,
        "since": _midnight(period.first),
        "until": _midnight(period.after),
        "limit": limit,
    }
    rows = session.execute(_EXCEPTIONS, values).all()
    return [_exceeding(row) for row in rows], rows[0].found if rows else 0


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=HELSINKI)


def _exceeding(row: Any) -> Exceeding:
    return Exceeding(
        case_number=row.case_number,
        decision_id=row.id,
        decision=row.decision,
        decided_on=row.decided_on,
        ceiling=row.ceiling,
        used=row.used,
        over=row.over,
        state=row.state,
        said=tuple(
            Said(one["order"], datetime.fromisoformat(one["at"]), one["by"], one["reason"]) for one in row.said or ()
        ),
        remarks=tuple(Message.from_json(one) for one in row.reasons),
    )
