"""A second opinion on the schedule, in plain Python: no cron library, no time-zone database, forwards instead of backwards.

`slots` lists when a cron comes on Finland's clocks; `Oracle` walks through a job's life event by event, as a patient person with a calendar would.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
Works = Callable[[date], bool]


@lru_cache
def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - DAY * ((last.weekday() + 1) % 7)


@lru_cache
def _change(year: int, month: int) -> datetime:
    """Clocks change at 1 o'clock UTC of the last Sunday in March and in October (directive 2000/84/EC)."""
    day = _last_sunday(year, month)
    return datetime(day.year, day.month, day.day, 1, tzinfo=UTC)


def moment(wall: datetime) -> datetime:
    """When Finland's clocks show `wall` for the first time; the end of the hour they skip, if it lies in that."""
    winter, summer = (wall - HOUR * n for n in (2, 3))
    spring, autumn = _change(wall.year, 3), _change(wall.year, 10)
    if spring <= summer.replace(tzinfo=UTC) < autumn:
        return summer.replace(tzinfo=UTC)
    found = winter.replace(tzinfo=UTC)
    if spring <= found < spring + HOUR:
        return spring  # the hour from 3 to 4 is not
    return found


@lru_cache(maxsize=256)
def _values(field_: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for term in field_.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        values = range(low, high + 1) if span == "*" else range(int(first), int(last or first) + 1)
        found |= set(list(values)[:: int(step or 1)])
    return frozenset(found)


def slots(cron: str, after: datetime, until: datetime, works: Works | None = None) -> list[datetime]:
    """When a cron comes after one moment and up to another, each moment once."""
    minutes, hours, days, months, weekdays = (
        _values(one, low, high)
        for one, (low, high) in zip(cron.split(), ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)), strict=True)
    )
    day, found = (after - DAY).date(), set()
    while day <= (until + DAY).date():
        on_weekday = day.isoweekday() in weekdays or day.isoweekday() % 7 in weekdays
        either = "*" not in (cron.split()[2][0], cron.split()[4][0])
        on_day = (day.day in days or on_weekday) if either else (day.day in days and on_weekday)
        if day.month in months and on_day and (works is None or works(day)):
            for hour in hours:
                found |= {moment(datetime(day.year, day.month, day.day, hour, one)) for one in minutes}  # noqa: DTZ001 - wall time
        day += DAY
    return sorted(one for one in found if after < one <= until)


#: A stretch is counted so far.
MOST_COUNTED = 1000
#: Why, first and last slot, how many, whether caught up.
Told = tuple[str, datetime, datetime, int, bool]


@dataclass
class Oracle:
    """One job's life. Events are told in their order; what comes in between is known from the calendar."""

    cron: str
    now: datetime
    works: Works | None = None
    paused: bool = False
    until: datetime | None = None
    called: list[datetime] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    _come: list[datetime] = field(default_factory=list)
    _slept: list[datetime] = field(default_factory=list)

    def pass_to(self, now: datetime) -> None:
        """Time passes: what comes is waited for, or slept through."""
        for slot in slots(self.cron, self.now, now, self.works):
            sleeps = self.paused and (self.until is None or slot < self.until)
            (self._slept if sleeps else self._come).append(slot)
        self.now = now

    def tick(self, now: datetime) -> None:
        """Somebody looks."""
        self.pass_to(now)
        self._wake()
        if not self._come:
            return
        *earlier, slot = self._come
        missed = [*earlier, slot] if now - slot > MINUTE else earlier
        self._tell("nobody", missed, caught_up=True)
        self.called.append(slot)
        self._come = []

    def pause(self, now: datetime, until: datetime | None) -> None:
        """Somebody pauses it, or moves the end of its pause."""
        self._act(now)
        if not self.paused:
            self._tell("nobody", self._come, caught_up=False)
            self._come = []
        self.paused, self.until = True, until

    def resume(self, now: datetime) -> None:
        """Somebody resumes it."""
        self._act(now)
        if now in self._slept:  # it counts from this very moment on
            self._slept.remove(now)
            self._come.append(now)
        self._end_of_pause()

    def change(self, now: datetime, cron: str) -> None:
        """Somebody sets other times."""
        self._act(now)
        if self.paused:
            self._slept = [one for one in self._slept if one < now]
            self._tell("paused", self._slept, caught_up=False)
            self._slept = []
        else:
            self.tick(now)
        self.cron = cron

    def _act(self, now: datetime) -> None:
        """An act on a job whose pause has run out finds it running."""
        self.pass_to(now)
        if self.paused and self.until is not None and self.until <= now:
            self.tick(now)

    def _wake(self) -> None:
        if self.paused and self.until is not None and self.until <= self.now:
            self._end_of_pause()

    def _end_of_pause(self) -> None:
        self._tell("paused", self._slept, caught_up=False)
        self.paused, self.until, self._slept = False, None, []

    def _tell(self, why: str, missed: list[datetime], *, caught_up: bool) -> None:
        if missed:
            self.told.append((why, missed[0], missed[-1], min(len(missed), MOST_COUNTED), caught_up))
