"""Approvals that stand: a service ordered by the month is approved once, and its months are ordered as they come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from models.base import table_of
from models.order import OrderApproval
from services.orders.weighing.items import Item


@dataclass(frozen=True)
class Given:
    """A service whose months are approved, and what they are to cost altogether, gross euros."""

    item: Item
    gross: Decimal


#: Rows in: plan item ids. Rows changed: their approvals that stand, ended.
_END = text(
    "UPDATE order_approval SET ended_at = :now, ended_by = :actor WHERE plan_item_id = ANY(:ids) AND ended_at IS NULL RETURNING plan_item_id"
)

#: Rows in: an order. Rows changed: the approvals that stand of its planned services, ended; not those given after it, perhaps for another
#: provider.
_END_OF_ORDER = text(
    """
    UPDATE order_approval SET ended_at = :now, ended_by = :actor
    FROM purchase_order
    WHERE ended_at IS NULL AND purchase_order.id = :id AND order_approval.approved_at <= purchase_order.approved_at
      AND plan_item_id IN (SELECT plan_item_id FROM order_coverage WHERE order_id = :id)
    """
)

#: Rows changed: approvals that nothing rests on any more, ended: another choice was made, the service is over, or the provider rejected
#: one of its months or declined it there, or somebody cancelled one, so that a person has to decide anew. Rows out: their plan items.
_END_VOID = text(
    """
    UPDATE order_approval SET ended_at = :now, ended_by = 'avain'
    FROM plan_item
    JOIN decision ON decision.id = plan_item.decision_id
    JOIN client_case ON client_case.id = plan_item.case_id
    WHERE order_approval.ended_at IS NULL AND plan_item.id = order_approval.plan_item_id AND (
        plan_item.ended_at IS NOT NULL OR decision.ended_at IS NOT NULL OR client_case.status = 'closed' OR client_case.gone_at IS NOT NULL
        OR upper(plan_item.period) <= :today
        OR EXISTS (SELECT FROM choice WHERE choice.id = order_approval.choice_id AND choice.ended_at IS NOT NULL)
        OR EXISTS (
            SELECT FROM order_coverage JOIN purchase_order ON purchase_order.id = order_coverage.order_id
            WHERE order_coverage.plan_item_id = plan_item.id AND NOT order_coverage.live
              AND purchase_order.approved_at >= order_approval.approved_at
        )
    )
    RETURNING order_approval.plan_item_id
    """
)

#: Rows in: plan item ids. Rows out: what has been ordered of each on the approval that stands, gross euros.
_SPENT = text(
    """
    SELECT order_approval.plan_item_id, sum(order_line.gross) AS gross
    FROM order_approval
    JOIN order_line ON order_line.plan_item_id = order_approval.plan_item_id
    JOIN purchase_order ON purchase_order.id = order_line.order_id AND purchase_order.approved_at >= order_approval.approved_at
        AND purchase_order.state NOT IN ('rejected', 'cancelled')
    WHERE order_approval.plan_item_id = ANY(:ids) AND order_approval.ended_at IS NULL
    GROUP BY order_approval.plan_item_id
    """
)


def give(
    session: Session, wanted: Sequence[Given], *, approver: str, reason: str, automatic: bool, now: datetime
) -> dict[int, int]:
    """Write down that the months of services may be ordered; an earlier approval ends. Returns the approvals' ids by plan item."""
    if not wanted:
        return {}
    end(session, [one.item.id for one in wanted], actor=approver, now=now)
    rows = [
        {
            "plan_item_id": one.item.id,
            "choice_id": one.item.choice_id,
            "provider_id": one.item.seller.id if one.item.seller else None,
            "gross": one.gross,
            "approved_by": approver,
            "approved_at": now,
            "reason": reason,
            "automatic": automatic,
        }
        for one in wanted
    ]
    table = table_of(OrderApproval)
    made = session.execute(table.insert().returning(table.c.plan_item_id, table.c.id), rows)
    return {row.plan_item_id: row.id for row in made}


def end(session: Session, plan_item_ids: Collection[int], *, actor: str, now: datetime) -> list[int]:
    """No more months of these services are ordered. Returns the plan items that had an approval."""
    return list(session.execute(_END, {"ids": list(plan_item_ids), "actor": actor, "now": now}).scalars())


def end_of_order(session: Session, order_id: int, *, actor: str, now: datetime) -> None:
    """An order was taken back or rejected: no more months of its services are ordered until somebody approves them anew."""
    session.execute(_END_OF_ORDER, {"id": order_id, "actor": actor, "now": now})


def end_void(session: Session, *, now: datetime) -> list[int]:
    """End the approvals that nothing rests on any more. Returns their plan items."""
    return list(session.execute(_END_VOID, {"now": now, "today": local_date(now)}).scalars())


def spent(session: Session, plan_item_ids: Collection[int]) -> dict[int, Decimal]:
    """What has been ordered of services on the approval that stands, gross euros by plan item."""
    return {row.plan_item_id: row.gross for row in session.execute(_SPENT, {"ids": list(plan_item_ids)})}
