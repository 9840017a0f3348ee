"""Reading what is known of follow-ups, and writing what changes of them, in sets."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from schedules.follow_ups import Known, Planned, Replanned
from services.follow_ups.planning_rules import Subject

#: Rows in: one array per column. New follow-ups; one that another planner made meanwhile is left as it is.
_ADD: Final = text(
    """
    INSERT INTO follow_up (case_id, plan_item_id, order_id, kind, planned_for, due, state, findings)
    SELECT *, 'open', '{}' FROM unnest(
        CAST(:cases AS bigint[]), CAST(:items AS bigint[]), CAST(:orders AS bigint[]), CAST(:kinds AS text[]),
        CAST(:planned AS date[]), CAST(:dues AS date[])
    )
    ON CONFLICT ON CONSTRAINT uq_follow_up_once DO NOTHING
    """
)

#: Rows in: one array per column. Moved or re-opened ones. What moves past the day it was announced is announced anew; what moves
#: to before it goes on being repeated and escalated as promised.
_MOVE: Final = text(
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
_DROP: Final = text("UPDATE follow_up SET state = 'dropped' WHERE id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class Change:
    """What changes of the follow-ups of one thing: of a case, and of a plan item or an order of it if of any."""

    case_id: int
    plan_item_id: int | None
    order_id: int | None
    what: Replanned


def known_of(session: Session, subject: Subject, ids: list[int], *, locked: bool = False) -> dict[int, list[Known]]:
    """All follow-ups of things, by thing; `locked` against people settling them until the transaction ends."""
    statement = text(f"{subject.known.text} ORDER BY id FOR UPDATE") if locked else subject.known
    known: dict[int, list[Known]] = defaultdict(list)
    for id_, thing, kind, planned_for, due, state in session.execute(statement, {"ids": ids}).all():
        known[thing].append(Known(id_, kind, planned_for, due, state))
    return known


def write(session: Session, changes: Sequence[Change]) -> None:
    """Write the changes: what goes, then what moves, then what is new."""
    drop = [id_ for one in changes for id_ in one.what.drop]
    move = [pair for one in changes for pair in one.what.move]
    add = [(one, new) for one in changes for new in one.what.add]
    if drop:
        session.execute(_DROP, {"ids": drop})
    if move:
        session.execute(_MOVE, {"ids": _array(id_ for id_, _ in move), **_dates([planned for _, planned in move])})
    if add:
        values = {
            "cases": _array(one.case_id for one, _ in add),
            "items": _array(one.plan_item_id for one, _ in add),
            "orders": _array(one.order_id for one, _ in add),
            "kinds": _array(new.kind for _, new in add),
        }
        session.execute(_ADD, {**values, **_dates([new for _, new in add])})


def _dates(rows: Sequence[Planned]) -> dict[str, str]:
    return {"planned": _array(one.planned_for for one in rows), "dues": _array(one.due for one in rows)}


def _array(values: Iterable[int | date | str | None]) -> str:
    """An array as PostgreSQL reads it. Ids, dates and kinds need no quoting, for which the driver would look into each of a million."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
