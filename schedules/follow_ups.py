"""The rhythm of follow-ups: from a service's days to what must be looked at on which working day.

Pure functions. There is no fixed legal interval for adults and families (DOMAIN "Follow-up"): the plan states its own rhythm, the
organisation's defaults fill in. What is already known of a plan item is brought in line by `replan`: what was done stays done,
what is open moves, what no longer applies goes, and nothing is asked twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from core.settings import FollowUps
from schedules.working_days import WorkingDays

#: Of two that fall on one day the more telling one stays.
_PRECEDENCE = ("final", "before_end", "start", "interval")


@dataclass(frozen=True)
class Rhythm:
    """How often a service is looked at: working days after its start, then every so many days, and days before its end."""

    start_working_days: int
    interval_days: int
    before_end_days: int

    @classmethod
    def of(cls, own: dict[str, Any] | None, defaults: FollowUps) -> "Rhythm":
        """The plan item's own rhythm; what it does not state, or states as no usable number, is the organisation's."""
        own = own or {}
        return cls(
            start_working_days=_whole(own.get("start_working_days"), 0, defaults.start_working_days),
            interval_days=_whole(own.get("interval_days"), 1, defaults.interval_days),
            before_end_days=_whole(own.get("before_end_days"), 0, defaults.before_end_days),
        )


@dataclass(frozen=True)
class Planned:
    """A follow-up as the rhythm wants it: nominal date, and the working day it is due."""

    kind: str
    planned_for: date
    due: date


@dataclass(frozen=True)
class Known:
    """A follow-up that exists, in a state of models.follow_up.FOLLOW_UP_STATES."""

    id: int
    kind: str
    planned_for: date
    due: date
    state: str


@dataclass(frozen=True)
class Replanned:
    """What brings the known in line: rows to add, to move (or re-open) by id, to drop by id."""

    add: list[Planned] = field(default_factory=list)
    move: list[tuple[int, Planned]] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)


def follow_ups(first: date, last: date, rhythm: Rhythm, calendar: WorkingDays) -> list[Planned]:
    """Every follow-up of a service that runs from `first` to `last` (both included), by due date, one a day at most.

    The start check falls `start_working_days` after the first day, an interval check every `interval_days` from the first day on,
    one check `before_end_days` before the last day (on the working day before, if that is none), the final evaluation on the
    last day. A start or interval check that would come after the end is left out: the final evaluation covers it.
    """
    wanted = [Planned("final", last, calendar.on_or_after(last))]
    before_end = last - timedelta(days=rhythm.before_end_days)
    if rhythm.before_end_days and before_end > first:
        wanted.append(Planned("before_end", before_end, calendar.on_or_before(before_end)))
    started = calendar.add(first, rhythm.start_working_days)
    if started < last:
        wanted.append(Planned("start", started, started))
    step = timedelta(days=rhythm.interval_days)
    nominal = first + step
    while nominal < last:
        wanted.append(Planned("interval", nominal, calendar.on_or_after(nominal)))
        nominal += step
    by_due: dict[date, Planned] = {}
    for one in sorted(wanted, key=lambda one: _PRECEDENCE.index(one.kind)):
        by_due.setdefault(one.due, one)
    return [by_due[due] for due in sorted(by_due)]


def replan(known: Sequence[Known], wanted: Iterable[Planned], today: date) -> Replanned:
    """How the follow-ups of one plan item change so that they fit what is wanted now.

    Settled and snoozed ones stay as people left them and cover what is wanted of their kind up to their date; a start is
    checked once. An open one keeps its date or moves to the next of its kind. Of new ones that lie in the past only the latest
    is added, and only if nothing later has come due already: an item seen late makes one overdue follow-up, not a flood.
    """
    kept = [one for one in known if one.state not in {"open", "dropped"}]
    free = {(one.kind, one.planned_for): one for one in known if one.state in {"open", "dropped"}}
    changes = Replanned()
    standing = [one.due for one in kept]
    homeless: list[Planned] = []
    for want in (one for one in wanted if not _covered(one, kept)):
        same = free.get((want.kind, want.planned_for))
        if same is None:
            homeless.append(want)
        elif same.state == "open" or want.due >= today:  # what was dropped and has passed is not asked again
            del free[want.kind, want.planned_for]
            standing.append(want.due)
            if same.state == "dropped" or same.due != want.due:
                changes.move.append((same.id, want))
    movable: dict[str, list[int]] = defaultdict(list)
    for one in sorted(free.values(), key=lambda one: one.planned_for):
        if one.state == "open":
            movable[one.kind].append(one.id)
    new = []
    for want in homeless:
        if movable[want.kind]:
            changes.move.append((movable[want.kind].pop(0), want))
            standing.append(want.due)
        else:
            new.append(want)
    changes.add.extend(_without_flood(new, standing, today))
    changes.drop.extend(id_ for ids in movable.values() for id_ in ids)
    return changes


def _covered(want: Planned, kept: Iterable[Known]) -> bool:
    return any(
        one.kind == want.kind and (want.kind == "start" or want.planned_for <= max(one.planned_for, one.due))
        for one in kept
    )


def _without_flood(new: list[Planned], standing: Iterable[date], today: date) -> list[Planned]:
    """`new` (by due date) with all that is past left out, but for the latest if nothing that stands has come due since."""
    come_due = max((due for due in standing if due <= today), default=date.min)
    latest = [one for one in new if one.due < today][-1:]
    return [one for one in latest if one.due > come_due] + [one for one in new if one.due >= today]


def _whole(value: Any, least: int, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else default
