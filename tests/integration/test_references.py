"""References that are checked once per statement (migration 0003, ADR 0004): each is violated here, from either side."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from models import metadata
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.factories.service import make_service

NOBODY = 987_654_321
CHECKED = sorted(
    (table.name, column.name, str(column.info["refers_to"]).partition(".")[0])
    for table in metadata.tables.values()
    for column in table.columns
    if "refers_to" in column.info
)


def test_the_models_and_the_triggers_name_the_same(session: Session) -> None:
    rows = session.execute(
        text(
            "SELECT tgrelid::regclass::text AS of, encode(tgargs, 'escape') AS arguments FROM pg_trigger"
            " WHERE tgname LIKE '%\\_insert\\_references' ESCAPE '\\'"
        )
    )
    found = set()
    for row in rows:
        words = [word for word in row.arguments.split("\\000") if word]
        found |= {(row.of, column, target) for column, target in zip(words[::2], words[1::2], strict=True)}
    assert sorted(found) == CHECKED


@pytest.mark.parametrize(("table", "column", "target"), CHECKED)
def test_a_row_that_refers_to_nothing_is_refused(session: Session, table: str, column: str, target: str) -> None:
    make_follow_up(session, make_plan_item(session, make_decision(session), make_service(session)))
    session.flush()
    with pytest.raises(IntegrityError) as refused, session.begin_nested():
        session.execute(text(f"UPDATE {table} SET {column} = :nobody"), {"nobody": NOBODY})
    assert f"refers to {target} {NOBODY}" in str(refused.value.orig)
    assert getattr(refused.value.orig, "sqlstate", None) == "23503"


def test_new_rows_are_checked_too(session: Session) -> None:
    case = make_case(session)
    session.flush()
    with pytest.raises(IntegrityError, match="refers to client_case"), session.begin_nested():
        session.execute(
            text("INSERT INTO decision (case_id, external_id) VALUES (:case, 'D-1'), (:nobody, 'D-2')"),
            {"case": case.id, "nobody": NOBODY},
        )
    with pytest.raises(IntegrityError, match="refers to service"), session.begin_nested():
        session.execute(
            text("INSERT INTO decision (case_id, external_id, baseline_service_id) VALUES (:case, 'D-1', :nobody)"),
            {"case": case.id, "nobody": NOBODY},
        )


def test_what_is_referred_to_cannot_be_deleted_even_by_the_owner(database: Embedded) -> None:
    owner = make_engine(database.database_owner_url, pool_size=1)
    with Session(owner) as session, session.begin():
        make_follow_up(session, make_plan_item(session, make_decision(session), make_service(session)))
    targets = sorted({target for _, _, target in CHECKED})
    with Session(owner) as session:
        for target in targets:
            if session.execute(text(f"SELECT count(*) FROM {target}")).scalar_one():
                with pytest.raises(IntegrityError, match=r"referred|violates foreign key"), session.begin_nested():
                    session.execute(text(f"DELETE FROM {target}"))
        session.rollback()
    owner.dispose()


@pytest.mark.parametrize("table", ["client", "worker", "unit", "service", "client_case", "decision", "plan_item"])
def test_the_application_deletes_none_of_them(database: Embedded, table: str) -> None:
    engine = make_engine(database.database_url, pool_size=1)
    with Session(engine) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(f"DELETE FROM {table}"))
    engine.dispose()
