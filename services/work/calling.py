"""Calling for work: rows written in the same transaction as the change that needs them.

Ids of new rows are left in `session.info["called"]`, so that the edge may send hints to the queue after its commit. Losing the
hint loses nothing: the tick finds the row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from services.work.kinds import kind_of

_INSERT = """
    INSERT INTO work (kind, key, subject_id, arguments, queue, lane, next_at)
    SELECT kind, key, subject_id, coalesce(arguments, '{}'), queue, lane, clock_timestamp() + make_interval(secs => delay)
    FROM jsonb_to_recordset(:rows)
        AS called(kind text, key text, subject_id bigint, arguments jsonb, queue text, lane text, delay double precision)
"""

#: Rows in: calls. Rows out: ids of those whose key was new. A key is called for once, for ever.
_CALL = text(_INSERT + " ON CONFLICT (key) DO NOTHING RETURNING id").bindparams(bindparam("rows", type_=JSONB))

#: Rows in: calls. Rows out: all their ids. A key that exists gets one generation more and is due again, also when it was
#: done or dead; if it is claimed right now, closing that attempt will leave it due.
_CALL_AGAIN = text(
    _INSERT
    + """
    ON CONFLICT (key) DO UPDATE SET
        generation = work.generation + 1,
        subject_id = excluded.subject_id,
        arguments = excluded.arguments,
        next_at = least(excluded.next_at, CASE WHEN work.done_at IS NULL AND work.dead_at IS NULL AND work.attempts = 0
                                               THEN work.next_at ELSE excluded.next_at END),
        enqueued_at = CASE WHEN work.token IS NULL AND work.done_at IS NULL AND work.dead_at IS NULL THEN work.enqueued_at END,
        attempts = CASE WHEN work.token IS NULL THEN 0 ELSE work.attempts END,
        done_at = NULL,
        dead_at = NULL,
        last_error = NULL,
        acknowledged = NULL
    RETURNING id
    """
).bindparams(bindparam("rows", type_=JSONB))


@dataclass(frozen=True)
class Call:
    """What is asked for. `key` names it for ever; `delay` is in seconds of machine time."""

    kind: str
    key: str
    subject_id: int | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    lane: str | None = None
    delay: float = 0.0


def call(
    session: Session,
    kind: str,
    key: str,
    *,
    subject_id: int | None = None,
    lane: str | None = None,
    delay: float = 0.0,
    **arguments: Any,
) -> int | None:
    """Call for work once: the new row's id, or None when `key` was called for before."""
    ids = call_many(session, [Call(kind, key, subject_id, arguments, lane, delay)])
    return ids[0] if ids else None


def call_many(session: Session, calls: Iterable[Call]) -> list[int]:
    """Call for many pieces of work in one statement; returns the ids of those that were new."""
    return _insert(session, _CALL, calls)


def call_again(
    session: Session,
    kind: str,
    key: str,
    *,
    subject_id: int | None = None,
    lane: str | None = None,
    delay: float = 0.0,
    **arguments: Any,
) -> int:
    """Call for work that may have been done before: due again, and once more if it is under way. Returns its id."""
    return _insert(session, _CALL_AGAIN, [Call(kind, key, subject_id, arguments, lane, delay)])[0]


def _insert(session: Session, statement: Any, calls: Iterable[Call]) -> list[int]:
    rows = [
        {
            "kind": one.kind,
            "key": one.key,
            "subject_id": one.subject_id,
            "arguments": one.arguments,
            "queue": kind_of(one.kind).queue,
            "lane": one.lane,
            "delay": one.delay,
        }
        for one in calls
    ]
    if not rows:
        return []
    ids = list(session.execute(statement, {"rows": rows}).scalars())
    session.info.setdefault("called", []).extend(ids)
    return ids
