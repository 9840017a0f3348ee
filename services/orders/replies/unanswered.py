"""Orders that nobody answers: the responsible worker hears of it, and once more if that changes nothing."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import Message
from core.i18n import N_
from core.settings import Settings
from schedules.jobs import calendar
from schedules.working_days import WorkingDays
from services.orders.news import OrderNews, tell_workers

#: Rows in: the days between which an order was sent, the second not included. Rows out: orders without an answer; that it has arrived is
#: none.
_UNANSWERED: Final = text(
    """
    SELECT id, number, (sent_at AT TIME ZONE 'Europe/Helsinki')::date AS sent_on FROM purchase_order
    WHERE state IN ('sent', 'received') AND answered_at IS NULL
      AND sent_at >= CAST(:since AS timestamp) AT TIME ZONE 'Europe/Helsinki' AND sent_at < CAST(:before AS timestamp) AT TIME ZONE 'Europe/Helsinki'
    ORDER BY id
    """
)

#: After so many times the days in which an answer is expected, silence is no news.
_GIVEN_UP_AFTER: Final = 4

_SENTENCE: Final = N_("{order}, sent on {date}, has not been answered. Ask the provider, and write down what it says.")


def tell(session: Session, settings: Settings, now: datetime) -> int:
    """Tell of orders that were sent `orders.answer_working_days` ago without an answer, and again after as many more. Returns how many are
    told of newly. An order that is sent again is waited for anew.

    After four times as many days nobody is told any more: a county whose providers never answered, or that comes from a version in which they
    could not, does not hear of years of orders in one morning.
    """
    days, working, today = settings.orders.answer_working_days, calendar(settings.follow_ups), local_date(now)
    news = []
    values = {
        "since": _latest(working, today, _GIVEN_UP_AFTER * days),
        "before": _latest(working, today, days) + timedelta(days=1),
    }
    for row in session.execute(_UNANSWERED, values):
        again = working.add(working.add(row.sent_on, days), days) <= today
        message = Message(_SENTENCE, order=row.number, date=row.sent_on.isoformat())
        event = f"sent {row.sent_on}" + (", again" if again else "")
        news.append(OrderNews(row.id, "order_unanswered", event, message))
    return tell_workers(session, news)


def _latest(working: WorkingDays, today: date, count: int) -> date:
    """The latest day from which `count` working days have passed."""
    day = today
    while working.add(day, count) > today:
        day -= timedelta(days=1)
    return day
