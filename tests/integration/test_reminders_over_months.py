"""Months of an office, day by day: random plans, acknowledgements, snoozes, stoppages, people who cannot be reached.

An oracle that knows nothing of the code's queries says for every follow-up on every day who must be told.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import text

from core.clock import local_date
from core.i18n import HELSINKI
from core.settings import FollowUps, Mail
from models.base import days
from schedules.jobs import jobs
from schedules.slots import due_slot
from schedules.working_days import WorkingDays
from services.follow_ups.acknowledging import acknowledge, snooze
from services.follow_ups.planning import plan
from services.reminders.daily import compose_due, is_mail_day
from tests.factories.follow_up import Followed, make_followed

MAIL = Mail(sender="avain@avain-esimerkki.invalid")
CALENDAR = WorkingDays()


@dataclass
class Told:
    """What the oracle remembers of one follow-up."""

    on: list[date] = field(default_factory=list)
    passed_on: list[date] = field(default_factory=list)


def expected(told: Told, today: date, settings: FollowUps) -> str | None:
    if told.passed_on:
        return "escalated" if (today - told.passed_on[-1]).days >= 7 else None
    if told.on:
        since = sum(CALENDAR.includes(told.on[-1] + timedelta(days=n + 1)) for n in range((today - told.on[-1]).days))
        if since < settings.repeat_working_days:
            return None
    return "announced" if len(told.on) <= settings.max_repeats else "escalated"


@pytest.mark.parametrize("seed", range(6))
def test_everything_due_is_told_to_the_right_person_on_the_right_day(session, seed):
    chance = random.Random(seed)
    settings = FollowUps(
        start_working_days=chance.randint(1, 10),
        interval_days=chance.randint(7, 40),
        repeat_working_days=chance.randint(1, 4),
        max_repeats=chance.randint(0, 2),
    )
    first = make_followed(session)
    office = [
        first,
        *(make_followed(session, worker=first.worker) for _ in range(2)),
        make_followed(session, email=None),
    ]
    mail_job = next(job for job in jobs(settings) if job.name == "daily_reminders")
    memory: dict[int, Told] = {}
    today = date(2026, 11, 16)
    looked = datetime.combine(today, time(1), HELSINKI).astimezone(UTC)
    while today < date(2027, 4, 10):  # across the spring change
        now = datetime.combine(today, time(8, 1), HELSINKI).astimezone(UTC)
        if chance.random() < 0.9:  # else nothing runs that day
            if due_slot(mail_job, looked, now) is not None:
                _a_day(session, office, now, settings, memory)
            looked = now
        _people_act(session, chance, today, now)
        if chance.random() < 0.05:
            one = chance.choice(office)
            one.item.period = days(one.item.period.lower, date(2027, 2, 22) + timedelta(days=chance.randint(-20, 40)))
            session.flush()
        today += timedelta(days=1 if chance.random() < 0.97 else 11)
    assert sum(len(told.on) for told in memory.values()) > 8


def _a_day(session, office: list[Followed], now: datetime, settings: FollowUps, memory: dict[int, Told]) -> None:
    today = local_date(now)
    assert is_mail_day(today, settings) or not CALENDAR.includes(today)
    if not is_mail_day(today, settings):
        return
    plan(session, None, today, settings)
    open_ = {row.id: row for row in session.execute(text("SELECT * FROM follow_up WHERE state IN ('open', 'snoozed')"))}
    want: set[tuple[str, str, int]] = set()
    for id_, row in open_.items():
        told = memory.setdefault(id_, Told())
        if told.on and row.due > told.on[-1]:
            told = memory[id_] = Told()  # moved on or put off: announced afresh
        case = next(one for one in office if one.item.id == row.plan_item_id)
        how = expected(told, today, settings) if row.due <= today else None
        if how is not None:
            reached = how == "announced" and case.worker.email
            person = case.worker if reached else case.supervisor
            want.add((person.external_id, how, id_))
            (told.on if how == "announced" else told.passed_on).append(today)
    mails = compose_due(session, today, now, settings, MAIL).mails
    assert len({mail.worker for mail in mails}) == len(mails)
    got = {(mail.worker, how, id_) for mail in mails for how in ("announced", "escalated") for id_ in mail.items[how]}
    assert got == want, today
    assert all(mail.items["announced"] or mail.items["escalated"] for mail in mails)
    session.expire_all()


def _people_act(session, chance: random.Random, today: date, now: datetime) -> None:
    ids = session.execute(
        text("SELECT id FROM follow_up WHERE state IN ('open', 'snoozed') AND due <= :today ORDER BY id"),
        {"today": today},
    ).scalars()
    for id_ in ids:
        act = chance.random()
        if act < 0.06:
            acknowledge(session, id_, actor="worker:W", now=now)
        elif act < 0.09:
            until = today + timedelta(days=chance.randint(1, 12))
            snooze(session, id_, actor="worker:W", now=now, reason="syy", until=until, calendar=CALENDAR)
    session.flush()
    session.expire_all()
