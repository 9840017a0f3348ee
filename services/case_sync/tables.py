"""The tables of a run: what it reads is copied into temporary ones, which end with its transaction.

They are of the same build as the permanent staging tables, which only take in what is held for a person: of a run that is applied
nothing has to survive, so nothing is written to the log of the database for it.
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.rows import CASE_COLUMNS, DECISION_COLUMNS, ITEM_COLUMNS

_CREATE: Final = (
    "CREATE TEMPORARY TABLE staged_case (LIKE case_staging) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE staged_decision (LIKE decision_staging) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE staged_item (LIKE item_staging) ON COMMIT DROP",
    *(
        f"ALTER TABLE {name} ALTER run_id DROP NOT NULL, ALTER run_id SET DEFAULT NULL"
        for name in ("staged_case", "staged_decision", "staged_item")
    ),
    "CREATE TEMPORARY TABLE staged_same (position bigint, file integer, place text, record_hash bytea) ON COMMIT DROP",
    # One row per case the run is about. state: new, changed, unchanged, gone or rejected. A new case has its id already.
    """
    CREATE TEMPORARY TABLE sync_case (
        position bigint, external_id text, case_id bigint, worker_id bigint, co_worker_id bigint, supervisor_id bigint,
        unit_id bigint,
        state text NOT NULL
    ) ON COMMIT DROP
    """,
    # What of these cases Avain does not know: the first code of each.
    """
    CREATE TEMPORARY TABLE sync_unknown (position bigint, external_id text, file integer, place text, field text, code text)
    ON COMMIT DROP
    """,
)
_ANALYSE: Final = text("ANALYZE staged_case, staged_decision, staged_item, staged_same")
_DROP: Final = text("DROP TABLE staged_case, staged_decision, staged_item, staged_same, sync_case, sync_unknown")

_CASE: Final = ", ".join(CASE_COLUMNS)
_DECISION: Final = ", ".join(DECISION_COLUMNS)
_ITEM: Final = ", ".join(ITEM_COLUMNS)

#: Rows in: what a run read and did not reject. Rows out: the same, kept under the run until a person decides.
_HOLD: Final = (
    text(
        f"""
        INSERT INTO case_staging (run_id, {_CASE})
        SELECT :run_id, {_CASE} FROM staged_case JOIN sync_case USING (position, external_id) WHERE state <> 'rejected'
        """  # noqa: S608 - our own words
    ),
    text(
        """
        INSERT INTO case_staging (run_id, position, kind, file, place, record_hash)
        SELECT :run_id, position, 'same', file, place, record_hash FROM staged_same
        """
    ),
    text(
        f"""
        INSERT INTO decision_staging (run_id, {_DECISION})
        SELECT :run_id, {", ".join(f"staged_decision.{name}" for name in DECISION_COLUMNS)}
        FROM staged_decision JOIN sync_case USING (position) WHERE state <> 'rejected'
        """  # noqa: S608 - our own words
    ),
    text(
        f"""
        INSERT INTO item_staging (run_id, {_ITEM})
        SELECT :run_id, {", ".join(f"staged_item.{name}" for name in ITEM_COLUMNS)}
        FROM staged_item JOIN sync_case USING (position) WHERE state <> 'rejected'
        """  # noqa: S608 - our own words
    ),
)

#: Rows in: a held run. Rows out: what it staged, in this transaction's own tables.
_BRING_BACK: Final = (
    text(
        f"INSERT INTO staged_case ({_CASE}) SELECT {_CASE} FROM case_staging WHERE run_id = :run_id AND kind <> 'same'"  # noqa: S608
    ),
    text(
        "INSERT INTO staged_same SELECT position, file, place, record_hash FROM case_staging WHERE run_id = :run_id AND kind = 'same'"
    ),
    text(f"INSERT INTO staged_decision ({_DECISION}) SELECT {_DECISION} FROM decision_staging WHERE run_id = :run_id"),  # noqa: S608
    text(f"INSERT INTO staged_item ({_ITEM}) SELECT {_ITEM} FROM item_staging WHERE run_id = :run_id"),  # noqa: S608
)

#: Rows in: a source and a run of it. Rows deleted: what this run and earlier, held ones of the source staged.
_EARLIER: Final = """
    run_id = :run_id OR run_id IN (
        SELECT run.id FROM run JOIN work ON work.id = run.work_id
        WHERE work.kind = 'sync_cases' AND work.arguments ->> 'source' = :source AND run.id < :run_id)
"""
_STAGING: Final = ("case_staging", "decision_staging", "item_staging")


def create(session: Session) -> None:
    """The run's own tables, empty."""
    # for the run's transaction only: its sorts and joins are of many rows
    session.execute(text("SET LOCAL work_mem = '64MB'"))
    # statistics are taken once a chunk, and serve to tell few rows from many
    session.execute(text("SET LOCAL default_statistics_target = 10"))
    for statement in _CREATE:
        session.execute(text(statement))


def analyse(session: Session) -> None:
    """Fresh temporary tables have no statistics, and the planner would take them for small."""
    session.execute(_ANALYSE)


def drop(session: Session) -> None:
    """Put them away before the transaction ends: another run may follow in it."""
    session.execute(_DROP)


def hold(session: Session, run_id: int) -> None:
    """Keep what a run would apply until a person decides."""
    for statement in _HOLD:
        session.execute(statement, {"run_id": run_id})


def bring_back(session: Session, run_id: int) -> None:
    """Fill the run's own tables with what was held."""
    for statement in _BRING_BACK:
        session.execute(statement, {"run_id": run_id})


def forget(session: Session, run_id: int) -> None:
    """Throw away what a held run staged."""
    for table in _STAGING:
        session.execute(text(f"DELETE FROM {table} WHERE run_id = :run_id"), {"run_id": run_id})  # noqa: S608 - our own words


def forget_earlier(session: Session, source: str, run_id: int) -> None:
    """Throw away what a run and earlier held ones of its source staged: it is applied or superseded."""
    for table in _STAGING:
        session.execute(text(f"DELETE FROM {table} WHERE {_EARLIER}"), {"source": source, "run_id": run_id})  # noqa: S608
