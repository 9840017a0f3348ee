"""The mails of a day as tests have them composed."""

import itertools
from datetime import UTC, date, datetime, time, timedelta

from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from schedules.working_days import WorkingDays
from services.reminders.daily import compose_due
from tests.factories.follow_up import WRITING

SETTINGS = FollowUps(repeat_working_days=3, max_repeats=2)
DUE = date(2026, 12, 7)


def at(day: date) -> datetime:
    """Eight o'clock of a day."""
    return datetime.combine(day, time(8), HELSINKI).astimezone(UTC)


def composed(session, day: date = DUE, settings: FollowUps = SETTINGS):
    """The mails of a day, by worker."""
    session.flush()
    mails = compose_due(session, day, at(day), settings, WRITING).mails
    session.expire_all()
    return {mail.worker: mail for mail in mails}


def mail_days(start: date, count: int) -> list[date]:
    """So many working days from a day on."""
    days = WorkingDays()
    return list(
        itertools.islice((d for d in (start + timedelta(days=n) for n in itertools.count()) if days.includes(d)), count)
    )
