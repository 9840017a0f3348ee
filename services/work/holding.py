"""Runs that were held for a person: which wait, and that one of them waits no more (approved, discarded, or overtaken)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound


@dataclass(frozen=True)
class Held:
    """A Run that waits: of what kind of work, for which source, with which arguments, and the figures it was held with."""

    run_id: int
    kind: str
    source: str
    arguments: dict[str, Any]
    counts: dict[str, int]


#: Rows in: a run. Rows out: it, locked until the transaction ends, so that two people cannot both decide.
_HELD = text(
    """
    SELECT run.id, run.kind, run.outcome, run.acknowledged, run.counts, work.arguments
    FROM run JOIN work ON work.id = run.work_id WHERE run.id = :id FOR UPDATE OF run
    """
)

#: Rows in: a kind, a source and a run of theirs. Rows changed: earlier runs that still waited.
_OVERTAKE = text(
    """
    UPDATE run SET acknowledged = 'overtaken' FROM work
    WHERE work.id = run.work_id AND work.kind = :kind AND work.arguments ->> 'source' = :source
      AND run.id < :run_id AND run.outcome = 'held' AND run.acknowledged IS NULL
    """
)

#: Rows in: a kind. Rows changed: its runs that waited.
_SETTLE = text("UPDATE run SET acknowledged = :note WHERE kind = :kind AND outcome = 'held' AND acknowledged IS NULL")


def held_run(session: Session, run_id: int) -> Held:
    """A Run that waits, locked. Raises NotFound, InputError when it does not wait, or not any more."""
    row = session.execute(_HELD, {"id": run_id}).one_or_none()
    if row is None:
        raise NotFound("There is no run {run}.", run=run_id)
    if row.outcome != "held":
        raise InputError("Run {run} was not held for anybody.", run=run_id)
    if row.acknowledged is not None:
        raise InputError(
            "Run {run} does not wait any more: it was approved or discarded, or a later run took its place.", run=run_id
        )
    return Held(row.id, row.kind, row.arguments.get("source", ""), row.arguments, row.counts)


def decide(session: Session, run_id: int, note: str) -> None:
    """Note what a person decided of a held run: it waits no more."""
    session.execute(text("UPDATE run SET acknowledged = :note WHERE id = :id"), {"id": run_id, "note": note})


def overtake(session: Session, kind: str, source: str, run_id: int) -> None:
    """Earlier held runs of a source wait no more: `run_id` was applied, and it says how things are now."""
    session.execute(_OVERTAKE, {"kind": kind, "source": source, "run_id": run_id})


def settle(session: Session, kind: str, note: str) -> None:
    """All held runs of a kind of work that has no source wait no more."""
    session.execute(_SETTLE, {"kind": kind, "note": note})
