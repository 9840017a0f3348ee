"""The oracle of reminders on what is known, and the product's calendar and slots held against it day by day."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.clock import local_date
from core.follow_up_settings import FollowUps, Weekday
from schedules.jobs import jobs
from schedules.slots import due_slot, next_slots, slot_key
from schedules.supervisors_list import last_list_day
from schedules.working_days import WorkingDays
from tests.support.reminder_oracle.calendar import DAY, Calendar, easter, local_day, moment

WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
EVES = [(False, False), (True, False), (False, True), (True, True)]


def test_easter_as_the_almanac_has_it():
    known = [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2038, 4, 25), (2285, 3, 22)]
    assert [easter(year) for year, _, _ in known] == [date(*one) for one in known]


@pytest.mark.parametrize(("midsummer", "christmas"), EVES)
def test_working_days_are_those_of_the_oracle(midsummer, christmas):
    ours, oracle = WorkingDays(midsummer, christmas), Calendar(midsummer, christmas)
    first = date(2024, 1, 1)
    wrong = [day for n in range(30 * 366) if ours.includes(day := first + DAY * n) != oracle.works(day)]
    assert wrong == []


@pytest.mark.parametrize(("midsummer", "christmas"), EVES)
def test_counting_is_that_of_the_oracle(midsummer, christmas):
    ours, oracle = WorkingDays(midsummer, christmas), Calendar(midsummer, christmas)
    for n in range(2 * 366):
        day = date(2026, 12, 20) + DAY * n
        assert ours.on_or_after(day) == oracle.next(day)
        assert ours.on_or_before(day) == oracle.before(day)
        assert ours.add(day, n % 17) == oracle.later(day, n % 17)
        assert ours.between(day, day + DAY * (n % 40)) == oracle.passed(day, day + DAY * (n % 40))


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(("midsummer", "christmas"), EVES)
def test_lists_come_on_their_weekday_or_the_working_day_after(number, midsummer, christmas):
    ours, oracle = WorkingDays(midsummer, christmas), Calendar(midsummer, christmas)
    for n in range(4 * 366):
        day = date(2026, 11, 1) + DAY * n
        assert last_list_day(day, WEEKDAYS[number], ours) == oracle.list_day(day, number), day


@pytest.mark.parametrize("mail_at", ["00:00", "02:59", "03:00", "03:30", "03:59", "04:00", "08:00", "23:59"])
@pytest.mark.parametrize(("midsummer", "christmas"), [(False, False), (True, True)])
def test_over_three_years_every_working_day_has_one_slot_at_the_configured_time(mail_at, midsummer, christmas):
    """Across six changes of the clocks: asked each hour, as a beat would be that looks seldom."""
    settings = FollowUps(
        mail_at=mail_at, midsummer_eve_is_working_day=midsummer, christmas_eve_is_working_day=christmas
    )
    job = next(one for one in jobs(settings) if one.name == "daily_reminders")
    first, days = date(2026, 11, 1), 3 * 366
    calendar = Calendar(midsummer, christmas)
    expected = [moment(day, time.fromisoformat(mail_at)) for n in range(days) if calendar.works(day := first + DAY * n)]
    start = moment(first, time()) - timedelta(seconds=1)
    assert next_slots(job, start, len(expected)) == expected
    assert len({slot_key(job, slot) for slot in expected}) == len(expected)
    for slot in expected:
        assert due_slot(job, start, slot) == slot
        assert due_slot(job, start, slot + timedelta(minutes=59)) == slot
        assert due_slot(job, slot, slot + timedelta(minutes=59)) is None


def test_local_days_are_those_of_the_oracle():
    first = datetime(2026, 12, 31, 20, tzinfo=UTC)
    moments = [first + timedelta(minutes=30 * n) for n in range(2 * 366 * 48)]
    assert [one for one in moments if local_date(one) != local_day(one)] == []
