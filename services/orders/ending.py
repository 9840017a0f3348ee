"""What a person can do with an order that exists: have it sent again under the same number, or cancel it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.i18n import N_
from services import audit, work
from services.budgets import dirty
from services.orders.show import state_name

#: From these states an order can go out again: it never arrived, or the provider says it did not.
RESENDABLE = ("approved", "failed", "sent")
#: From these an order can be cancelled; once the provider has answered, people have to agree first.
CANCELLABLE = ("approved", "failed", "sent", "received")

_NOT_RESENDABLE = N_("{order} is {state} and cannot be sent again; that is possible when it is: {allowed}")
_NOT_CANCELLABLE = N_("{order} is {state} and cannot be cancelled; that is possible when it is: {allowed}")

#: Rows in: a number. Rows out: the order, held until the transaction ends.
_ORDER = text("SELECT id, state FROM purchase_order WHERE number = :number FOR NO KEY UPDATE")

#: Rows in: an order to be sent again. Rows changed: it, by the channel the provider has now, with its doubts forgotten.
_SEND_AGAIN = text(
    """
    UPDATE purchase_order SET state = 'approved', unclear_sends = 0, channel = provider.channel
    FROM provider WHERE purchase_order.id = :id AND provider.id = purchase_order.provider_id
    """
)

#: Rows in: an order. Rows changed: it and what it covers, which can then be ordered again.
_CANCEL = text(
    """
    WITH freed AS (UPDATE order_coverage SET live = false WHERE order_id = :id AND live)
    UPDATE purchase_order SET state = 'cancelled' WHERE id = :id
    """
)


def resend(session: Session, number: str, *, actor: str, reason: str = "", now: datetime) -> int:
    """Send an order again: same number, same bytes, by the channel and address the provider has now. Returns the Work's id.

    Raises NotFound, or InputError when the order is on its way, answered or ended.
    """
    order = _held(session, number, RESENDABLE, _NOT_RESENDABLE)
    session.execute(_SEND_AGAIN, {"id": order.id})
    audit.record(session, actor, "order.resent", f"order:{number}", now=now, reason=reason, state_before=order.state)
    return work.call_again(session, "deliver_order", f"deliver_order:{number}", subject_id=order.id)


def cancel(session: Session, number: str, *, actor: str, reason: str, now: datetime) -> bool:
    """Cancel an order, so that its services can be ordered anew. Returns whether the provider has to be told.

    Raises NotFound, or InputError without a reason, or when the order is on its way, answered or ended.
    """
    if not reason.strip():
        raise InputError("Cancelling an order needs a reason.")
    order = _held(session, number, CANCELLABLE, _NOT_CANCELLABLE)
    session.execute(_CANCEL, {"id": order.id})
    audit.record(session, actor, "order.cancelled", f"order:{number}", now=now, reason=reason, state_before=order.state)
    dirty.mark_orders(session, [order.id])
    return bool(order.state != "approved")


def _held(session: Session, number: str, allowed: Collection[str], otherwise: str) -> Any:
    """The order, held; it must be in one of the `allowed` states. Raises NotFound, or InputError with the sentence `otherwise`."""
    order = session.execute(_ORDER, {"number": number}).one_or_none()
    if order is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    if order.state not in allowed:
        raise InputError(
            otherwise, order=number, state=state_name(order.state), allowed=", ".join(map(state_name, allowed))
        )
    return order
