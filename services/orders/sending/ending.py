"""What a person can do with an order that exists: have it sent again under the same number, or cancel it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors import mail
from core.errors import InputError, NotFound
from core.i18n import N_
from services import audit, work
from services.budgets import dirty
from services.effects.elsewhere import may_leave_again
from services.follow_ups import closing
from services.orders.sending.delivery import FORGETFUL
from services.orders.show import state_name
from services.orders.weighing import standing

#: From these states an order can go out again: it never arrived, or the provider says it did not.
RESENDABLE = ("approved", "failed", "sent")
#: From these an order can be cancelled: in every state that holds its services, but not while it is on its way.
CANCELLABLE = ("approved", "failed", "sent", "received", "accepted", "changed")

_NOT_RESENDABLE = N_("{order} is {state} and cannot be sent again; that is possible when it is: {allowed}")
_NOT_CANCELLABLE = N_("{order} is {state} and cannot be cancelled; that is possible when it is: {allowed}")

#: Rows in: a number. Rows out: the order, held until the transaction ends, and where its provider can be written to.
_ORDER = text(
    """
    SELECT purchase_order.id, state, sent_at, unclear_sends, provider.email
    FROM purchase_order JOIN provider ON provider.id = purchase_order.provider_id
    WHERE number = :number FOR NO KEY UPDATE OF purchase_order
    """
)

#: Rows in: an order to be sent again. Rows changed: it, by the channel the provider has now; whoever asks has settled the doubts of channels
#: where nothing else can.
_SEND_AGAIN = text(
    """
    UPDATE purchase_order
    SET state = 'approved', channel = provider.channel,
        unclear_sends = CASE WHEN provider.channel = ANY(:forgetful) THEN 0 ELSE unclear_sends END
    FROM provider WHERE purchase_order.id = :id AND provider.id = purchase_order.provider_id
    """
)

#: Rows in: an order. Rows changed: it and what it covers, which can then be ordered again: whatever was proposed about the order is settled
#: with it. Its doubts are from now on its letter's.
_CANCEL = text(
    """
    WITH freed AS (UPDATE order_coverage SET live = false WHERE order_id = :id AND live),
    settled AS (
        UPDATE order_proposal SET settled_at = :now, settled_by = :actor, outcome = 'cancelled', note = :reason
        WHERE order_id = :id AND settled_at IS NULL
    )
    UPDATE purchase_order SET state = 'cancelled', cancelled_at = :now, cancelled_by = :actor, unclear_sends = 0 WHERE id = :id
    """
)


@dataclass(frozen=True)
class Cancelled:
    """What follows from cancelling. `went_out`: the provider may have the order. It is then told by a letter, or else by a person."""

    went_out: bool
    letter: bool

    @property
    def person_tells(self) -> bool:
        """Whether somebody has to tell the provider, since no letter can."""
        return self.went_out and not self.letter


def resend(session: Session, number: str, *, actor: str, reason: str = "", now: datetime) -> int:
    """Send an order again: same number, same bytes, by the channel and address the provider has now. Returns the Work's id.

    Raises NotFound, or InputError when the order is on its way, answered or ended.
    """
    order = _held(session, number, RESENDABLE, _NOT_RESENDABLE)
    session.execute(_SEND_AGAIN, {"id": order.id, "forgetful": FORGETFUL})
    may_leave_again(session, number)
    audit.record(session, actor, "order.resent", f"order:{number}", now=now, reason=reason, state_before=order.state)
    return work.call_again(session, "deliver_order", f"deliver_order:{number}", subject_id=order.id)


def cancel(session: Session, number: str, *, actor: str, reason: str, now: datetime) -> Cancelled:
    """Cancel an order, so that its services can be ordered anew. Where it went out, the provider is told by letter if it has an address.

    Raises NotFound, or InputError without a reason, or when the order is on its way or ended.
    """
    if not reason.strip():
        raise InputError("Cancelling an order needs a reason.")
    order = _held(session, number, CANCELLABLE, _NOT_CANCELLABLE)
    went_out = order.state != "approved" or order.sent_at is not None or order.unclear_sends > 0
    letter = went_out and mail.address_problem(order.email) is None
    session.execute(_CANCEL, {"id": order.id, "now": now, "actor": actor, "reason": reason})
    standing.end_of_order(session, order.id, actor=actor, now=now)
    closing.orders_ended(session, [order.id])
    audit.record(session, actor, "order.cancelled", f"order:{number}", now=now, reason=reason, state_before=order.state)
    dirty.mark_orders(session, [order.id])
    if letter:
        work.call(session, "tell_cancelled", f"tell_cancelled:{number}", subject_id=order.id)
    return Cancelled(went_out, letter)


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
