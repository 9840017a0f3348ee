"""The day of the week on which supervisors hear what was left open."""

from datetime import date, timedelta

from core.follow_up_settings import Weekday
from schedules.working_days import WorkingDays

_WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
_WEEK = timedelta(days=7)


def last_list_day(today: date, weekday: Weekday, calendar: WorkingDays) -> date:
    """The latest day, today included, on which supervisors were to hear: that weekday, or on a day off the next working day."""
    named = today - timedelta(days=(today.weekday() - _WEEKDAYS.index(weekday)) % 7)
    while (day := calendar.on_or_after(named)) > today:
        named -= _WEEK
    return day
