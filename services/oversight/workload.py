"""What lies with each worker of a unit: numbers of work, told of staff by name, counted by night.

Twelve thousand services of a unit's cases are looked at for it, which no page could do while somebody waits.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.orders.approving.waiting import WAITS, WAITS_FROM
from services.oversight.blocks import Block
from services.oversight.units import UNIT_CASE


@dataclass(frozen=True)
class Load:
    """A worker's open cases and follow-ups due, those overdue and passed on among them, and what waits for approval. `worker`: None: nobody's."""

    worker: str | None
    name: str
    active: bool
    cases: int
    follow_ups: int
    overdue: int
    escalated: int
    approvals: int


_COUNTED: Final = ("cases", "follow_ups", "overdue", "escalated", "approvals")

#: Rows in: today, how orders are made where the provider does not say. Rows out: for each unit its active workers, and whoever else has something
#: of its cases, 0 for nobody; a follow-up is whose it was handed to.
_COUNT: Final = text(
    f"""
    WITH {UNIT_CASE}, own AS (
        SELECT client_case.id, unit_case.unit_id, coalesce(responsible_worker_id, 0) AS worker_id FROM client_case JOIN unit_case ON unit_case.case_id = client_case.id
        WHERE status = 'open' AND gone_at IS NULL
    ), found AS (
        SELECT unit_id, worker_id, count(*) AS cases, 0 AS follow_ups, 0 AS overdue, 0 AS escalated, 0 AS approvals FROM own GROUP BY 1, 2
        UNION ALL
        SELECT own.unit_id, coalesce(follow_up.handed_to_id, own.worker_id), 0, count(*), count(*) FILTER (WHERE due < :today), count(escalated_on), 0
        FROM follow_up JOIN own ON own.id = follow_up.case_id
        WHERE follow_up.state IN ('open', 'snoozed') AND follow_up.due <= :today GROUP BY 1, 2
        UNION ALL
        SELECT unit_case.unit_id, coalesce(client_case.responsible_worker_id, 0), 0, 0, 0, 0, count(*)
        {WAITS_FROM} JOIN unit_case ON unit_case.case_id = client_case.id
        WHERE {WAITS} AND order_decline.id IS NULL GROUP BY 1, 2
        UNION ALL
        SELECT unit_id, id, 0, 0, 0, 0, 0 FROM worker WHERE active AND unit_id IS NOT NULL
    )
    SELECT unit_id, worker_id, sum(cases) AS cases, sum(follow_ups) AS follow_ups, sum(overdue) AS overdue, sum(escalated) AS escalated,
           sum(approvals) AS approvals
    FROM found GROUP BY unit_id, worker_id
    """  # noqa: S608 - our own words
)
#: Rows in: ids of workers. Rows out: who they are.
_WORKERS: Final = text("SELECT id, external_id, name, active FROM worker WHERE id = ANY(:ids)")


def count_workload(session: Session, today: date, order_period: str) -> dict[int, list[Block]]:
    """A row for each unit and worker. Follow-ups due are those of today or before."""
    month = today.replace(day=1)
    found: dict[int, list[Block]] = defaultdict(list)
    for row in session.execute(_COUNT, {"today": today, "order_period": order_period}):
        sums = {name: Decimal(getattr(row, name)) for name in _COUNTED}
        found[row.unit_id].append(Block((str(row.worker_id),), month, month, None, sums))
    return found


def workload_of(session: Session, counted: Iterable[Block]) -> list[Load]:
    """Whoever has most overdue first. One query."""
    rows = {int(one.group[0]): one.sums for one in counted}
    known = {row.id: row for row in session.execute(_WORKERS, {"ids": list(rows)})} if rows else {}
    loads = []
    for worker, sums in rows.items():
        who = known.get(worker)
        if who is None and not any(sums.values()):
            continue
        counts = [int(sums[name]) for name in _COUNTED]  # in the order of Load
        loads.append(Load(who.external_id, who.name, who.active, *counts) if who else Load(None, "", False, *counts))  # noqa: FBT003 - as the fields stand
    return sorted(loads, key=lambda one: (-one.overdue, -one.follow_ups, one.name, one.worker or ""))
