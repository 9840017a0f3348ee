"""Taking a stored order to its provider: begin, send (outside any transaction), record; and what to do when it cannot be told.

`sending` is committed before the first byte leaves. A claim that finds an order in `sending` knows that an earlier attempt died or
lost the connection after handing over: the provider may have it. A channel that recognises repeats is simply used again. On the
others (e-mail) the same message goes out once more, under the same Message-ID, and after that a person decides.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.channels.base import Delivery, Destination
from connectors.channels.registry import CHANNELS, channel_named
from core.clock import business_now
from core.errors import Message, Permanent
from core.i18n import N_
from core.settings import Settings
from services.orders.news import tell_worker
from services.orders.sending import placing
from services.orders.sending.papers import order_mail
from services.work.lease import Ended, when_given_up

#: How often an order of unknown fate is sent again where the other side cannot tell a repeat.
REPEATS_IN_DOUBT: Final = 1
#: Channels whose doubts a person settles by asking for the order to be sent again: nothing else could.
FORGETFUL: Final = [name for name, channel in CHANNELS.items() if not channel.recognises_repeats]

#: Rows in: an order. Rows changed: it, if it waits to be sent; with one more doubt if an earlier sending was never recorded. A failed one
#: is only sent when a person asked for it (resend, or a retry of its run). Rows out: what its delivery needs, no client's data.
_SENDING = text(
    """
    WITH waiting AS (
        SELECT id, state FROM purchase_order WHERE id = :id AND state IN ('approved', 'sending', 'failed') FOR NO KEY UPDATE
    )
    UPDATE purchase_order
    SET state = 'sending',
        unclear_sends = CASE WHEN waiting.state = 'sending' THEN unclear_sends + 1
                             WHEN waiting.state = 'failed' AND purchase_order.channel = ANY(:forgetful) THEN 0
                             ELSE unclear_sends END
    FROM waiting, provider
    WHERE purchase_order.id = waiting.id AND provider.id = purchase_order.provider_id
    RETURNING purchase_order.id, number, document, document_sha256, purchase_order.channel, waiting.state AS was, unclear_sends,
              sent_at, approved_at, profile, link_epoch, upper(period) - 1 AS last_day,
              provider.business_id, provider.email, provider.language, provider.channel_settings, provider.endpoint_scheme,
              provider.endpoint_id
    """
)

#: Rows in: an order that the other side certainly did not take. Rows changed: it, waiting again.
_NOT_TAKEN = text("UPDATE purchase_order SET state = 'approved' WHERE id = :id AND state = 'sending'")

#: Rows in: an order that was sent. Rows changed: it; one whose provider was quicker to answer than we to record stays as answered.
_SENT = text(
    """
    UPDATE purchase_order
    SET sent_at = :now, unclear_sends = 0, state = CASE state WHEN 'sending' THEN 'sent' ELSE state END
    WHERE id = :id AND state <> 'cancelled'
    """
)

#: Rows in: an order nobody will try again. Rows changed: it; one that was being sent stays in doubt. Rows out: its number.
_FAILED = text(
    """
    UPDATE purchase_order SET state = 'failed', unclear_sends = unclear_sends + CASE state WHEN 'sending' THEN 1 ELSE 0 END
    WHERE id = :id AND state IN ('approved', 'sending')
    RETURNING number
    """
)


def begin_delivery(session: Session, order_id: int, settings: Settings) -> Delivery | None:
    """Commit to sending an order: its stored bytes and where they go. None when there is nothing left to do.

    Where it goes by letter, the letter is made now, or the one kept goes out again. Raises Permanent when its fate is in doubt once too
    often, its channel does not exist, or its paper cannot be made; nothing may be written then.
    """
    row = session.execute(_SENDING, {"id": order_id, "forgetful": FORGETFUL}).one_or_none()
    if row is None:
        return None
    channel = channel_named(row.channel)
    if row.was == "sending" and not channel.recognises_repeats and row.unclear_sends > REPEATS_IN_DOUBT:
        raise Permanent(
            Message(
                N_(
                    "It is not known whether the provider received {order}, and it was repeated once already. Ask the provider, then: avain order resend {order}, or cancel it."
                ),
                order=row.number,
            )
        )
    posted = None
    if row.channel == "email":
        posted = order_mail(session, row, settings=settings, now=business_now(session))
    return Delivery(
        order_id=row.id,
        number=row.number,
        document=row.document,
        sha256=row.document_sha256,
        channel=row.channel,
        destination=Destination(
            row.business_id, row.email, row.language, row.channel_settings, row.endpoint_scheme, row.endpoint_id
        ),
        approved_at=row.approved_at,
        mail=posted.message if posted else None,
        recipient=posted.recipient if posted else None,
        repeated=row.unclear_sends > 0 or row.sent_at is not None,
        profile=row.profile,
    )


def record_not_taken(session: Session, delivery: Delivery) -> None:
    """Record that the other side certainly does not have it: the next attempt is a first one, not a repeat."""
    session.execute(_NOT_TAKEN, {"id": delivery.order_id})


def record_delivery(session: Session, delivery: Delivery, now: datetime) -> None:
    """Record, in the transaction that closes the Run, that the other side has it."""
    session.execute(_SENT, {"id": delivery.order_id, "now": now})
    if delivery.channel == placing.EXTERNAL:
        placing.ask(session, delivery.order_id, delivery.number)


@when_given_up("deliver_order")
def give_up(session: Session, ended: Ended) -> None:
    """The last attempt failed: the order waits for a person, and the responsible worker hears of it: each time anew."""
    number = session.execute(_FAILED, {"id": ended.subject_id}).scalar()
    if number is None or ended.subject_id is None:
        return
    message = Message(
        N_("The purchase order {order} could not be delivered: {error}"), order=number, error=ended.message.text()
    )
    # by its run: an order has one Work for ever, re-armed by resending
    tell_worker(session, ended.subject_id, "order_failed", f"run:{ended.run_id}", message)
