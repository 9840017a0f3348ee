"""A job's times in plain words: `every day at 2.10`, `working days at 8.00`, `every 15 minutes between 6.00 and 20.45`.

From any cron that can be read. The words are made from the very minutes, hours and days that slots are found by; what has no plain sentence is
said field by field. Both times of an interval are runs.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cronsim import CronSim, CronSimError

from core.i18n import N_, _, ngettext, number
from schedules.jobs import Job

_DAY_MINUTES: Final = 24 * 60
#: So many times are named one by one; of more than the first figure those that have one distance are not.
_LISTED: Final = 3
_NAMED: Final = 6
_EVERY_DAY: Final = frozenset(range(1, 32))
_EVERY_MONTH: Final = frozenset(range(1, 13))
_EVERY_WEEKDAY: Final = frozenset(range(1, 8))
_MONDAY_TO_FRIDAY: Final = frozenset(range(1, 6))

_ON_WEEKDAYS: Final = {
    1: N_("on Mondays"),
    2: N_("on Tuesdays"),
    3: N_("on Wednesdays"),
    4: N_("on Thursdays"),
    5: N_("on Fridays"),
    6: N_("on Saturdays"),
    7: N_("on Sundays"),
}
_OF_THE_MONTH: Final = {
    1: N_("Monday of the month"),
    2: N_("Tuesday of the month"),
    3: N_("Wednesday of the month"),
    4: N_("Thursday of the month"),
    5: N_("Friday of the month"),
    6: N_("Saturday of the month"),
    7: N_("Sunday of the month"),
}
_WHICH: Final = {
    1: N_("on the first"),
    2: N_("on the second"),
    3: N_("on the third"),
    4: N_("on the fourth"),
    5: N_("on the fifth"),
    CronSim.LAST: N_("on the last"),
}
_IN_MONTHS: Final = {
    1: N_("in January"),
    2: N_("in February"),
    3: N_("in March"),
    4: N_("in April"),
    5: N_("in May"),
    6: N_("in June"),
    7: N_("in July"),
    8: N_("in August"),
    9: N_("in September"),
    10: N_("in October"),
    11: N_("in November"),
    12: N_("in December"),
}


def in_words(job: Job) -> str:
    """When the job comes, in the reader's language."""
    cron = _parsed(job.cron)
    if cron is None:
        return _("at times that cannot be read: {cron}").format(cron=job.cron)
    times, days = _times(cron), _days(cron, working_days=job.only_on is not None)
    if times is None or days is None:
        said = _field_by_field(cron)
        return said if job.only_on is None else _("{when}; on working days only").format(when=said)
    day, whole_day_said = days
    if cron.months != _EVERY_MONTH:
        day = f"{day} {_list([_(_IN_MONTHS[month]) for month in sorted(cron.months)])}"
        whole_day_said = False
    # that something comes every 15 minutes need not be said of every day
    return times if whole_day_said and not _few_times(cron) else f"{day} {times}"


def _parsed(cron: str) -> CronSim | None:
    if len(cron.split()) != 5:
        return None
    try:
        return CronSim(cron, datetime(2026, 1, 1))  # noqa: DTZ001 - read only, never asked for a slot
    except (CronSimError, ValueError, AssertionError):
        return None


def _all_times(cron: CronSim) -> list[int]:
    """Minutes of the day."""
    return sorted(hour * 60 + minute for hour in cron.hours for minute in cron.minutes)


def _few_times(cron: CronSim) -> bool:
    return len(cron.hours) * len(cron.minutes) <= _LISTED or _step(_all_times(cron)) is None


def _times(cron: CronSim) -> str | None:
    """The times of one day; None where they have neither few names nor one distance."""
    every = _all_times(cron)
    step = _step(every)
    if len(every) > _LISTED and step is not None:
        return _each(step, every)
    if len(every) <= _NAMED:
        return _("at {times}").format(times=_list([_time(one) for one in every]))
    return None


def _step(every: Sequence[int]) -> int | None:
    """The one distance between all of them."""
    steps = {after - one for one, after in pairwise(every)}
    return steps.pop() if len(steps) == 1 else None


def _each(step: int, every: Sequence[int]) -> str:
    hours, minutes = divmod(step, 60)
    if minutes:
        said = _("every minute") if step == 1 else _("every {count} minutes").format(count=number(step))
    else:
        said = _("every hour") if hours == 1 else _("every {count} hours").format(count=number(hours))
    if every[0] == 0 and every[-1] + step == _DAY_MINUTES and step <= 60:
        return said
    return _("{interval} between {first_time} and {last_time}").format(
        interval=said, first_time=_time(every[0]), last_time=_time(every[-1])
    )


def _days(cron: CronSim, *, working_days: bool) -> tuple[str, bool] | None:
    """The days, and whether they are simply all; None where they have no plain name."""
    weekdays = {one if isinstance(one, tuple) else one or 7 for one in cron.weekdays}
    every_weekday, every_day = weekdays >= _EVERY_WEEKDAY, cron.days >= _EVERY_DAY
    if (every_weekday and every_day) or (not cron.day_and and (every_weekday or every_day)):
        return (_("working days"), False) if working_days else (_("every day"), True)
    if not every_weekday and not every_day:
        return None
    said = _on_weekdays(weekdays) if every_day else _on_days(cron.days)
    if said is None:
        return None
    return (_("{days} (working days only)").format(days=said) if working_days else said), False


def _on_weekdays(weekdays: Collection[int | tuple[int, int]]) -> str | None:
    if weekdays == _MONDAY_TO_FRIDAY:
        return _("Monday to Friday")
    plain = sorted(one for one in weekdays if not isinstance(one, tuple))
    counted = sorted((one for one in weekdays if isinstance(one, tuple)), key=lambda one: (one[0] or 7, one[1] % 10))
    return _list(
        [_(_ON_WEEKDAYS[one]) for one in plain]
        + [f"{_(_WHICH[which])} {_(_OF_THE_MONTH[weekday or 7])}" for weekday, which in counted]
    )


def _on_days(days: Collection[int]) -> str:
    plain = [str(one) for one in sorted(days) if one > 0]
    said = []
    if plain:
        said.append(
            ngettext("on day {days} of the month", "on days {days} of the month", len(plain)).format(days=_list(plain))
        )
    if CronSim.LAST in days:
        said.append(_("on the last day of the month"))
    if CronSim.LAST_WEEKDAY in days:
        said.append(_("on the last weekday (Monday to Friday) of the month"))
    return _list(said)


def _field_by_field(cron: CronSim) -> str:
    """Every field as it is, those that hold everything left out."""
    times = _times(cron)
    said = (
        [times]
        if times
        else [
            _("minutes: {values}").format(values=_ranges(cron.minutes)),
            _("hours: {values}").format(values=_ranges(cron.hours)),
        ]
    )
    weekdays = {one if isinstance(one, tuple) else one or 7 for one in cron.weekdays}
    days_said = (
        None if cron.days >= _EVERY_DAY else _on_days(cron.days),
        None if weekdays >= _EVERY_WEEKDAY else _on_weekdays(weekdays),
    )
    days = [one for one in days_said if one]
    if len(days) == 2 and cron.day_and:
        said.append(_("days: {one}, but only {another}").format(one=days[0], another=days[1]))
    elif days and (cron.day_and or len(days) == 2):
        said.append(_("days: {values}").format(values=_list(days)))
    if cron.months != _EVERY_MONTH:
        said.append(_("months: {values}").format(values=_list([_(_IN_MONTHS[one]) for one in sorted(cron.months)])))
    return "; ".join(said)


def _ranges(values: Collection[int]) -> str:
    """Whole numbers with neighbours drawn together: `0, 5-10, 30`."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(str(value) for value in run) for run in runs)


def _list(said: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(said) < 2:
        return "".join(said)
    return _("{some} and {last_one}").format(some=", ".join(said[:-1]), last_one=said[-1])


def _time(minutes: int) -> str:
    hour, minute = divmod(minutes, 60)
    return f"{hour}.{minute:02d}"
