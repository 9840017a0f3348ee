"""What was passed on to a unit's supervisor and is still open: single matters, named by the numbers of their cases."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Escalated:
    """An open follow-up that its worker was reminded of in vain."""

    id: int
    case_number: str
    kind: str
    due: date
    worker: str | None
    escalated_on: date


#: Rows in: a unit, a person or none, how many. Rows out: open follow-ups that were passed on, of the unit's cases and of those whose own
#: supervisor the person is; the oldest first. All that are passed on are few, and have an index of their own: they are asked for their unit.
_ESCALATED: Final = text(
    """
    SELECT follow_up.id, client_case.number AS case_number, follow_up.kind, follow_up.due, worker.name AS worker, follow_up.escalated_on,
           count(*) OVER () AS found
    FROM follow_up
    JOIN client_case ON client_case.id = follow_up.case_id
    LEFT JOIN worker AS colleague ON colleague.id = client_case.responsible_worker_id
    LEFT JOIN worker ON worker.id = coalesce(follow_up.handed_to_id, client_case.responsible_worker_id)
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.escalated_on IS NOT NULL
      AND (coalesce(colleague.unit_id, client_case.unit_id) = :unit OR client_case.supervisor_id = CAST(:me AS bigint))
    ORDER BY follow_up.due, follow_up.id LIMIT :limit
    """
)


def escalations_of(session: Session, unit: int, me: int | None, limit: int) -> tuple[list[Escalated], int]:
    """The oldest first, and how many there are in all."""
    rows = session.execute(_ESCALATED, {"unit": unit, "me": me, "limit": limit}).mappings().all()
    found = rows[0]["found"] if rows else 0
    return [Escalated(**{name: one[name] for name in one if name != "found"}) for one in rows], found
