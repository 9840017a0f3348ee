"""What the queue should hold: due Work, oldest want first, one per lane, never more than a target length."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.work.gate import MAY_BEGIN

#: A queue is topped up to this length; more would only grow stale in Redis.
TARGET_LENGTH = 200
#: A queue longer than this holds what no tick put there; it is thrown away, for everything due is enqueued again.
ABSURD_LENGTH = 10 * TARGET_LENGTH
#: Work enqueued this long ago and still unclaimed is enqueued again: its message may be gone.
ENQUEUE_AGAIN_SECONDS = 20

#: Rows in: a queue and how many fit. Rows out: their ids, marked as enqueued. Work wants to be enqueued since it became due,
#: or since its last message grew stale. Work in a busy lane waits, and of one lane only the first goes. So does what has an effect outside
#: while these are paused.
_TOP_UP = text(
    f"""
    WITH wanting AS (
        SELECT id, enqueued_at AS before, coalesce(enqueued_at + make_interval(secs => :again), next_at) AS since,
               row_number() OVER (PARTITION BY coalesce(lane, 'work ' || id) ORDER BY next_at, id) AS in_lane
        FROM work AS candidate
        WHERE queue = :queue AND done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at <= clock_timestamp()
          AND {MAY_BEGIN}
          AND (lane IS NULL OR NOT EXISTS (SELECT FROM work AS holder WHERE holder.lane = candidate.lane AND holder.token IS NOT NULL))
    ), chosen AS (
        SELECT work.id, before FROM work JOIN wanting USING (id)
        WHERE in_lane = 1 AND since <= clock_timestamp()
        ORDER BY since, id LIMIT :room
        FOR UPDATE OF work SKIP LOCKED
    )
    UPDATE work SET enqueued_at = clock_timestamp() FROM chosen
    WHERE work.id = chosen.id AND enqueued_at IS NOT DISTINCT FROM before AND token IS NULL AND done_at IS NULL AND dead_at IS NULL
    RETURNING work.id, work.kind
    """  # noqa: S608 - a constant
)

#: Rows in: ids, how many of a queue, and kinds of which all are meant. Rows out: those that are due, marked as enqueued.
_MARK = text(
    f"""
    WITH wanting AS (
        SELECT id, kind, row_number() OVER (PARTITION BY queue ORDER BY id) AS place
        FROM work
        WHERE id = ANY(:ids) AND enqueued_at IS NULL AND token IS NULL
          AND done_at IS NULL AND dead_at IS NULL AND next_at <= clock_timestamp()
          AND (lane IS NULL OR NOT EXISTS (SELECT FROM work AS holder WHERE holder.lane = work.lane AND holder.token IS NOT NULL))
          AND {MAY_BEGIN}
    ), chosen AS (
        SELECT work.id FROM work JOIN wanting USING (id)
        WHERE place <= :room OR wanting.kind = ANY(CAST(:kept AS text[]))
        ORDER BY work.id FOR UPDATE OF work SKIP LOCKED
    )
    UPDATE work SET enqueued_at = clock_timestamp() FROM chosen
    WHERE work.id = chosen.id AND enqueued_at IS NULL AND token IS NULL AND done_at IS NULL AND dead_at IS NULL
    RETURNING work.id, work.kind, work.queue
    """  # noqa: S608 - a constant
)

#: Rows in: ids. Rows changed: those that nobody has claimed are not enqueued. It waits for whoever has a row just now; nobody who chooses rows
#: waits for it, so nobody waits in a circle.
_UNMARK = text(
    """
    UPDATE work SET enqueued_at = NULL
    WHERE id IN (SELECT id FROM work WHERE id = ANY(:ids) AND token IS NULL AND enqueued_at IS NOT NULL ORDER BY id FOR UPDATE)
    """
)


def top_up(session: Session, queue: str, room: int) -> list[tuple[int, str]]:
    """Choose up to `room` due Works of a queue and mark them enqueued: `(id, kind)` to publish after the commit."""
    if room <= 0:
        return []
    rows = session.execute(_TOP_UP, {"queue": queue, "room": room, "again": ENQUEUE_AGAIN_SECONDS})
    return [(row.id, row.kind) for row in rows]


def mark_enqueued(session: Session, ids: list[int], *, kept: Collection[str] = ()) -> list[tuple[int, str, str]]:
    """Mark fresh Works as enqueued by whoever called for them: `(id, kind, queue)` of those still unmarked and due, as many of each queue as
    ever fit in it. Of kinds that are `kept`, which their caller does himself, all are marked.
    """
    values = {"ids": ids, "room": TARGET_LENGTH, "kept": list(kept)}
    return [(row.id, row.kind, row.queue) for row in session.execute(_MARK, values)]


def unmark(session: Session, ids: list[int]) -> None:
    """Of Works that were marked as enqueued, and are not, the next tick takes what fits."""
    session.execute(_UNMARK, {"ids": ids})
