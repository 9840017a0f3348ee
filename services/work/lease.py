"""The lease: who is doing a piece of Work right now, and what came of it.

One process holds a Work by its token for LEASE_SECONDS, renewed while it lives, never past the kind's deadline. Whoever closes,
fails or gives back must still hold the token, in the transaction that also writes the business rows: zero rows mean that the
lease was lost and everything about to be written is thrown away. All times are the database's `clock_timestamp()`.
"""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import LeaseLost, Message
from core.i18n import N_
from services.work.gate import MAY_BEGIN
from services.work.kinds import KINDS, LEASE_SECONDS, Kind, kind_of


@dataclass(frozen=True)
class Claimed:
    """A Work in this process's hands, and the Run that records the attempt."""

    work_id: int
    kind: str
    key: str
    subject_id: int | None
    arguments: dict[str, Any]
    attempt: int
    token: UUID
    run_id: int


@dataclass(frozen=True)
class Ended:
    """A Work that was given up: somebody has to be told."""

    work_id: int
    kind: str
    subject_id: int | None
    message: Message
    #: The attempt that was the last one; a Work called again after its death can be given up again.
    run_id: int | None = None


#: Rows in: one id. Rows out: the claimed Work and its new Run; none when it is not due, held, done or dead, or effects are paused.
_CLAIM = text(
    f"""
    WITH claimed AS (
        UPDATE work SET
            token = :token,
            lease_until = clock_timestamp() + make_interval(secs => least(:lease, :deadline)),
            deadline = clock_timestamp() + make_interval(secs => :deadline),
            claimed_generation = generation,
            attempts = attempts + 1
        WHERE id = :id AND token IS NULL AND done_at IS NULL AND dead_at IS NULL AND next_at <= clock_timestamp()
          AND {MAY_BEGIN}
        RETURNING *
    ), started AS (
        INSERT INTO run (work_id, kind, subject_id, attempt, token, host, counts)
        SELECT id, kind, subject_id, attempts, token, :host, '{{}}' FROM claimed
        RETURNING id
    )
    SELECT claimed.id, kind, key, subject_id, arguments, attempts, started.id AS run_id FROM claimed, started
    """  # noqa: S608 - a constant
)

#: Rows in: id and token. Rows out: one if the work was ours to end. Called again meanwhile: it stays due instead of done.
_RELEASE = text(
    """
    WITH released AS (
        UPDATE work SET
            token = NULL, lease_until = NULL, deadline = NULL, enqueued_at = NULL,
            done_at = CASE WHEN :done AND generation = claimed_generation THEN clock_timestamp() END,
            dead_at = CASE WHEN :dead AND generation = claimed_generation THEN clock_timestamp() END,
            attempts = CASE WHEN generation <> claimed_generation THEN 0 ELSE attempts - :unspent END,
            next_at = CASE WHEN generation <> claimed_generation THEN next_at
                           ELSE clock_timestamp() + make_interval(secs => :pause) END,
            last_error = :error,
            dead_reason = CASE WHEN :dead AND generation = claimed_generation THEN :reason ELSE '' END
        WHERE id = :id AND token = :token
        RETURNING id, dead_at
    ), finished AS (
        UPDATE run SET outcome = :outcome, finished_at = clock_timestamp(), counts = :counts, message = :message, reply = :reply
        WHERE token = :token AND finished_at IS NULL AND work_id IN (SELECT id FROM released)
    )
    SELECT id, dead_at IS NOT NULL AS dead FROM released
    """
).bindparams(
    bindparam("counts", type_=JSONB),
    bindparam("message", type_=JSONB(none_as_null=True)),
    bindparam("error", type_=JSONB(none_as_null=True)),
)

#: Rows in: none. Rows out: every Work whose holder fell silent, freed; its open Run closes as lost. One that has
#: used up its attempts is dead. Whoever reached the deadline was killed for it.
_EXPIRE = text(
    """
    WITH silent AS (
        SELECT work.id, work.token, generation <> claimed_generation AS called_again,
               coalesce(kinds.max_attempts, :limit) AS max_attempts,
               CASE WHEN deadline <= clock_timestamp()
                    THEN jsonb_build_object('msgid', CAST(:late AS text), 'params', jsonb_build_object('seconds', coalesce(kinds.seconds, :seconds)))
                    ELSE :error END AS error
        FROM work LEFT JOIN jsonb_to_recordset(CAST(:kinds AS jsonb)) AS kinds(kind text, max_attempts int, seconds int)
          ON kinds.kind = work.kind
        WHERE token IS NOT NULL AND lease_until <= clock_timestamp()
        FOR UPDATE OF work SKIP LOCKED
    ), freed AS (
        UPDATE work SET
            token = NULL, lease_until = NULL, deadline = NULL, enqueued_at = NULL,
            attempts = CASE WHEN called_again THEN 0 ELSE attempts END,
            dead_at = CASE WHEN attempts >= max_attempts AND NOT called_again THEN clock_timestamp() END,
            -- the first time at once: the machine died, not the work; then with growing pauses
            next_at = clock_timestamp() + make_interval(secs => CASE WHEN attempts <= 1 OR called_again THEN 0 ELSE least(600, 5 * 2 ^ attempts) END),
            last_error = silent.error,
            dead_reason = CASE WHEN attempts >= max_attempts AND NOT called_again THEN silent.error ->> 'msgid' ELSE '' END
        FROM silent WHERE work.id = silent.id
        RETURNING work.id, work.kind, work.subject_id, work.dead_at IS NOT NULL AS dead, silent.token, silent.error
    ), finished AS (
        UPDATE run SET outcome = 'lost', finished_at = clock_timestamp(), message = freed.error
        FROM freed WHERE run.token = freed.token AND run.work_id = freed.id AND run.finished_at IS NULL
        RETURNING run.work_id, run.id AS run_id
    )
    SELECT id, kind, subject_id, dead, run_id, error FROM freed LEFT JOIN finished ON finished.work_id = freed.id
    """
).bindparams(bindparam("error", type_=JSONB))

_LOST = Message(N_("The process doing this fell silent; it is tried again."))
_TOO_LONG = N_("It took longer than the {seconds} seconds allowed.")
#: The message of a Run that ended by a fault of ours.
CRASHED = N_("An unexpected error ({error}); the log of run {run} has the details.")
#: The message of a Run that ended because its process was told to; no failure.
GIVEN_BACK = Message(N_("Given back unfinished because the worker was stopping."))


def took_too_long(kind: str) -> Message:
    """Why an attempt at Work of a kind was ended."""
    return Message(_TOO_LONG, seconds=int(kind_of(kind).deadline))


def claim(session: Session, work_id: int, kind: str | None = None) -> Claimed | None:
    """Take a Work, in a transaction of its own. None: nothing to do here (not due, held, done, dead, its lane is busy, or effects are paused).

    `kind`: what the claimer can do. A Work of another kind is left alone: a queue may still hold hints of a database that was restored from
    a copy since, in which their numbers belong to other Work. A lease that has run out is not taken over here: the tick expires it, closes
    its Run as lost and makes the work due.
    """
    kind_name = session.execute(text("SELECT kind FROM work WHERE id = :id"), {"id": work_id}).scalar()
    if kind_name is None or kind not in (None, kind_name):
        return None
    token = uuid4()
    values = {
        "id": work_id,
        "token": token,
        "lease": LEASE_SECONDS,
        "deadline": kind_of(kind_name).deadline,
        "host": socket.gethostname(),
    }
    try:
        with session.begin_nested():
            row = session.execute(_CLAIM, values).one_or_none()
    except IntegrityError as error:
        if "uq_work_lane_held" in str(error.orig):
            return None
        raise
    if row is None:
        return None
    return Claimed(row.id, row.kind, row.key, row.subject_id, row.arguments, row.attempts, token, row.run_id)


def holds(session: Session, claimed: Claimed) -> None:
    """Make sure, just before a commit, that the lease is still ours; no one can take it until that commit.

    Raises LeaseLost.
    """
    row = session.execute(
        text("SELECT 1 FROM work WHERE id = :id AND token = :token FOR UPDATE"),
        {"id": claimed.work_id, "token": claimed.token},
    ).one_or_none()
    if row is None:
        raise LeaseLost("The lease of work {work} was lost.", work=claimed.work_id)


def check(session: Session, claimed: Claimed) -> None:
    """Look, without locking, whether the lease is still ours: long work asks between its batches. Raises LeaseLost."""
    row = session.execute(
        text("SELECT 1 FROM work WHERE id = :id AND token = :token"), {"id": claimed.work_id, "token": claimed.token}
    ).one_or_none()
    if row is None:
        raise LeaseLost("The lease of work {work} was lost.", work=claimed.work_id)


def close(
    session: Session,
    claimed: Claimed,
    outcome: str = "succeeded",
    *,
    counts: dict[str, Any] | None = None,
    message: Message | None = None,
    reply: str | None = None,
) -> None:
    """End the attempt well (succeeded, partly, held, refused, nothing_to_do), together with the caller's business rows.

    Raises LeaseLost when the work is no longer ours: the caller's transaction must then be rolled back.
    """
    _release(session, claimed, outcome, done=True, counts=counts, message=message, reply=reply)


def fail(
    session: Session,
    claimed: Claimed,
    message: Message,
    *,
    final: bool = False,
    pause: float | None = None,
) -> Ended | None:
    """End the attempt badly. Tried again after a pause, or given up (`final`, or no attempts left): then returns what ended.

    `pause` (seconds) is the other side's own wish. Whoever gives up must call `after_death` in the same transaction.
    """
    kind = kind_of(claimed.kind)
    dead = final or claimed.attempt >= kind.max_attempts
    wait = max(pause or 0.0, kind.pause_after(claimed.attempt))
    died = _release(
        session,
        claimed,
        "failed" if dead else "retry",
        dead=dead,
        pause=wait,
        message=message,
        error=message,
    )
    return Ended(claimed.work_id, claimed.kind, claimed.subject_id, message, claimed.run_id) if died else None


def leave(session: Session, claimed: Claimed, message: Message, pause: float, *, counts: bool) -> Ended | None:
    """End the attempt badly because the other side fails whoever asks: due again after exactly `pause` seconds. Unless it `counts`, the
    attempt is not one after which the work is given up; else as `fail`.
    """
    dead = counts and claimed.attempt >= kind_of(claimed.kind).max_attempts
    outcome = "failed" if dead else "retry"
    unspent = 0 if counts else 1
    died = _release(session, claimed, outcome, dead=dead, pause=pause, unspent=unspent, message=message, error=message)
    return Ended(claimed.work_id, claimed.kind, claimed.subject_id, message, claimed.run_id) if died else None


def give_back(session: Session, claimed: Claimed) -> None:
    """Return the work untouched because this process is stopping; the attempt does not count."""
    _release(session, claimed, "retry", unspent=1, message=GIVEN_BACK)


def postpone(session: Session, claimed: Claimed, message: Message, pause: float) -> None:
    """Put the work off for `pause` seconds by a rule of ours, which the Run says; the attempt does not count."""
    _release(session, claimed, "postponed", unspent=1, pause=pause, message=message)


def expire_leases(session: Session) -> tuple[int, list[Ended]]:
    """Free every Work whose holder fell silent: how many, and those that thereby used up their attempts."""
    kinds = [
        {"kind": kind.name, "max_attempts": kind.max_attempts, "seconds": int(kind.deadline)} for kind in KINDS.values()
    ]
    rows = session.execute(
        _EXPIRE,
        {
            "kinds": json.dumps(kinds),
            "limit": Kind.max_attempts,
            "error": _LOST.to_json(),
            "late": _TOO_LONG,
            "seconds": int(Kind.deadline),
        },
    ).all()
    dead = [row for row in rows if row.dead]
    return len(rows), [
        Ended(row.id, row.kind, row.subject_id, Message.from_json(row.error), row.run_id) for row in dead
    ]


def _release(
    session: Session,
    claimed: Claimed,
    outcome: str,
    *,
    done: bool = False,
    dead: bool = False,
    pause: float = 0.0,
    unspent: int = 0,
    counts: dict[str, Any] | None = None,
    message: Message | None = None,
    reply: str | None = None,
    error: Message | None = None,
) -> bool:
    """Let go of the work; True when it died by it. Raises LeaseLost."""
    row = session.execute(
        _RELEASE,
        {
            "id": claimed.work_id,
            "token": claimed.token,
            "outcome": outcome,
            "done": done,
            "dead": dead,
            "pause": pause,
            "unspent": unspent,
            "counts": counts or {},
            "message": message.to_json() if message else None,
            "reply": reply,
            "error": error.to_json() if error else None,
            "reason": error.msgid if error else "",
        },
    ).one_or_none()
    if row is None:
        raise LeaseLost("The lease of work {work} was lost.", work=claimed.work_id)
    return bool(row.dead)


_after_death: dict[str, list[Callable[[Session, Ended], None]]] = {}


def when_given_up(kind: str) -> Callable[[Callable[[Session, Ended], None]], Callable[[Session, Ended], None]]:
    """Register what must happen, in the same transaction, when Work of a kind is given up."""

    def register(function: Callable[[Session, Ended], None]) -> Callable[[Session, Ended], None]:
        _after_death.setdefault(kind, []).append(function)
        return function

    return register


def after_death(session: Session, ended: Ended | None) -> None:
    """Run what was registered for the kind, if anything."""
    if ended is not None:
        for function in _after_death.get(ended.kind, ()):
            function(session, ended)
