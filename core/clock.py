"""The two clocks.

*Machine time* (leases, backoff, log lines) is PostgreSQL's `clock_timestamp()` and is never moved. *Business time* (slots, due
dates, what counts as today) is real time plus an offset kept in one database row, so that every process agrees on it. The
offset can be moved only where AVAIN_TEST_CLOCK=1 is set: the demo and the tests live through months in seconds.
Services never read a clock: they are handed `now` or `today`.
"""

import os
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError
from core.i18n import HELSINKI


def business_now(session: Session) -> datetime:
    """The present moment on the business clock, in UTC."""
    seconds = session.execute(text("SELECT offset_seconds FROM business_clock")).scalar()
    return datetime.now(UTC) + timedelta(seconds=seconds or 0)


def local_date(moment: datetime) -> date:
    """The Helsinki calendar date of a moment. People's dates are Helsinki's, whatever the servers' zone."""
    return moment.astimezone(HELSINKI).date()


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; of the 29th of February the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def business_today(session: Session) -> date:
    """Today's date in Helsinki on the business clock."""
    return local_date(business_now(session))


def move_business_clock(session: Session, to: datetime) -> None:
    """Set the business clock so that it shows `to` now and runs on from there.

    Raises InputError unless the installation was started with AVAIN_TEST_CLOCK=1.
    """
    if os.environ.get("AVAIN_TEST_CLOCK") != "1":
        raise InputError("The business clock can only be moved in a test installation (AVAIN_TEST_CLOCK=1).")
    seconds = (to - datetime.now(UTC)).total_seconds()
    session.execute(text("UPDATE business_clock SET offset_seconds = :seconds"), {"seconds": seconds})
