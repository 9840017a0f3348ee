"""Planning follow-ups: every service somebody chose a provider for is followed up, by its rhythm.

A choice is the moment from which a service is expected to run; an order that was forgotten or rejected then shows at the start
check. Planning again is always safe: schedules.follow_ups.replan says what changes, and only that is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.settings import FollowUps
from schedules.follow_ups import Known, Planned, Replanned, Rhythm, follow_ups, replan
from schedules.jobs import calendar
from schedules.working_days import WorkingDays
from services.work import call_again

#: Plan items taken together: large enough for sets, small enough to hold in memory.
_BATCH = 5_000

#: Rows in: the id to go on from, and ids or none for all. Rows out: plan items that are, or were, followed up.
_ITEMS = text(
    """
    SELECT * FROM (
        SELECT item.id, lower(item.period) AS first, upper(item.period) - 1 AS last, item.follow_up_rhythm AS rhythm,
               item.ended_at IS NULL AND decision.ended_at IS NULL AND owner.status = 'open' AND owner.gone_at IS NULL
                   AND EXISTS (SELECT FROM choice WHERE choice.plan_item_id = item.id AND choice.ended_at IS NULL) AS followed
        FROM plan_item item
        JOIN decision ON decision.id = item.decision_id
        JOIN client_case owner ON owner.id = item.case_id
        WHERE item.id > :after AND (CAST(:ids AS bigint[]) IS NULL OR item.id = ANY(:ids))
    ) item
    WHERE followed OR EXISTS (SELECT FROM follow_up WHERE plan_item_id = item.id AND state IN ('open', 'snoozed'))
    ORDER BY id LIMIT :batch
    """
)

#: Rows in: plan item ids. Rows out: all their follow-ups, locked against people settling them meanwhile.
_KNOWN = text(
    """
    SELECT id, plan_item_id, kind, planned_for, due, state FROM follow_up
    WHERE plan_item_id = ANY(:ids) ORDER BY id FOR UPDATE
    """
)

#: Rows in: one array per column. New follow-ups; one that another planner made meanwhile is left as it is.
_ADD = text(
    """
    INSERT INTO follow_up (plan_item_id, kind, planned_for, due, state, findings)
    SELECT item, kind, planned_for, due, 'open', '{}'
    FROM unnest(CAST(:items AS bigint[]), CAST(:kinds AS text[]), CAST(:planned AS date[]), CAST(:dues AS date[]))
        AS new(item, kind, planned_for, due)
    ON CONFLICT (plan_item_id, kind, planned_for) DO NOTHING
    """
)

#: Rows in: one array per column. Moved or re-opened ones. What moves past the day it was announced is announced anew; what moves
#: to before it goes on being repeated and escalated as promised.
_MOVE = text(
    """
    UPDATE follow_up SET
        planned_for = moved.planned_for, due = moved.due, state = 'open',
        announced_on = CASE WHEN moved.stays THEN announced_on END,
        announced_times = CASE WHEN moved.stays THEN announced_times ELSE 0 END,
        escalated_on = CASE WHEN moved.stays THEN escalated_on END
    FROM (
        SELECT new.*, coalesce(new.due <= old.announced_on AND old.state = 'open', false) AS stays
        FROM unnest(CAST(:ids AS bigint[]), CAST(:planned AS date[]), CAST(:dues AS date[])) AS new(id, planned_for, due)
        JOIN follow_up old ON old.id = new.id
    ) AS moved
    WHERE follow_up.id = moved.id
    """
)

#: Rows in: ids. Those no longer wanted; kept as dropped, so that it can be seen what was announced.
_DROP = text("UPDATE follow_up SET state = 'dropped' WHERE id = ANY(:ids)")


@dataclass
class PlanningResult:
    """What planning changed, in follow-ups, over how many plan items."""

    items: int = 0
    added: int = 0
    moved: int = 0
    dropped: int = 0


def plan(session: Session, plan_item_ids: Sequence[int] | None, today: date, settings: FollowUps) -> PlanningResult:
    """Bring the follow-ups of these plan items (None: of all) in line with their days and rhythm.

    Keeps what is done, moves what is open, drops what no longer applies. A service that had ended before it was first seen is
    not followed up.
    """
    days = calendar(settings)
    result = PlanningResult()
    for items in _batches(session, plan_item_ids):
        known = _known(session, [item.id for item in items])
        changes = {item.id: _changes(item, known[item.id], today, settings, days) for item in items}
        _write(session, changes)
        result.items += len(items)
        result.added += sum(len(one.add) for one in changes.values())
        result.moved += sum(len(one.move) for one in changes.values())
        result.dropped += sum(len(one.drop) for one in changes.values())
    return result


def call_planning(session: Session, plan_item_id: int) -> None:
    """Have a plan item's follow-ups planned soon: for whoever makes a choice."""
    call_again(session, "plan_follow_ups", f"plan_follow_ups:{plan_item_id}", subject_id=plan_item_id)


def _batches(session: Session, ids: Sequence[int] | None) -> Iterator[Sequence[Row[Any]]]:
    after = 0
    while True:
        wanted = {"after": after, "ids": None if ids is None else list(ids), "batch": _BATCH}
        items = session.execute(_ITEMS, wanted).all()
        if items:
            yield items
        if len(items) < _BATCH:
            return
        after = items[-1].id


def _known(session: Session, ids: list[int]) -> dict[int, list[Known]]:
    known: dict[int, list[Known]] = defaultdict(list)
    for row in session.execute(_KNOWN, {"ids": ids}):
        known[row.plan_item_id].append(Known(row.id, row.kind, row.planned_for, row.due, row.state))
    return known


def _changes(item: Row[Any], known: list[Known], today: date, settings: FollowUps, days: WorkingDays) -> Replanned:
    if not item.followed:
        return Replanned(drop=[one.id for one in known if one.state in {"open", "snoozed"}])
    if not known and item.last < today:
        return Replanned()
    return replan(known, follow_ups(item.first, item.last, Rhythm.of(item.rhythm, settings), days), today)


def _write(session: Session, changes: dict[int, Replanned]) -> None:
    add = [(item, one) for item, change in changes.items() for one in change.add]
    move = [pair for change in changes.values() for pair in change.move]
    drop = [id_ for change in changes.values() for id_ in change.drop]
    if drop:
        session.execute(_DROP, {"ids": drop})
    if move:
        session.execute(_MOVE, {"ids": [id_ for id_, _ in move], **_dates([one for _, one in move])})
    if add:
        rows = [one for _, one in add]
        session.execute(_ADD, {"items": [item for item, _ in add], "kinds": [one.kind for one in rows], **_dates(rows)})


def _dates(rows: list[Planned]) -> dict[str, list[date]]:
    return {"planned": [one.planned_for for one in rows], "dues": [one.due for one in rows]}
