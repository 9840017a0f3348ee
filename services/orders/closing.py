"""Closing orders that nothing will come of any more: their final invoice came, or the time in which they could be billed ran out."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from services.budgets import dirty
from services.follow_ups.closing import orders_ended

#: Rows in: today, and how many days after its last day an order can be billed. Rows changed: orders that were sent and are over, closed;
#: what they cover stays covered: it was delivered, or will not be. Rows out: their ids.
_CLOSE = text(
    """
    UPDATE purchase_order SET state = 'closed', closed_at = :now
    WHERE state IN ('sent', 'received', 'accepted', 'changed') AND (
        upper(period) + :close_after_days <= :today
        OR EXISTS (
            SELECT FROM order_line
            JOIN invoice_line ON invoice_line.order_line_id = order_line.id
            JOIN invoice ON invoice.id = invoice_line.invoice_id AND invoice.final
            WHERE order_line.order_id = purchase_order.id
        )
    )
    RETURNING id
    """
)


def close_orders(session: Session, *, now: datetime, settings: Budgets) -> int:
    """Close the orders that are over. Returns how many."""
    values = {"now": now, "today": local_date(now), "close_after_days": settings.close_after_days}
    closed = list(session.execute(_CLOSE, values).scalars())
    dirty.mark_orders(session, closed)
    orders_ended(session, closed)
    return len(closed)
