"""What waits for an operator: runs of cases that were held until somebody approves or discards them, and documents about orders that nobody can
place. Lists of prices have their own section.
"""

from typing import Final

from sqlalchemy.orm import Session

from services.today.rows import Section, first_of, section

#: Rows out: runs of cases that wait for a person, the longest first.
_HELD: Final = first_of(
    """
    SELECT run.id, work.arguments ->> 'source' AS source, run.message, run.finished_at
    FROM run JOIN work ON work.id = run.work_id
    WHERE run.outcome = 'held' AND run.acknowledged IS NULL AND run.kind = 'sync_cases' ORDER BY run.id LIMIT :counted
    """
)


#: Rows out: documents that wait for a person and of which no order is known, the longest first; invoices have a section of their own.
_UNPLACED: Final = first_of(
    """
    SELECT id, kind, source, reason, recorded_at FROM incoming_document
    WHERE state = 'held' AND order_id IS NULL AND kind <> 'invoice' ORDER BY id LIMIT :counted
    """
)


def for_operator(session: Session, *, everything: frozenset[str]) -> dict[str, Section]:
    """The sections of who runs Avain. Two statements."""
    return {
        "held_runs": section(session, _HELD, {}, everything="held_runs" in everything),
        "unplaced": section(session, _UNPLACED, {}, everything="unplaced" in everything),
    }
