"""Two processes at one Work at the same moment: nobody waits for the other where it need not, nobody slips in where it must not."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.database import make_engine
from services.work import call, claim, expire_leases, holds
from services.work.queueing import top_up


@pytest.fixture
def two(database):
    """Two sessions with a transaction each, over the same database."""
    engine = make_engine(database.database_url)
    with Session(engine) as first, Session(engine) as second:
        yield first, second
    engine.dispose()


def impatient(session: Session) -> None:
    """Fail instead of waiting for a lock, until the transaction ends."""
    session.execute(text("SET LOCAL lock_timeout = '100ms'"))


def begun(session: Session):
    work_id = call(session, "deliver_order", "k")
    assert work_id is not None
    mine = claim(session, work_id)
    assert mine is not None
    session.commit()
    return mine


def test_between_the_last_look_at_the_lease_and_the_commit_nobody_takes_it(two):
    worker, tick = two
    mine = begun(worker)
    worker.execute(text("UPDATE work SET lease_until = clock_timestamp() - interval '1 second'"))
    worker.commit()
    holds(worker, mine)
    impatient(tick)
    assert expire_leases(tick) == (0, [])
    tick.commit()
    worker.commit()
    assert expire_leases(tick) == (1, [])


def test_what_is_written_under_a_lease_keeps_it(two):
    """`holds` locks; a look that only reads would let the lease go between it and the commit."""
    worker, other = two
    holds(worker, begun(worker))
    impatient(other)
    with pytest.raises(OperationalError, match="lock timeout"):
        other.execute(text("UPDATE work SET lease_until = clock_timestamp()"))


def test_two_beats_share_the_due_work_and_never_wait(two):
    first, second = two
    for number in range(3):
        call(first, "deliver_order", f"k{number}")
    first.commit()
    assert len(top_up(first, "orders", 2)) == 2
    impatient(second)
    assert len(top_up(second, "orders", 10)) == 1
