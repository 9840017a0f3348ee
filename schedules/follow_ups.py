"""The rhythm of follow-ups: from days to what must be looked at on which working day.

Pure functions. There is no fixed legal interval for adults and families, a child-welfare plan is reviewed at least yearly (DOMAIN
"Follow-up"): the plan states its own rhythm, the organisation's defaults fill in. A service has *checks* over its days; of a case, an
order and a choice each one thing at most is *waited for*: a review of the plan, an answer, a hand-over, an approval. What is already
known is brought in line by `replan` and `await_one`: what was done stays done, what is open moves, what no longer applies goes, and nothing is
asked twice.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from core.follow_up_settings import FollowUps
from schedules.working_days import WorkingDays

#: What is looked at over a service's days. Of two that fall on one day the more telling one stays.
CHECKS: Final = ("final", "before_end", "start", "interval")
#: In these a person may still act on it.
LIVE: Final = frozenset({"open", "snoozed"})
_YEARLY: Final = 12


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


@dataclass(frozen=True, slots=True)
class Planned:
    """A follow-up as the rhythm wants it: nominal date, and the working day it is due."""

    kind: str
    planned_for: date
    due: date


@dataclass(frozen=True, slots=True)
class Known:
    """A follow-up that exists, in a state of models.follow_up.FOLLOW_UP_STATES."""

    id: int
    kind: str
    planned_for: date
    due: date
    state: str


@dataclass(frozen=True, slots=True)
class Replanned:
    """What brings the known in line: rows to add, to move (or re-open) by id, to drop by id."""

    add: list[Planned] = field(default_factory=list)
    move: list[tuple[int, Planned]] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.add or self.move or self.drop)

    def and_(self, other: "Replanned") -> "Replanned":
        """Both changes."""
        return Replanned(self.add + other.add, self.move + other.move, self.drop + other.drop)


def follow_ups(first: date, last: date, rhythm: Rhythm, calendar: WorkingDays) -> list[Planned]:
    """Every check of a service that runs from `first` to `last` (both included), by due date, one a day at most.

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
    for one in wanted:  # in the order of CHECKS
        by_due.setdefault(one.due, one)
    return [by_due[due] for due in sorted(by_due)]


def approval(chosen_on: date, working_days: int, calendar: WorkingDays) -> Planned:
    """That what was chosen (or can be decided about again since) `chosen_on` waits for approval."""
    return Planned("approval", chosen_on, calendar.add(chosen_on, working_days))


def order_unanswered(sent_on: date, working_days: int, calendar: WorkingDays) -> Planned:
    """That an order sent on a day has no answer."""
    return Planned("order_unanswered", sent_on, calendar.add(sent_on, working_days))


def hand_over(accepted_on: date, days: int, calendar: WorkingDays) -> Planned:
    """That the family's contact details are not handed over, of an order accepted on a day; `days` are those of the calendar."""
    return Planned("hand_over", accepted_on, calendar.on_or_after(accepted_on + timedelta(days=days)))


def plan_review(since: date, months: int, calendar: WorkingDays) -> Planned:
    """The review of a client plan made, or reviewed, on a day. It is a last day: on a day off, the working day before."""
    nominal = add_months(since, months)
    return Planned("plan_review", nominal, calendar.on_or_before(nominal))


def review_months(rhythms: Iterable[dict[str, Any] | None], *, default: int, child_welfare: bool) -> int | None:
    """After how many months a plan is reviewed: the shortest its services' own rhythms state, else the organisation's; None: never.

    In child welfare at least yearly, whatever is stated.
    """
    stated = [own["plan_review_months"] for own in rhythms if own and _whole(own.get("plan_review_months"), 1, 0)]
    months = min(stated, default=default) or None
    if child_welfare:
        return min(months or _YEARLY, _YEARLY)
    return months


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month where it has none such."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def replan(known: Sequence[Known], wanted: Sequence[Planned], today: date, *, one_is_late: bool = False) -> Replanned:
    """How the checks of one plan item change so that they fit what is wanted now.

    Settled and snoozed ones stay as people left them and cover what is wanted of their kind up to their date; a start is
    checked once. An open one keeps its date or moves to the next of its kind. Of new ones that lie in the past only the latest
    is added, and only if nothing later has come due already: an item seen late makes one overdue follow-up, not a flood;
    none at all where `one_is_late` already, of another kind.
    """
    late = [today] if one_is_late else []
    if not known:
        return Replanned(add=_without_flood(wanted, late, today))
    if len(known) == len(wanted) and _are_as_wanted(known, wanted):
        return Replanned()  # as most are, on most days
    return _rearranged(known, wanted, late, today)


def _rearranged(known: Sequence[Known], wanted: Sequence[Planned], late: list[date], today: date) -> Replanned:
    kept = [one for one in known if one.state not in {"open", "dropped"}]
    free = {(one.kind, one.planned_for): one for one in known if one.state in {"open", "dropped"}}
    changes = Replanned()
    standing = [one.due for one in kept] + late
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


def await_one(known: Collection[Known], want: Planned | None) -> Replanned:
    """How what is known of one kind changes so that `want`, or nothing, is waited for.

    What was settled for the same event (`planned_for`), or a later one, stays settled. Put off by a person it stays put off until another
    event comes: then it is waited for anew, from that. It is there as long as its cause is, so it also comes back in the past.
    """
    live = [one for one in known if one.state in LIVE]
    if want is None or any(
        one.planned_for >= want.planned_for for one in known if one.state in {"acknowledged", "not_needed"}
    ):
        return Replanned(drop=[one.id for one in live])
    same = next((one for one in known if one.planned_for == want.planned_for), None)
    stands = same or next(iter(live), None)
    drop = [one.id for one in live if one is not stands]
    if stands is None:
        return Replanned(add=[want])
    if stands is same and (stands.state == "snoozed" or (stands.state == "open" and stands.due == want.due)):
        return Replanned(drop=drop)
    return Replanned(move=[(stands.id, want)], drop=drop)


def _are_as_wanted(known: Iterable[Known], wanted: Iterable[Planned]) -> bool:
    dues = {(one.kind, one.planned_for): one.due for one in wanted}
    return all(one.state == "open" and dues.get((one.kind, one.planned_for)) == one.due for one in known)


def _covered(want: Planned, kept: Iterable[Known]) -> bool:
    return any(
        one.kind == want.kind and (want.kind == "start" or want.planned_for <= max(one.planned_for, one.due))
        for one in kept
    )


def _without_flood(new: Sequence[Planned], standing: Iterable[date], today: date) -> list[Planned]:
    """`new` (by due date) with all that is past left out, but for the latest if nothing that stands has come due since."""
    come_due = max((due for due in standing if due <= today), default=date.min)
    latest = [one for one in new if one.due < today][-1:]
    return [one for one in latest if one.due > come_due] + [one for one in new if one.due >= today]


def _whole(value: Any, least: int, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else default
