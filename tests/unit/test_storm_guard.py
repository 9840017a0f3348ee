"""When so many mails are too many; and the day on which supervisors hear."""

from datetime import date

import pytest

from core.follow_up_settings import Storm
from schedules.supervisors_list import last_list_day
from schedules.working_days import WorkingDays
from services.reminders import guard

STORM = Storm(max_factor=3, max_first=200, max_percent=80, never_below=20)
MANY = 100_000


@pytest.mark.parametrize(
    ("mails", "workers", "usual", "why"),
    [
        (20, 10, [], None),  # never so few
        (200, MANY, [], None),
        (201, MANY, [], guard.FIRST),
        (201, MANY, [1, 1, 1, 1], guard.FIRST),  # four days say nothing yet
        (30, MANY, [10] * 5, None),
        (31, MANY, [10] * 5, guard.FACTOR),
        (31, MANY, [10, 10, 11, 11, 900], None),  # the median, not the mean
        (1000, MANY, [400] * 20, None),
        (80, 100, [], None),
        (81, 100, [], guard.SHARE),
        (81, 100, [100] * 20, guard.SHARE),
        (25, 0, [], guard.SHARE),
    ],
)
def test_a_day_is_weighed_by_the_days_before_it(mails, workers, usual, why):
    found = guard.weigh(mails, workers, usual, STORM)
    assert (found and found.msgid) == why
    if found is not None:
        assert str(mails) in found.text("en")


@pytest.mark.parametrize(
    ("today", "weekday", "expected"),
    [
        (date(2026, 12, 7), "monday", date(2026, 12, 7)),
        (date(2026, 12, 11), "monday", date(2026, 12, 7)),
        (date(2026, 12, 13), "monday", date(2026, 12, 7)),
        (date(2027, 3, 29), "monday", date(2027, 3, 22)),  # Easter Monday is a day off
        (date(2027, 3, 30), "monday", date(2027, 3, 30)),
        (date(2027, 4, 2), "monday", date(2027, 3, 30)),
        (date(2026, 12, 27), "friday", date(2026, 12, 18)),  # Christmas Day, then a weekend
        (date(2026, 12, 28), "friday", date(2026, 12, 28)),
        (date(2026, 12, 30), "thursday", date(2026, 12, 28)),  # Christmas Eve
    ],
)
def test_the_day_of_the_supervisors_lists(today, weekday, expected):
    assert last_list_day(today, weekday, WorkingDays()) == expected
