"""How long families wait: days from a decision to the day its service starts.

A service starts on the day its provider promised; where none was promised, on the first day an order covers. Of several orders of a
service within a decision the earliest counts. Orders count from when they are sent, as long as they are not refused, changed by the
provider without our answer, cancelled or failed. A service that starts before the day of its decision took no days.
"""

from collections import defaultdict
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.oversight.blocks import ENOUGH, Block, Cell, Group, blocks, folded
from services.oversight.units import UNIT_CASE

#: Orders that a provider has and has not refused.
STANDING: Final = ("sent", "received", "accepted", "closed")

#: Rows in: the first day of this month. Rows out: for each unit, service and month in which services started before then, the days each took, of
#: how many cases, and these where they are too few.
_COUNT = text(
    f"""
    WITH {UNIT_CASE}, started AS (
        SELECT decision.id, decision.case_id, plan_item.service_id, decision.decided_on,
               min(coalesce(purchase_order.starts_on, lower(order_coverage.period))) AS first_day
        FROM purchase_order
        JOIN order_coverage ON order_coverage.order_id = purchase_order.id
        JOIN plan_item ON plan_item.id = order_coverage.plan_item_id
        JOIN decision ON decision.id = purchase_order.decision_id
        WHERE purchase_order.state = ANY(:standing) AND decision.decided_on IS NOT NULL
        GROUP BY decision.id, decision.case_id, plan_item.service_id, decision.decided_on
    )
    SELECT unit_id, service_id, CAST(date_trunc('month', first_day::timestamp) AS date) AS month, count(DISTINCT case_id) AS cases,
           CASE WHEN count(DISTINCT case_id) < {ENOUGH} THEN array_agg(DISTINCT case_id) END AS few,
           array_agg(greatest(first_day - decided_on, 0)) AS days
    FROM started JOIN unit_case USING (case_id)
    WHERE first_day < CAST(:this_month AS date)
    GROUP BY unit_id, service_id, month
    """  # noqa: S608 - our own words
)


def count_starts(session: Session, today: date) -> dict[int, list[Block]]:
    """The blocks of every unit, a group for each service, ('',) for services that too few cases had; months that are over."""
    found: dict[int, dict[Group, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    values = {"standing": list(STANDING), "this_month": today.replace(day=1)}
    for row in session.execute(_COUNT, values):
        few = None if row.few is None else frozenset(row.few)
        found[row.unit_id][str(row.service_id),].append(Cell(row.month, few, row.cases, {}, tuple(row.days)))
    return {
        unit: [block for group, cells in folded(groups, _others).items() for block in blocks(group, cells)]
        for unit, groups in found.items()
    }


def _others(group: Group) -> Group | None:
    return None if group == ("",) else ("",)
