"""The hand-over: after a provider has accepted, the worker gives it the family's contact details outside Avain, and ticks that here.

The details themselves never enter Avain. What stays unticked is followed up (services/follow_ups).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from services import audit
from services.follow_ups import closing
from services.orders.show import STATE_NAMES

#: In these the provider knows of the order.
_ARRIVED: Final = ("sent", "received", "accepted", "changed", "closed")

#: Rows in: an order number. Rows out: its hand-over, held until the transaction ends.
_ORDER: Final = text("SELECT id, state, handed_over_at FROM purchase_order WHERE number = :number FOR NO KEY UPDATE")

#: Rows in: an order. Rows changed: it, ticked.
_TICK: Final = text("UPDATE purchase_order SET handed_over_at = :now, handed_over_by = :actor WHERE id = :id")


def tick(session: Session, number: str, *, actor: str, now: datetime) -> int:
    """Tick that the family's contact details were handed to the provider, outside Avain; its follow-up is done with it. Returns the order's id.

    Raises NotFound, or InputError when the order has not gone out, or it was ticked before.
    """
    order = session.execute(_ORDER, {"number": number if number.isprintable() else ""}).one_or_none()
    if order is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    if order.state not in _ARRIVED:
        raise InputError(
            "Order {number} is in state {state}: contact details are handed over after the order has reached the provider.",
            number=number,
            state=Message(STATE_NAMES[order.state]),
        )
    if order.handed_over_at is not None:
        raise InputError("The hand-over of order {number} was ticked before.", number=number)
    session.execute(_TICK, {"now": now, "actor": actor, "id": order.id})
    closing.handed_over(session, order.id, actor=actor, now=now)
    audit.record(session, actor, "order.handed_over", f"order:{number}", now=now)
    return int(order.id)
