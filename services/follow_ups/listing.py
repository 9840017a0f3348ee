"""Follow-ups as people list them."""

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Rows in: the last due date and a worker's external id or none. Rows out: open follow-ups, the most urgent first.
_OPEN = text(
    """
    SELECT follow_up.id, owner.number AS case_number, worker.external_id AS worker, follow_up.kind, follow_up.due, follow_up.state,
           follow_up.announced_on, follow_up.announced_times, follow_up.escalated_on
    FROM follow_up
    JOIN plan_item ON plan_item.id = follow_up.plan_item_id
    JOIN client_case owner ON owner.id = plan_item.case_id
    LEFT JOIN worker ON worker.id = owner.responsible_worker_id
    WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :until
      AND (CAST(:worker AS text) IS NULL OR worker.external_id = :worker)
    ORDER BY follow_up.due, owner.number, follow_up.id
    """
)


def open_follow_ups(session: Session, until: date, worker: str | None = None) -> list[dict[str, Any]]:
    """Open follow-ups due by `until`, of all or one worker (external id): ids, numbers, kinds, dates; no names."""
    return [dict(row._mapping) for row in session.execute(_OPEN, {"until": until, "worker": worker})]  # noqa: SLF001 - SQLAlchemy's public name
