"""Finnish working days: Monday to Friday, public holidays excluded. Due dates and the daily e-mail fall on them.

Midsummer Eve and Christmas Eve are not public holidays by law, but days off in practice; an organisation that works on them
says so in its settings.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def _public_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FI", years=year, expand=False))


def _is_midsummer_eve(day: date) -> bool:
    return day.month == 6 and 19 <= day.day <= 25 and day.weekday() == 4


def _is_christmas_eve(day: date) -> bool:
    return (day.month, day.day) == (12, 24)


@dataclass(frozen=True)
class WorkingDays:
    """The organisation's calendar. `midsummer_eve` and `christmas_eve`: whether these are worked on."""

    midsummer_eve: bool = False
    christmas_eve: bool = False

    def includes(self, day: date) -> bool:
        """Whether `day` is worked on."""
        if day.weekday() >= 5:
            return False
        if _is_midsummer_eve(day):
            return self.midsummer_eve
        if _is_christmas_eve(day):
            return self.christmas_eve
        return day not in _public_holidays(day.year)

    def on_or_after(self, day: date) -> date:
        """`day` itself where it is a working day, else the next one."""
        while not self.includes(day):
            day += _DAY
        return day

    def on_or_before(self, day: date) -> date:
        """`day` itself where it is a working day, else the last one before it."""
        while not self.includes(day):
            day -= _DAY
        return day

    def add(self, day: date, count: int) -> date:
        """The `count`th working day after `day`, which itself does not count (DOMAIN "Follow-up"); 0: `on_or_after`."""
        if count == 0:
            return self.on_or_after(day)
        while count:
            day = self.on_or_after(day + _DAY)
            count -= 1
        return day

    def between(self, after: date, until: date) -> int:
        """How many working days lie after `after`, up to and including `until`; 0 when none do."""
        return sum(self.includes(after + _DAY * step) for step in range(1, (until - after).days + 1))
