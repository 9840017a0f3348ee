"""Several pieces of Work of one kind in one process's hands: claimed in one statement, renewed in one, each with a token and a Run of its own.

Whoever holds one Work may take more of its kind that are due, where doing them together saves what is dear between them (one connection to
a server instead of many). They end one by one, as any other (services/work/lease.py); what was not begun is given back.
"""

import socket
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.work.gate import MAY_BEGIN
from services.work.kinds import LEASE_SECONDS, kind_of
from services.work.lease import Claimed

#: Rows in: a kind and how many. Rows out: so many of it that are due, claimed, each with its new Run; those that somebody else is just
#: claiming are passed over, and all while effects are paused. Work in a lane is never taken this way: of a lane one goes at a time.
_CLAIM_MORE = text(
    f"""
    WITH due AS (
        SELECT id FROM work
        WHERE queue = :queue AND kind = :kind AND lane IS NULL AND token IS NULL AND done_at IS NULL AND dead_at IS NULL
          AND next_at <= clock_timestamp() AND {MAY_BEGIN}
        ORDER BY next_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE work SET
            token = gen_random_uuid(),
            lease_until = clock_timestamp() + make_interval(secs => least(:lease, :deadline)),
            deadline = clock_timestamp() + make_interval(secs => :deadline),
            claimed_generation = generation,
            attempts = attempts + 1
        FROM due WHERE work.id = due.id
        RETURNING work.*
    ), started AS (
        INSERT INTO run (work_id, kind, subject_id, attempt, token, host, counts)
        SELECT id, kind, subject_id, attempts, token, :host, '{{}}' FROM claimed
        RETURNING id, work_id
    )
    SELECT claimed.id, kind, key, subject_id, arguments, attempts, token, started.id AS run_id
    FROM claimed JOIN started ON started.work_id = claimed.id
    ORDER BY next_at, claimed.id
    """  # noqa: S608 - a constant
)

#: Rows in: ids and tokens. Rows out: the tokens of leases that are still ours; they are prolonged, but for those that are just being
#: ended: their holder has one locked and is about to lock the next, and to wait for it here would be waiting for each other.
_RENEW_ALL = text(
    """
    WITH ours AS (
        SELECT work.id, work.token
        FROM work JOIN unnest(CAST(:ids AS bigint[]), CAST(:tokens AS uuid[])) AS held(id, token)
          ON work.id = held.id AND work.token = held.token
        WHERE lease_until > clock_timestamp() AND deadline > clock_timestamp()
    ), free AS (
        SELECT work.id FROM work JOIN ours ON ours.id = work.id AND ours.token = work.token FOR UPDATE OF work SKIP LOCKED
    ), prolonged AS (
        UPDATE work SET lease_until = least(clock_timestamp() + make_interval(secs => :lease), deadline)
        FROM free WHERE work.id = free.id
    )
    SELECT token FROM ours
    """
)

#: A step of a statement that also writes what the Work was for: the Work `:work_id` of `:token` is done and its Run `:run_id` succeeded with
#: `:reply`, as services/work/lease.py closes it. `closed` holds one row; none if the lease was lost, and then nothing else may be written.
CLOSED = """
    closed AS (
        UPDATE work SET
            token = NULL, lease_until = NULL, deadline = NULL, enqueued_at = NULL, last_error = NULL,
            done_at = CASE WHEN generation = claimed_generation THEN clock_timestamp() END,
            attempts = CASE WHEN generation = claimed_generation THEN attempts ELSE 0 END
        WHERE id = :work_id AND token = :token
        RETURNING id
    ), ended AS (
        UPDATE run SET outcome = 'succeeded', finished_at = clock_timestamp(), counts = '{}', reply = :reply
        FROM closed WHERE run.id = :run_id AND finished_at IS NULL
    )
"""

#: Rows in: a kind, a wait and a distance, in seconds. Rows changed: all of it that is due and in nobody's hands is due one after the
#: other, from then on.
_SPREAD = text(
    """
    WITH due AS (
        SELECT id, next_at FROM work
        WHERE queue = :queue AND kind = :kind AND token IS NULL AND done_at IS NULL AND dead_at IS NULL AND next_at <= clock_timestamp()
        FOR UPDATE SKIP LOCKED
    ), placed AS (
        SELECT id, row_number() OVER (ORDER BY next_at, id) - 1 AS place FROM due
    )
    UPDATE work SET next_at = clock_timestamp() + make_interval(secs => :wait + :apart * place), enqueued_at = NULL
    FROM placed WHERE work.id = placed.id
    """
)


def claim_more(session: Session, kind: str, limit: int) -> list[Claimed]:
    """Take up to `limit` more of a kind that are due, in a transaction of its own; the longest due first."""
    of = kind_of(kind)
    values = {
        "kind": kind,
        "queue": of.queue,
        "limit": limit,
        "lease": LEASE_SECONDS,
        "deadline": of.deadline,
        "host": socket.gethostname(),
    }
    return [
        Claimed(row.id, row.kind, row.key, row.subject_id, row.arguments, row.attempts, row.token, row.run_id)
        for row in session.execute(_CLAIM_MORE, values)
    ]


def renew_all(session: Session, claims: Collection[Claimed]) -> set[UUID]:
    """Prolong leases; the tokens of those that are still ours."""
    values = {
        "ids": [one.work_id for one in claims],
        "tokens": [str(one.token) for one in claims],
        "lease": LEASE_SECONDS,
    }
    return set(session.execute(_RENEW_ALL, values).scalars())


def spread(session: Session, kind: str, *, wait: float, apart: float) -> int:
    """Put off what is due of a kind and not in hand: the first for `wait` seconds, each other `apart` seconds after the one before.

    No attempt is made and none is recorded; how many were put off.
    """
    values = {"kind": kind, "queue": kind_of(kind).queue, "wait": wait, "apart": apart}
    return int(session.execute(_SPREAD, values).rowcount)  # type: ignore[attr-defined]
