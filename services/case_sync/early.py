"""New cases are written as they come, chunk by chunk, while the rest of the file is still being parsed.

A first load is bound by the database; waiting for the file's end would leave it idle until then. Nothing of it can be seen before the
run's transaction is committed, and all of it goes when the file turns out to be cut short. Only cases the source never had are
written here: nobody waits for their rows. Everything else of a chunk is put aside for the merge at the end (merge.py).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.rows import CASE_COLUMNS, DECISION_COLUMNS, ITEM_COLUMNS
from core.clock import local_date
from services import numbers
from services.case_sync import tables
from services.case_sync.applying import CHOICES, CLIENTS, NEW_CASES, NEW_CLIENTS, NEW_DECISIONS, NEW_ITEMS

_EMPTY: Final = "TRUNCATE staged_case, staged_decision, staged_item, sync_case"

#: Rows in: the words of the chunk. Rows out: the last word about each case that is a record of one the source never had, and names
#: nothing Avain does not know.
_NEW: Final = text(
    """
    INSERT INTO sync_case (position, external_id, case_id, worker_id, co_worker_id, unit_id, state)
    SELECT said.position, said.external_id, nextval(pg_get_serial_sequence('client_case', 'id')), worker.id, co_worker.id, unit.id, 'new'
    FROM (SELECT DISTINCT ON (external_id) position, kind, external_id, responsible_worker, co_worker, unit
          FROM staged_case ORDER BY external_id, position DESC) AS said
    JOIN worker ON worker.external_id = said.responsible_worker
    LEFT JOIN worker AS co_worker ON co_worker.external_id = said.co_worker
    LEFT JOIN unit ON unit.code = said.unit
    WHERE kind = 'record' AND (said.co_worker IS NULL) = (co_worker.id IS NULL) AND (said.unit IS NULL) = (unit.id IS NULL)
      AND NOT EXISTS (SELECT FROM client_case AS known WHERE known.source = :source AND known.external_id = said.external_id)
      AND NOT EXISTS (SELECT FROM doubtful WHERE doubtful.position = said.position)
    """
)

#: Rows in: the parts of the chunk. Rows out: the cases whose parts name a service or provider that Avain does not know.
_DOUBTFUL: Final = text(
    """
    CREATE TEMPORARY TABLE doubtful ON COMMIT DROP AS
    SELECT position FROM staged_decision
    WHERE baseline_service IS NOT NULL AND NOT EXISTS (SELECT FROM service WHERE code = baseline_service)
    UNION
    SELECT position FROM staged_item WHERE NOT EXISTS (SELECT FROM service AS known WHERE known.code = service)
    UNION
    SELECT position FROM staged_item
    WHERE provider IS NOT NULL AND NOT EXISTS (SELECT FROM provider AS known WHERE known.business_id = provider)
    """
)

#: Rows in: the chunk. Rows out: the words that are settled: of what was written, and earlier words about the same cases.
_SETTLE: Final = text(
    """
    INSERT INTO sync_word
    SELECT staged_case.position, kind, file, place, external_id, record_hash FROM staged_case JOIN sync_case USING (external_id)
    """
)

#: Rows in: the chunk. Rows out: what was not settled, put aside.
_PUT_ASIDE: Final = tuple(
    text(
        f"INSERT INTO left_{name} ({', '.join(columns)}) SELECT {', '.join(f'staged.{one}' for one in columns)}"  # noqa: S608 - our own words
        f" FROM staged_{name} AS staged JOIN staged_case AS word USING (position)"
        " WHERE NOT EXISTS (SELECT FROM sync_case WHERE sync_case.external_id = word.external_id)"
    )
    for name, columns in (("case", CASE_COLUMNS), ("decision", DECISION_COLUMNS), ("item", ITEM_COLUMNS))
)

_TAKE_UP: Final = tuple(
    text(f"INSERT INTO staged_{name} ({', '.join(columns)}) SELECT {', '.join(columns)} FROM left_{name}")  # noqa: S608
    for name, columns in (("case", CASE_COLUMNS), ("decision", DECISION_COLUMNS), ("item", ITEM_COLUMNS))
)


def write_new(session: Session, run_id: int, source: str, now: datetime) -> int:
    """Write the new cases among what is staged, and put the rest aside; how many were written."""
    tables.analyse(session)
    names = {"run_id": run_id, "source": source, "now": now}
    session.execute(_DOUBTFUL)
    written = session.execute(_NEW, names).rowcount  # type: ignore[attr-defined]
    session.execute(text("DROP TABLE doubtful"))
    session.execute(text("ANALYZE sync_case"))
    taken = numbers.take(session, "HB", local_date(now).year, written)
    for statement in (CLIENTS, NEW_CLIENTS, NEW_CASES, NEW_DECISIONS, NEW_ITEMS, CHOICES, _SETTLE, *_PUT_ASIDE):
        session.execute(statement, {**names, "numbers": taken} if statement is NEW_CASES else names)
    session.execute(text(_EMPTY))
    return int(written)


def take_up_the_rest(session: Session) -> None:
    """Stage again what was put aside, for the merge."""
    for statement in _TAKE_UP:
        session.execute(statement)
