"""Finland's calendar by rule: holidays reckoned from Easter and weekdays, clocks from the rule of the European Union.

Holidays: laki 388/1937 as amended, 5 §; moved holidays (Ascension on its Thursday since 1992) and All Saints' Day on the Saturday between
31 October and 6 November. Clocks: forward at 01:00 UTC on the last Sunday of March, back at 01:00 UTC on the last Sunday of October.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6


def easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian reckoning)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    month, day = divmod(epact + weekday - 7 * ((golden + 11 * epact + 22 * weekday) // 451) + 114, 31)
    return date(year, month, day + 1)


def _first(weekday: int, on_or_after: date) -> date:
    return on_or_after + DAY * ((weekday - on_or_after.weekday()) % 7)


@cache
def holidays(year: int) -> frozenset[date]:
    """Public holidays, those on Sundays included, without the eves."""
    sunday = easter(year)
    fixed = ((1, 1), (1, 6), (5, 1), (12, 6), (12, 25), (12, 26))
    return frozenset(
        {
            *(date(year, month, day) for month, day in fixed),
            *(sunday + DAY * days for days in (-2, 0, 1, 39, 49)),
            _first(SATURDAY, date(year, 6, 20)),
            _first(SATURDAY, date(year, 10, 31)),
        }
    )


@dataclass(frozen=True)
class Calendar:
    """An organisation's working days; it may work on the two eves."""

    midsummer_eve: bool = False
    christmas_eve: bool = False

    def works(self, day: date) -> bool:
        """Whether `day` is worked on."""
        if day.weekday() in {SATURDAY, SUNDAY} or day in holidays(day.year):
            return False
        if day + DAY == _first(SATURDAY, date(day.year, 6, 20)):
            return self.midsummer_eve
        return self.christmas_eve or (day.month, day.day) != (12, 24)

    def next(self, day: date) -> date:
        """`day` or the first working day after it."""
        return next(one for one in _days_from(day, 1) if self.works(one))

    def before(self, day: date) -> date:
        """`day` or the last working day before it."""
        return next(one for one in _days_from(day, -1) if self.works(one))

    def later(self, day: date, count: int) -> date:
        """`count` working days after `day`; for none, `next`."""
        working = (one for one in _days_from(day + DAY, 1) if self.works(one))
        return self.next(day) if count == 0 else [next(working) for _ in range(count)][-1]

    def passed(self, since: date, today: date) -> int:
        """How many working days have passed since a day, today included."""
        return sum(self.works(since + DAY * days) for days in range(1, (today - since).days + 1))

    def list_day(self, today: date, weekday: int) -> date:
        """The last day up to today on which a supervisor's list was due: that weekday, or the next working day."""
        for one in _days_from(today, -1):
            if one.weekday() == weekday and self.next(one) <= today:
                return self.next(one)
        raise AssertionError


def _days_from(day: date, step: int) -> Iterator[date]:
    while True:
        yield day
        day += DAY * step


@cache
def _turns(year: int) -> tuple[datetime, datetime]:
    """When clocks go forward and back."""
    last = [_first(SUNDAY, date(year, month, 25)) for month in (3, 10)]
    forward, back = (datetime.combine(day, time(1), UTC) for day in last)
    return forward, back


def moment(day: date, wall: time) -> datetime:
    """When the clocks of Helsinki first show that time, in UTC; where they skip it, when they have skipped it."""
    forward, back = _turns(day.year)
    naive = datetime.combine(day, wall, UTC)
    summer, winter = naive - timedelta(hours=3), naive - timedelta(hours=2)
    if forward <= summer < back:
        return summer
    return forward if forward <= winter < forward + timedelta(hours=1) else winter


def local_day(at: datetime) -> date:
    """The calendar date in Helsinki."""
    forward, back = _turns(at.year)
    return (at + timedelta(hours=3 if forward <= at < back else 2)).astimezone(UTC).date()
