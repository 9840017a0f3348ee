"""The hand-over: after a provider has accepted, the worker gives it the family's contact details outside Avain, and ticks that here.

The details themselves never enter Avain. What stays unticked is reminded of in the daily e-mail, as often as follow-ups are.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message, NotFound
from core.i18n import N_
from core.settings import Settings
from schedules.jobs import calendar
from services import audit
from services.orders.news import OrderNews, tell_workers
from services.orders.show import STATE_NAMES

#: In these the provider knows of the order.
_ARRIVED: Final = ("sent", "received", "accepted", "changed", "closed")

#: Rows in: an order number. Rows out: its hand-over, held until the transaction ends.
_ORDER: Final = text("SELECT id, state, handed_over_at FROM purchase_order WHERE number = :number FOR NO KEY UPDATE")

#: Rows in: an order. Rows changed: it, ticked.
_TICK: Final = text("UPDATE purchase_order SET handed_over_at = :now, handed_over_by = :actor WHERE id = :id")

#: Rows in: a day. Rows out: orders that stand as accepted since before that day and whose hand-over is open.
_OPEN: Final = text(
    """
    SELECT id, number, (answered_at AT TIME ZONE 'Europe/Helsinki')::date AS accepted_on FROM purchase_order
    WHERE state = 'accepted' AND handed_over_at IS NULL AND answered_at < CAST(:before AS timestamp) AT TIME ZONE 'Europe/Helsinki'
    ORDER BY id
    """
)

_SENTENCE: Final = N_(
    "{order} was accepted on {date}. Give the family's contact details to the provider outside Avain, and tick that you have."
)


@dataclass(frozen=True)
class OpenHandOver:
    """An order whose provider waits for the contact details since `accepted_on`."""

    order_id: int
    number: str
    accepted_on: date


def tick(session: Session, number: str, *, actor: str, now: datetime) -> int:
    """Tick that the family's contact details were handed to the provider, outside Avain. Returns the order's id.

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
    audit.record(session, actor, "order.handed_over", f"order:{number}", now=now)
    return int(order.id)


def open_hand_overs(session: Session, until: date) -> list[OpenHandOver]:
    """Hand-overs that are open, of orders accepted on a day up to `until`, that one included."""
    rows = session.execute(_OPEN, {"before": until + timedelta(days=1)})
    return [OpenHandOver(row.id, row.number, row.accepted_on) for row in rows]


def remind(session: Session, settings: Settings, now: datetime) -> int:
    """Remind of hand-overs that were not ticked `orders.hand_over_days` after acceptance; repeated every
    `follow_ups.repeat_working_days` working days, `follow_ups.max_repeats` times. Returns how many reminders are new.
    """
    today, days = local_date(now), timedelta(days=settings.orders.hand_over_days)
    working, rules = calendar(settings.follow_ups), settings.follow_ups
    news = []
    for one in open_hand_overs(session, today - days):
        since = working.between(one.accepted_on + days, today)
        repeat = min(since // rules.repeat_working_days, rules.max_repeats)
        message = Message(_SENTENCE, order=one.number, date=one.accepted_on.isoformat())
        news.append(
            OrderNews(one.order_id, "hand_over_open", f"accepted {one.accepted_on}, reminder {repeat}", message)
        )
    return tell_workers(session, news)
