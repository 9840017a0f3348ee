"""The database's own guards: roles, insert-only audit, prices and orders that cannot overlap, numbers without gaps, the two clocks."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from core.clock import business_now, business_today, local_date, move_business_clock
from core.database import make_engine
from core.errors import InputError, Message
from models.price import PriceKey
from services import audit, numbers
from services.notices import News, tell
from tests.factories.price import make_price
from tests.factories.service import make_service
from tests.factories.worker import make_worker

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


def test_the_application_may_not_change_the_schema(session):
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text("CREATE TABLE mine (id int)"))
    with pytest.raises(ProgrammingError, match="must be owner"), session.begin_nested():
        session.execute(text("ALTER TABLE work ADD COLUMN mine int"))


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"]
)
def test_audit_is_insert_only_even_for_the_owner(session, database, statement):
    audit.record(session, "cli:test", "thing.done", "case:HB-2026-000001", now=NOW, reason="why", count=2)
    with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
        session.execute(text(statement))
    engine = make_engine(database.database_owner_url)
    with pytest.raises(DBAPIError, match="insert-only"), engine.begin() as owner:
        owner.execute(text(statement))
    engine.dispose()
    assert audit.events(session, "case:HB-2026-000001", 5)[0]["details"] == {"count": 2}
    assert audit.events(session, "case:HB-2026-000002", 5) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE price SET amount = 1",
        "UPDATE budget_line SET gross = 1",
        "UPDATE budget_version SET free = 1",
        "UPDATE purchase_order SET document = ''",
        "UPDATE order_line SET gross = 1",
        "UPDATE order_coverage SET period = period",
        "DELETE FROM price",
        "DELETE FROM purchase_order",
    ],
)
def test_what_was_written_for_good_stays(session, statement):
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text(statement))


def test_a_notice_is_kept_once(session):
    worker = make_worker(session)
    news = News(worker.id, "budget_over", "case:HB-2026-000001", "1", Message("x"))
    assert tell(session, [news]) == 1
    assert tell(session, [news]) == 0
    assert tell(session, []) == 0


def test_numbers_have_no_gaps_and_are_never_reused(session):
    assert numbers.take(session, "T", 2026, 2) == ["T-2026-000001", "T-2026-000002"]
    with session.begin_nested() as savepoint:
        numbers.take(session, "T", 2026)
        savepoint.rollback()
    assert numbers.take(session, "T", 2026) == ["T-2026-000003"]
    assert numbers.take(session, "T", 2027) == ["T-2027-000001"]
    assert numbers.take(session, "T", 2027, 0) == []


def test_numbers_taken_at_once_are_all_different(database):
    engine = make_engine(database.database_url)
    taken: list[str] = []

    def take() -> None:
        with Session(engine) as session, session.begin():
            taken.extend(numbers.take(session, "HB", 2026, 3))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert sorted(taken) == [f"HB-2026-{n:06d}" for n in range(1, 25)]


def test_business_time_moves_and_only_in_a_test_installation(session, monkeypatch):
    monkeypatch.delenv("AVAIN_TEST_CLOCK", raising=False)
    with pytest.raises(InputError, match="AVAIN_TEST_CLOCK"):
        move_business_clock(session, NOW)
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    move_business_clock(session, datetime(2027, 1, 1, 22, 30, tzinfo=UTC))
    assert abs(business_now(session) - datetime(2027, 1, 1, 22, 30, tzinfo=UTC)) < timedelta(seconds=5)
    assert business_today(session) == date(2027, 1, 2)


def test_a_date_is_helsinkis_on_both_sides_of_midnight_and_of_summer_time():
    assert local_date(datetime(2026, 7, 1, 20, 59, tzinfo=UTC)) == date(2026, 7, 1)
    assert local_date(datetime(2026, 7, 1, 21, 0, tzinfo=UTC)) == date(2026, 7, 2)
    assert local_date(datetime(2026, 12, 1, 21, 30, tzinfo=UTC)) == date(2026, 12, 1)
    assert local_date(datetime(2026, 12, 1, 22, 0, tzinfo=UTC)) == date(2026, 12, 2)


def test_two_prices_of_a_key_cannot_be_in_force_on_one_day(session):
    service = make_service(session)
    first = make_price(session, service)
    with pytest.raises(IntegrityError, match="ex_price_valid"), session.begin_nested():
        make_price(session, service, key=session.get(PriceKey, first.price_key_id), first=date(2026, 6, 1))


def test_migrations_go_down_and_up_and_match_the_models(database):
    config = Config(str(Path(__file__).resolve().parents[2] / "alembic.ini"))
    config.attributes["url"] = database.database_owner_url
    command.downgrade(config, "base")
    with psycopg.connect(database.database_owner_url.replace("+psycopg", "")) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
    assert [name for (name,) in left] == ["alembic_version"]
    command.upgrade(config, "head")
    command.check(config)
