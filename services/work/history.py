"""The history of Work for people: latest runs, one run, retry, acknowledge. What was given up, in groups: services/dead_work."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import InputError, NotFound
from services.work.lease import Claimed

#: Rows in: a Run under way. Rows changed: its figures so far. Whoever is just closing it knows better: its row is passed over.
_SHOW = text(
    """
    UPDATE run SET counts = :counts
    WHERE id IN (SELECT id FROM run WHERE id = :run_id AND token = :token AND finished_at IS NULL FOR NO KEY UPDATE SKIP LOCKED)
    """
).bindparams(bindparam("counts", type_=JSONB))


def show_progress(session: Session, claimed: Claimed, counts: Mapping[str, int]) -> None:
    """Keep with a Run under way how far it is. Its last word replaces this."""
    session.execute(_SHOW, {"run_id": claimed.run_id, "token": claimed.token, "counts": dict(counts)})


def latest(session: Session, kind: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest runs, each with its work's key."""
    rows = session.execute(
        text(
            """
            SELECT run.id, run.kind, work.key, run.attempt, run.started_at, run.finished_at, run.outcome, run.counts, run.message
            FROM run JOIN work ON work.id = run.work_id
            WHERE CAST(:kind AS text) IS NULL OR run.kind = :kind
            ORDER BY run.id DESC LIMIT :limit
            """
        ),
        {"kind": kind, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001


def given_up_count(session: Session) -> int:
    """How much dead work nobody has acknowledged."""
    found: int = session.execute(
        text("SELECT count(*) FROM work WHERE dead_at IS NOT NULL AND acknowledged IS NULL")
    ).scalar_one()
    return found


def one(session: Session, run_id: int) -> dict[str, Any]:
    """A run with its work and the number of records it rejected. Raises NotFound."""
    row = session.execute(
        text(
            """
            SELECT run.*, work.key, work.dead_at, work.done_at, work.next_at,
                   (SELECT count(*) FROM rejected_record WHERE rejected_record.run_id = run.id AND NOT taken) AS rejected
            FROM run JOIN work ON work.id = run.work_id WHERE run.id = :id
            """
        ),
        {"id": run_id},
    ).one_or_none()
    if row is None:
        raise NotFound("There is no run {run}.", run=run_id)
    return {name: value for name, value in row._mapping.items() if name != "token"}  # noqa: SLF001


def retry(session: Session, run_id: int) -> str:
    """Make the work of a run due again with all its attempts; its key. Raises InputError when it is not given up."""
    found = one(session, run_id)
    row = session.execute(
        text(
            """
            UPDATE work SET dead_at = NULL, attempts = 0, next_at = clock_timestamp(), enqueued_at = NULL, acknowledged = NULL
            WHERE id = :id AND dead_at IS NOT NULL AND kind <> 'poison' RETURNING id, key
            """
        ),
        {"id": found["work_id"]},
    ).one_or_none()
    if row is None:
        raise InputError(
            "The work of run {run} is not given up: it is done, under way or waiting for its next attempt.", run=run_id
        )
    session.info.setdefault("called", []).append(row.id)
    return str(row.key)


def acknowledge(session: Session, run_id: int, note: str) -> None:
    """Note that somebody has seen that the work of a run was given up. Raises InputError."""
    found = one(session, run_id)
    done = session.execute(
        text("UPDATE work SET acknowledged = :note WHERE id = :id AND dead_at IS NOT NULL RETURNING id"),
        {"id": found["work_id"], "note": note},
    ).one_or_none()
    if done is None or not note.strip():
        raise InputError("Only given-up work can be acknowledged, and only with a note.")
