"""Closing what is waited for at once, in the transaction in which it comes: an answer, a hand-over, an approval, the end of an order.

Nobody is then reminded, not even today, of what has been done. Planning by night would find the same, and mends what these miss.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Rows in: orders and kinds. Rows changed: what is still open of them, dropped: nobody did it, it is no longer needed.
_DROP_OF_ORDERS: Final = text(
    "UPDATE follow_up SET state = 'dropped' WHERE order_id = ANY(:ids) AND kind = ANY(:kinds) AND state IN ('open', 'snoozed')"
)

#: Rows in: plan items. Rows changed: that they wait for approval, dropped.
_DROP_APPROVALS: Final = text(
    """
    UPDATE follow_up SET state = 'dropped'
    WHERE plan_item_id = ANY(:ids) AND kind = 'approval' AND state IN ('open', 'snoozed')
    """
)

#: Rows in: an order, and who handed over. Rows changed: its open hand-over, done; rows added: that it was.
_HANDED_OVER: Final = text(
    """
    WITH done AS (
        UPDATE follow_up SET state = 'acknowledged', settled_at = :now, settled_by = :actor
        WHERE order_id = :id AND kind = 'hand_over' AND state IN ('open', 'snoozed')
        RETURNING id
    )
    INSERT INTO follow_up_event (follow_up_id, act, actor, reason, details, at)
    SELECT id, 'acknowledged', :actor, '', '{}', :now FROM done
    """
)


def order_answered(session: Session, order_id: int, state: str) -> None:
    """An order was answered and is in `state` now: its answer is no longer waited for, nor the hand-over unless it is accepted."""
    kinds = ["order_unanswered"] if state == "accepted" else ["order_unanswered", "hand_over"]
    session.execute(_DROP_OF_ORDERS, {"ids": [order_id], "kinds": kinds})


def orders_ended(session: Session, order_ids: Collection[int]) -> None:
    """Nothing is waited for of orders that were cancelled or closed."""
    session.execute(_DROP_OF_ORDERS, {"ids": list(order_ids), "kinds": ["order_unanswered", "hand_over"]})


def handed_over(session: Session, order_id: int, *, actor: str, now: datetime) -> None:
    """The family's contact details were handed over: done by whoever ticked it."""
    session.execute(_HANDED_OVER, {"id": order_id, "actor": actor, "now": now})


def decided(session: Session, plan_item_ids: Collection[int]) -> None:
    """Services were approved or declined: they no longer wait."""
    session.execute(_DROP_APPROVALS, {"ids": list(plan_item_ids)})
