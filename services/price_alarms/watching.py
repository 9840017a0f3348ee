"""What the price manager should hear before it happens: prices of a year to come that are missing, prices that will end, lists that wait."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import Message
from core.settings import Settings
from services.alarms import Alarm, tell
from services.price_alarms.about import waiting
from services.prices.watching import ending_soon, missing_years


def watch(session: Session, settings: Settings, *, now: datetime) -> int:
    """Tell of all that is to be told today; how much of it is new."""
    today = local_date(now)
    alarms = waiting(session)
    alarms += [
        Alarm(
            "missing_year",
            f"{one.business_id}:{one.service}:{one.year}",
            Message(
                "{provider}, {service}: no price for {year}.",
                provider=one.provider,
                service=one.service,
                year=str(one.year),
            ),
        )
        for one in missing_years(session, today)
    ]
    alarms += [
        Alarm(
            "ending_soon",
            f"{one.business_id}:{one.service}:{one.last}",
            Message(
                "{provider}, {service}: the price ends on {date}.",
                provider=one.provider,
                service=one.service,
                date=one.last.isoformat(),
            ),
        )
        for one in ending_soon(session, today, settings.prices.ending_soon_days)
    ]
    return tell(session, alarms, settings, now=now)
