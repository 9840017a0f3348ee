"""Telling a provider by letter that an order is cancelled: begin, hand over (outside any transaction), record.

As with the order itself, the server's yes and the record cannot be one: a letter in doubt goes out once more, as the same message, and then
a person asks. `unclear_sends` of a cancelled order counts its cancellation's doubts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, Permanent
from core.i18n import N_
from core.settings import Settings
from services.effects.elsewhere import left_elsewhere
from services.effects.keys import cancelled_key
from services.orders.news import tell_worker
from services.orders.sending.papers import cancellation_mail
from services.work.lease import Ended, when_given_up

#: How often a letter is begun before its fate must be known.
_MOST_BEGINNINGS: Final = 2

#: Rows in: a cancelled order. Rows changed: it, its letter begun once more. Rows out: what the letter needs.
_BEGIN = text(
    """
    UPDATE purchase_order SET unclear_sends = unclear_sends + 1
    FROM provider
    WHERE purchase_order.id = :id AND state = 'cancelled' AND provider.id = purchase_order.provider_id
    RETURNING purchase_order.id, number, document, cancelled_at, unclear_sends, provider.email, provider.language
    """
)
_NOT_TAKEN = text(
    "UPDATE purchase_order SET unclear_sends = greatest(0, unclear_sends - 1) WHERE id = :id AND state = 'cancelled'"
)
_SETTLED = text("UPDATE purchase_order SET unclear_sends = 0 WHERE id = :id AND state = 'cancelled' RETURNING number")


@dataclass(frozen=True)
class Outgoing:
    """The letter on its way."""

    order_id: int
    number: str
    recipient: str
    message: bytes


def begin(session: Session, order_id: int, settings: Settings) -> Outgoing | None:
    """Commit to sending the letter; None when the order is not cancelled, or another instance told the provider.

    Raises Permanent when its fate is in doubt for the second time.
    """
    row = session.execute(_BEGIN, {"id": order_id}).one_or_none()
    if row is None or left_elsewhere(session, cancelled_key(row.number)):
        return None
    if row.unclear_sends > _MOST_BEGINNINGS:
        raise Permanent(
            "It is not known whether the provider was told that {order} is cancelled, and it was repeated once already. Ask the provider.",
            order=row.number,
        )
    posted = cancellation_mail(session, row, settings=settings)
    return Outgoing(row.id, row.number, posted.recipient, posted.message)


def record_not_taken(session: Session, outgoing: Outgoing) -> None:
    """Record that the server certainly does not have it: the next attempt is a first one, not a repeat."""
    session.execute(_NOT_TAKEN, {"id": outgoing.order_id})


def record(session: Session, outgoing: Outgoing, now: datetime) -> None:  # noqa: ARG001 - the shape of workers/mailing.py
    """Record, in the transaction that closes the Run, that the server has it."""
    session.execute(_SETTLED, {"id": outgoing.order_id})


@when_given_up("tell_cancelled")
def give_up(session: Session, ended: Ended) -> None:
    """The provider was not told: the responsible worker hears of it and tells it. Who has it tried again has asked before."""
    number = session.execute(_SETTLED, {"id": ended.subject_id}).scalar()
    if number is None or ended.subject_id is None:
        return
    message = Message(
        N_("The provider could not be told by e-mail that {order} is cancelled. Tell it yourself. {error}"),
        order=number,
        error=ended.message.text(),
    )
    tell_worker(session, ended.subject_id, "order_cancellation_failed", f"run:{ended.run_id}", message)
