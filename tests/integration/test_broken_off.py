"""Whoever waits for a statement and is told to end takes the statement along: nothing goes on at the server, holding its locks."""

import time

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.database import make_engine
from tests.support.interrupting import ENDINGS, interrupted

OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'"
)


@pytest.fixture
def engine(database):
    made = make_engine(database.database_url)
    yield made
    made.dispose()


def long_query(session):
    session.execute(text("SELECT pg_sleep(60)"))


def long_copy(session):
    """The server takes in what is copied, and thinks about it at the end."""
    session.execute(text("CREATE TEMP TABLE taken (n int CHECK (n <> 2 OR pg_sleep(60) IS NULL))"))
    with session.connection().connection.cursor().copy("COPY taken FROM STDIN") as copy:
        copy.write("1\n2\n")


@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("act", [long_query, long_copy])
def test_a_statement_ends_with_who_waits_for_it(engine, how, act):
    with Session(engine) as first, first.begin():
        first.execute(text("INSERT INTO unit (code, name) VALUES ('A', 'a')"))
    began = time.monotonic()
    with interrupted(how), Session(engine) as session, session.begin():
        session.execute(text("UPDATE unit SET name = 'half' WHERE code = 'A'"))
        act(session)
    with Session(engine) as other, other.begin():
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert (
            other.execute(text("UPDATE unit SET name = name || '!' WHERE code = 'A' RETURNING name")).scalar() == "a!"
        )
        assert other.execute(OTHERS).scalar() == 0
    assert time.monotonic() - began < 10


def test_a_limit_within_a_wait_for_a_lock_leaves_a_usable_connection(engine):
    with Session(engine) as first, first.begin():
        first.execute(text("INSERT INTO unit (code, name) VALUES ('A', 'a')"))
    with Session(engine) as holder, holder.begin():
        holder.execute(text("UPDATE unit SET name = 'held' WHERE code = 'A'"))
        with engine.connect() as waiting:
            with interrupted(SoftTimeLimitExceeded()):
                waiting.execute(text("UPDATE unit SET name = 'b' WHERE code = 'A'"))
            waiting.rollback()
            assert waiting.execute(text("SELECT 1")).scalar() == 1
