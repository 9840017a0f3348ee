"""What has to be looked at, and when; and what is wrong with follow-ups that somebody planned.

Rather than planning itself, the oracle says what any planning must come to: all that is wanted from today on is there unless it was seen to,
nothing that is not wanted, nothing twice, what people did is left alone, and what has come due is not forgotten.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from tests.support.reminder_oracle.calendar import DAY, Calendar

#: What stands when several checks of a service fall on one day.
STRONGER = ("final", "before_end", "start", "interval")
SEEN_TO = {"acknowledged", "not_needed"}


@dataclass(frozen=True)
class Wanted:
    """Something to be looked at because of `of` (a day, the nominal one or that of the event), due on a working day."""

    kind: str
    of: date
    due: date


@dataclass(frozen=True)
class Row:
    """A follow-up as it is kept."""

    id: int
    kind: str
    of: date
    due: date
    state: str

    @property
    def live(self) -> bool:
        """Whether somebody may still have to act on it."""
        return self.state in {"open", "snoozed"}


def checks(first: date, last: date, *, start: int, interval: int, before_end: int, calendar: Calendar) -> list[Wanted]:
    """What is looked at over the days of a service."""
    by_due: dict[date, Wanted] = {}
    nominal = [("final", last, calendar.next(last))]
    ahead = last - DAY * before_end
    if before_end and ahead > first:
        nominal.append(("before_end", ahead, calendar.before(ahead)))
    started = calendar.later(first, start)
    if started < last:
        nominal.append(("start", started, started))
    count = (last - first).days
    nominal += [
        ("interval", day, calendar.next(day)) for n in range(interval, count, interval) if (day := first + DAY * n)
    ]
    for kind, of, due in sorted(nominal, key=lambda one: (STRONGER.index(one[0]), one[1]), reverse=True):
        by_due[due] = Wanted(kind, of, due)
    return list(by_due.values())


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    return max(one for n in range(day.day) if (one := first + DAY * n).month == first.month)


def faults_of_checks(
    before: Collection[Row],
    after: Collection[Row],
    wanted: Collection[Wanted],
    today: date,
    *,
    followed: bool,
    late_anyway: bool = False,
) -> list[str]:
    """What is wrong with the checks of one service after planning; `before`: what there was. `followed`: it still is. `late_anyway`: something
    else of it is overdue, so that no late check need be added.
    """
    faults = _left_alone(before, after) + _twice(after)
    live = [row for row in after if row.live]
    if not followed:
        return faults + [f"not wanted: {row}" for row in live]
    want = {(one.kind, one.of): one for one in wanted}
    for row in live:
        one = want.get((row.kind, row.of))
        if row.state == "open" and (one is None or one.due != row.due):
            faults.append(f"not wanted: {row}")
    there = {(row.kind, row.of) for row in live}
    seen_to = [row for row in after if row.state in {*SEEN_TO, "snoozed"}]
    missing = [one for one in wanted if (one.kind, one.of) not in there and not _covered(one, seen_to)]
    faults += [f"missing: {one}" for one in missing if one.due >= today]
    known = {row.id for row in before}
    late = [row for row in after if row.id not in known and row.due < today]
    faults += [f"a flood: {late}"] if len(late) > (0 if late_anyway else 1) else []
    was = {(row.kind, row.of): row for row in before}
    past = [one for one in missing if one.due < today and (one.kind, one.of) not in was]
    newest = max((one.due for one in past), default=None)
    if (
        newest
        and not late_anyway
        and not any(row.due >= newest for row in after if row.state != "dropped" and row.due <= today)
    ):
        faults.append(f"forgotten: {past[-1]}")
    faults += [
        f"lost: {row}" for row in before if row.state == "open" and row.due <= today and _still_wanted(row, want)
        and not _covered(row, seen_to) and not any(row.id == one.id and one.live for one in after)
    ]  # fmt: skip
    return faults


def faults_of_one(before: Collection[Row], after: Collection[Row], wanted: Wanted | None) -> list[str]:
    """What is wrong where one thing at most is waited for: an answer, a hand-over, an approval, a review."""
    faults = _left_alone(before, after) + _twice(after)
    live = [row for row in after if row.live]
    if wanted is None:
        return faults + [f"not wanted: {row}" for row in live]
    seen_to = any(row.of >= wanted.of for row in after if row.state in SEEN_TO)
    if seen_to:
        return faults + [f"seen to already: {row}" for row in live]
    if not any(row.of == wanted.of for row in live):
        faults.append(f"missing: {wanted}")
    faults += [
        f"not wanted: {row}" for row in live if row.of != wanted.of or (row.state == "open" and row.due != wanted.due)
    ]
    return faults


def _left_alone(before: Iterable[Row], after: Iterable[Row]) -> list[str]:
    now = {row.id: row for row in after}
    faults = [f"gone: {row}" for row in before if row.id not in now]
    faults += [
        f"touched: {row} -> {now.get(row.id)}" for row in before if row.state in SEEN_TO and now.get(row.id) != row
    ]
    return faults


def _twice(after: Iterable[Row]) -> list[str]:
    dates = Counter((row.kind, row.of) for row in after)
    due = Counter((row.kind, row.due) for row in after if row.state == "open")
    return [f"twice: {key}" for counted in (dates, due) for key, count in counted.items() if count > 1]


def _covered(one: Wanted | Row, seen_to: Iterable[Row]) -> bool:
    """Whether somebody looked, or will, at that kind of thing later than it is wanted; a start is looked at once."""
    return any(row.kind == one.kind and (one.kind == "start" or one.of <= max(row.of, row.due)) for row in seen_to)


def _still_wanted(row: Row, want: dict[tuple[str, date], Wanted]) -> bool:
    one = want.get((row.kind, row.of))
    return one is not None and one.due == row.due
