"""Cases that were removed stay removed: a closed one that its source still brings is left out, and is counted as unchanged.

One that is open there is a new case with a new number: somebody has come back. Its source is known by a keyed digest only; with another
AVAIN_HASH_KEY no removed case is known any more (docs/retention.md).
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import NotFound
from core.identity import RecordHasher

#: Rows in: a source. Rows out: digests of its removed cases.
_REMOVED: Final = text("SELECT reference FROM removed_case WHERE source = :source")
#: Rows out: cases of the run that would be new and are closed.
_NEW_CLOSED: Final = text(
    """
    SELECT sync_case.position, sync_case.external_id FROM sync_case JOIN staged_case ON staged_case.position = sync_case.position
    WHERE sync_case.state = 'new' AND staged_case.status = 'closed'
    """
)
#: Rows in: positions. Rows changed: their cases are none of the new ones.
_LEAVE_OUT: Final = text("UPDATE sync_case SET state = 'unchanged' WHERE position = ANY(CAST(:positions AS bigint[]))")
#: Rows in: a source and a digest. Rows out: numbers of removed cases, the latest first.
_FIND: Final = text(
    "SELECT number FROM removed_case WHERE source = :source AND reference = :reference ORDER BY removed_at DESC, id DESC"
)
#: Rows in: a number. Rows out: when the case that had it was removed.
_REMOVED_AT: Final = text("SELECT removed_at FROM removed_case WHERE number = :number")


def leave_out_removed(session: Session, source: str, hasher: RecordHasher) -> int:
    """After the comparison of a run (services/case_sync): leave out what was removed here. Returns how many."""
    removed = {bytes(one) for one in session.scalars(_REMOVED, {"source": source})}
    if not removed:
        return 0
    positions = [
        row.position for row in session.execute(_NEW_CLOSED) if hasher.reference(source, row.external_id) in removed
    ]
    if positions:
        session.execute(_LEAVE_OUT, {"positions": positions})
    return len(positions)


def no_case(session: Session, number: str) -> NotFound:
    """What to raise where a number is asked for that no case has: it may have had one."""
    removed_at = session.execute(_REMOVED_AT, {"number": number if number.isprintable() else ""}).scalar()
    if removed_at is None:
        return NotFound("There is no case {case}.", case=number)
    return NotFound(
        "Case {case} was removed on {date}, when its time was up: Avain holds nothing of it any more. Who handled it: avain audit show --case {case}",
        case=number, date=local_date(removed_at),
    )  # fmt: skip


def numbers_of_removed(session: Session, source: str, external_id: str, hasher: RecordHasher) -> list[str]:
    """The numbers a removed case had here, by which the audit trail still tells who handled it."""
    values = {"source": source, "reference": hasher.reference(source, external_id)}
    return list(session.scalars(_FIND, values))
