"""Slots on Helsinki's clocks: both DST nights, catching up, a whole year without a gap or a double."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any

import pytest
from cronsim import CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from schedules.jobs import Job, calendar, jobs
from schedules.slots import check_cron, due_slot, next_slots, slot_key, to_utc
from schedules.working_days import WorkingDays
from services.work.kinds import KINDS

SPRING = (date(2026, 3, 29), date(2027, 3, 28))
AUTUMN = (date(2026, 10, 25), date(2027, 10, 31))


def job(cron: str, **over: Any) -> Job:
    return Job("job", "nightly_cases", cron, "a job", **over)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute))


def walked(one: Job, start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """The slots a tick finds that looks every `step` and remembers the last slot it saw."""
    found, since, now = [], start, start
    while now < end:
        now += step
        slot = due_slot(one, since, now)
        if slot is not None:
            found.append(slot)
            since = slot
    return found


@pytest.mark.parametrize("night", SPRING)
def test_a_slot_in_the_skipped_hour_happens_once_at_its_end(night):
    end_of_gap = utc(f"{night}T01:00")
    assert due_slot(job("30 3 * * *"), end_of_gap - timedelta(hours=2), end_of_gap) == end_of_gap
    assert due_slot(job("30 3 * * *"), end_of_gap, end_of_gap + timedelta(hours=20)) is None
    assert due_slot(job("30 3 * * *"), end_of_gap - timedelta(hours=2), end_of_gap - timedelta(seconds=1)) is None
    assert next_slots(job("30 3 * * *"), end_of_gap - timedelta(minutes=5), 2) == [
        end_of_gap,
        to_utc(wall(night + timedelta(days=1), 3, 30)),
    ]


@pytest.mark.parametrize("night", AUTUMN)
def test_a_slot_in_the_repeated_hour_happens_once_the_first_time(night):
    first = utc(f"{night}T00:30")
    half_past_three = job("30 3 * * *")
    assert due_slot(half_past_three, first - timedelta(hours=1), first) == first
    second = first + timedelta(hours=1)
    assert due_slot(half_past_three, first, second) is None
    assert due_slot(half_past_three, first - timedelta(hours=1), second) == first
    assert next_slots(half_past_three, first, 1) == [to_utc(wall(night + timedelta(days=1), 3, 30))]


@pytest.mark.parametrize("night", SPRING)
def test_quarters_of_the_skipped_hour_fall_together(night):
    start = to_utc(wall(night, 2, 45))
    assert next_slots(job("*/15 * * * *"), start, 3) == [start + timedelta(minutes=15 * n) for n in (1, 2, 3)]
    assert to_utc(wall(night, 3, 15)) == to_utc(wall(night, 4)) == start + timedelta(minutes=15)


@pytest.mark.parametrize("night", AUTUMN)
def test_quarters_of_the_repeated_hour_happen_four_times_not_eight(night):
    start, end = to_utc(wall(night, 2, 59)), to_utc(wall(night, 4))
    assert len(walked(job("*/15 3 * * *"), start, end, timedelta(minutes=1))) == 4
    assert len(walked(job("*/15 * * * *"), start, end, timedelta(minutes=1))) == 5


def test_missed_slots_are_caught_up_once():
    nightly = job("10 2 * * *")
    assert due_slot(nightly, utc("2026-11-01T00:00"), utc("2026-11-11T12:00")) == utc("2026-11-11T00:10")
    assert due_slot(nightly, utc("2026-11-11T00:10"), utc("2026-11-11T12:00")) is None


def test_a_slot_belongs_to_its_own_moment():
    nightly, slot = job("10 2 * * *"), utc("2026-11-11T00:10")
    assert due_slot(nightly, slot - timedelta(microseconds=1), slot) == slot
    assert due_slot(nightly, slot - timedelta(hours=1), slot + timedelta(microseconds=1)) == slot
    assert due_slot(nightly, slot - timedelta(hours=1), slot - timedelta(microseconds=1)) is None
    assert due_slot(nightly, slot, slot) is None
    assert due_slot(nightly, slot + timedelta(hours=9), slot) is None  # a business clock that was set back


@pytest.mark.parametrize("minutes", [1, 61])
def test_every_local_day_of_a_year_holds_one_slot_of_a_daily_job(minutes):
    for cron in ("10 2 * * *", "30 3 * * *", "0 8 * * *", "59 23 * * *"):
        start, end = utc("2026-01-01T00:00"), utc("2026-12-31T23:00")
        if minutes == 1:  # the fine step only where clocks jump
            start, end = utc("2026-10-24T00:00"), utc("2026-10-27T00:00")
        slots = walked(job(cron), start, end, timedelta(minutes=minutes))
        days = Counter(slot.astimezone(HELSINKI).date() for slot in slots)
        assert set(days.values()) == {1}
        assert len(days) >= (end - start).days - 1


@settings(max_examples=60, deadline=None)
@given(
    cron=st.sampled_from(["10 2 * * *", "30 3 * * *", "*/15 * * * *", "*/15 3 * * *", "0 8 * * 1-5", "5 4 1 * *"]),
    start=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    seconds=st.integers(0, 86399),
    jumps=st.lists(st.integers(1, 60 * 30), min_size=1, max_size=25),
    night=st.sampled_from([None, *SPRING, *AUTUMN]),
)
def test_due_slots_agree_with_enumeration(cron, start, seconds, jumps, night):
    """However irregularly the tick looks, it finds the latest of the slots that a plain enumeration lists."""
    one = job(cron)
    since = utc(f"{start}T00:00") + timedelta(seconds=seconds)
    if night is not None:
        since = utc(f"{night}T00:00") - timedelta(hours=6) + timedelta(seconds=seconds // 10)
    for jump in jumps:
        now = since + timedelta(minutes=jump)
        listed = [slot for slot in next_slots(one, since, 4 * 31 + 5) if slot <= now]
        assert due_slot(one, since, now) == (listed[-1] if listed else None)
        assert listed == sorted(set(listed))
        since = now


def test_a_job_of_working_days_leaves_out_the_others():
    mail = job("0 8 * * *", only_on=WorkingDays())
    slots = next_slots(mail, utc("2026-12-22T12:00"), 3)
    assert [slot.astimezone(HELSINKI).date() for slot in slots] == [
        date(2026, 12, 23),
        date(2026, 12, 28),
        date(2026, 12, 29),
    ]
    assert due_slot(mail, utc("2026-12-23T07:00"), utc("2026-12-27T12:00")) is None


def test_days_that_are_left_out_are_passed_at_once():
    """Every minute of Saturdays and Sundays of nine years is over a million slots: looked at one by one they took 20 s, with the job's row locked."""
    weekends = job("* * * * 6,7", only_on=WorkingDays())
    begun = perf_counter()
    with pytest.raises(InputError, match="never comes"):
        check_cron(weekends, utc("2026-11-11T00:00"))
    assert due_slot(weekends, utc("2026-11-11T00:00"), utc("2026-11-12T00:00")) is None
    assert perf_counter() - begun < 3
    quarters = job("*/15 * * * *", only_on=WorkingDays())
    friday, monday = utc("2026-11-13T21:45"), utc("2026-11-15T22:00")  # 23.45 and midnight in Helsinki
    assert next_slots(quarters, friday - timedelta(minutes=15), 2) == [friday, monday]
    assert due_slot(quarters, utc("2026-11-11T00:00"), monday - timedelta(seconds=1)) == friday


def test_a_job_that_is_switched_off_has_no_slots():
    off = job("*/5 * * * *", enabled=False)
    assert due_slot(off, utc("2026-11-11T00:00"), utc("2026-11-12T00:00")) is None
    assert next_slots(off, utc("2026-11-11T00:00"), 3) == []


@pytest.mark.parametrize("cron", ["0 0 31 2 *", "61 * * * *", "every day"])
def test_a_cron_that_cannot_come_is_refused(cron):
    with pytest.raises(CronSimError):
        due_slot(job(cron), utc("2026-11-11T00:00"), utc("2026-11-12T00:00"))


def test_keys_are_in_utc():
    assert slot_key(job("0 8 * * *"), utc("2026-11-16T06:00")) == "job@2026-11-16T06:00Z"
    assert slot_key(job("0 8 * * *"), datetime(2026, 11, 16, 8, tzinfo=HELSINKI)) == "job@2026-11-16T06:00Z"


def test_every_job_calls_for_work_that_is_known_and_has_slots():
    table = jobs(FollowUps(mail_at="07:05"))
    assert len({one.name for one in table}) == len(table)
    for one in table:
        assert one.kind in KINDS
        assert one.described().text("en")
        assert next_slots(one, utc("2026-11-16T00:00"), 1)
    mail = next(one for one in table if one.name == "daily_reminders")
    assert slot_key(mail, next_slots(mail, utc("2026-11-14T00:00"), 1)[0]) == "daily_reminders@2026-11-16T05:05Z"


def test_the_organisation_decides_about_the_eves():
    days = calendar(FollowUps(midsummer_eve_is_working_day=True, christmas_eve_is_working_day=True))
    assert days.includes(date(2026, 6, 19))
    assert days.includes(date(2026, 12, 24))
