"""Months as people choose them, and the period a supervisor looks at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from core.errors import InputError

#: Months before this are not told: lines of that age are some system's mistake. Fixed, because blocks begin with a group's first month.
FIRST_MONTH: Final = date(2015, 1, 1)
#: Months to come of which euros are told.
AHEAD: Final = 12
#: So many months, this one the last, are shown where nobody chose.
USUAL: Final = 12
#: So many at once are shown.
MOST: Final = 60
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


def months_on(day: date, count: int) -> date:
    """The first day of the month so many months after (before, where negative) the month of a day."""
    at = day.year * 12 + day.month - 1 + count
    return date(at // 12, at % 12 + 1, 1)


@dataclass(frozen=True)
class Period:
    """Whole months, both included; `first` and `last` are their first days."""

    first: date
    last: date

    @classmethod
    def usual(cls, today: date) -> Self:
        """The last twelve months, this one included."""
        return cls(months_on(today, 1 - USUAL), months_on(today, 0))

    @classmethod
    def read(cls, first: str, last: str, today: date) -> Self:
        """From what somebody wrote; where nothing, the usual. Raises InputError."""
        usual = cls.usual(today)
        to = _read(last) if last.strip() else None
        since = _read(first) if first.strip() else None
        if to is None:
            to = usual.last if since is None else max(usual.last, min(since, months_on(today, AHEAD)))
        if since is None:
            since = max(min(months_on(to, 1 - USUAL), to), FIRST_MONTH)
        if since > to:
            raise InputError("The first month must not come after the last one.")
        if since < FIRST_MONTH or to > months_on(today, AHEAD):
            raise InputError(
                "Choose months from {first} to {last}.",
                first=f"{FIRST_MONTH:%Y-%m}",
                last=f"{months_on(today, AHEAD):%Y-%m}",
            )
        period = cls(since, to)
        if len(list(period.months())) > MOST:
            raise InputError("Choose at most {count} months.", count=MOST)
        return period

    @property
    def after(self) -> date:
        """The first day that is not in it any more."""
        return months_on(self.last, 1)

    def months(self) -> Iterator[date]:
        """The first days of its months."""
        month = self.first
        while month <= self.last:
            yield month
            month = months_on(month, 1)


def _read(typed: str) -> date:
    found = _MONTH.fullmatch(typed.strip())
    if found is None or not 1 <= int(found[2]) <= 12 or int(found[1]) < 1:
        raise InputError("Write a month as year and month, such as 2026-01.")
    return date(int(found[1]), int(found[2]), 1)
