"""Finnish working days, against days written down by hand and against plain counting."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.working_days import WorkingDays

DAYS = WorkingDays()
ANY_DAY = st.dates(date(2025, 1, 1), date(2035, 12, 31))

#: Days off that fall on weekdays, from the almanac.
OFF = [
    date(2026, 1, 1),
    date(2026, 1, 6),
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 1),
    date(2026, 5, 14),
    date(2026, 6, 19),
    date(2026, 12, 24),
    date(2026, 12, 25),
    date(2027, 12, 6),
    date(2027, 6, 25),
]


@pytest.mark.parametrize("day", OFF)
def test_days_off(day):
    assert not DAYS.includes(day)


def test_the_eves_are_worked_on_where_the_organisation_says_so():
    both = WorkingDays(midsummer_eve=True, christmas_eve=True)
    assert [day for day in OFF if both.includes(day)] == [date(2026, 6, 19), date(2026, 12, 24), date(2027, 6, 25)]
    assert not both.includes(date(2027, 12, 25))


def test_the_day_itself_does_not_count():
    assert DAYS.add(date(2026, 11, 23), 10) == date(2026, 12, 7)  # 6 December is a Sunday
    assert DAYS.add(date(2026, 12, 21), 3) == date(2026, 12, 28)
    assert DAYS.add(date(2026, 12, 26), 0) == date(2026, 12, 28)


@given(day=ANY_DAY, count=st.integers(1, 60))
def test_adding_agrees_with_counting(day, count):
    reached = DAYS.add(day, count)
    assert DAYS.includes(reached)
    assert DAYS.between(day, reached) == count
    assert DAYS.between(day, reached - timedelta(days=1)) == count - 1


@given(day=ANY_DAY)
def test_neighbours_are_working_days_with_none_between(day):
    before, after = DAYS.on_or_before(day), DAYS.on_or_after(day)
    assert before <= day <= after
    assert DAYS.includes(before)
    assert DAYS.includes(after)
    assert DAYS.between(before, after) == (0 if before == after else 1)
    assert (after - before).days <= 6


def test_nothing_lies_between_a_day_and_an_earlier_one():
    assert DAYS.between(date(2026, 11, 23), date(2026, 11, 2)) == 0
