"""Planning follow-ups: of every service somebody chose a provider for, of every order, and of every case's plan.

A choice is the moment from which a service is expected to run. Planning again is always safe: schedules.follow_ups says what changes, and
only that is written. What is known is read without being locked, since most nights nothing of it changes; only where something would,
it is locked and looked at again, so that what a person settles meanwhile stays as they left it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.follow_up_settings import FollowUps
from core.order_settings import Orders
from services.follow_ups.planned_cases import CASES
from services.follow_ups.planned_items import ITEMS
from services.follow_ups.planned_orders import ORDERS
from services.follow_ups.planning_rules import Rules, Subject
from services.follow_ups.planning_writes import Change, known_of, write
from services.work import call_again

#: Things taken together: large enough for sets, small enough to hold in memory.
_BATCH: Final = 5_000


@dataclass
class PlanningResult:
    """What planning changed, in follow-ups, over how many plan items, orders and cases."""

    items: int = 0
    added: int = 0
    moved: int = 0
    dropped: int = 0


def plan(
    session: Session, plan_item_ids: Sequence[int] | None, today: date, follow_ups: FollowUps, orders: Orders
) -> PlanningResult:
    """Bring the follow-ups of these plan items (None: of all), their orders and cases in line with their days and rhythm.

    Keeps what is done, moves what is open, drops what no longer applies. What had ended before it was first seen is not followed
    up.
    """
    rules = Rules.of(today, follow_ups, orders)
    result = PlanningResult()
    for subject in (ITEMS, ORDERS, CASES):
        for things in _batches(session, subject, plan_item_ids, rules):
            changes = _changes(session, subject, things, rules)
            write(session, changes)
            result.items += len(things)
            result.added += sum(len(one.what.add) for one in changes)
            result.moved += sum(len(one.what.move) for one in changes)
            result.dropped += sum(len(one.what.drop) for one in changes)
    return result


def call_planning(session: Session, plan_item_id: int) -> None:
    """Have a plan item's follow-ups planned soon: for whoever makes a choice."""
    call_again(session, "plan_follow_ups", f"plan_follow_ups:{plan_item_id}", subject_id=plan_item_id)


def _batches(
    session: Session, subject: Subject, ids: Sequence[int] | None, rules: Rules
) -> Iterator[Sequence[Row[Any]]]:
    after = 0
    while True:
        wanted = {"after": after, "ids": None if ids is None else list(ids), "batch": _BATCH, **rules.for_sql}
        things = session.execute(subject.things, wanted).all()
        if things:
            yield things
        if len(things) < _BATCH:
            return
        after = things[-1].id


def _changes(session: Session, subject: Subject, things: Sequence[Row[Any]], rules: Rules) -> list[Change]:
    """What changes of each thing, decided on what cannot change any more: follow-ups that are there are locked first."""
    known = known_of(session, subject, [thing.id for thing in things])
    unsure = []
    changes = []
    for thing in things:
        what = subject.decide(thing, known.get(thing.id, ()), rules)
        if not what:
            continue
        if thing.id in known:
            unsure.append(thing)
        else:
            changes.append(Change(*subject.key(thing), what))
    if unsure:
        known = known_of(session, subject, [thing.id for thing in unsure], locked=True)
        changes += [
            Change(*subject.key(thing), subject.decide(thing, known.get(thing.id, ()), rules)) for thing in unsure
        ]
    return changes
