"""Nothing is ordered twice, on several connections at once: by holding what is decided on, and by the constraint behind it."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from models.order import PurchaseOrder
from services.orders.approval import Approved
from tests.support.ordering import make_world, order


@pytest.fixture
def engine(database: Embedded) -> Iterator[Engine]:
    engine = make_engine(database.database_url)
    yield engine
    engine.dispose()


def test_of_two_approvals_at_once_one_orders(engine) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        world = make_world(session)
    results: list[Approved] = []
    barrier = threading.Barrier(2)

    def approving() -> None:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            barrier.wait()
            results.append(order(session, world.item))

    threads = [threading.Thread(target=approving) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(result.orders) for result in results) == [0, 1]
    (made,) = [made for result in results for made in result.orders]
    (refused,) = [refused for result in results for refused in result.refused]
    assert refused.reason.params == {"order": made.number}
    with Session(engine) as session:
        assert len(session.scalars(select(PurchaseOrder)).all()) == 1


def test_the_database_forbids_what_was_not_held(engine) -> None:
    """An order stored by code that forgot to hold the items, committed after we looked: the constraint speaks, in a sentence."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        world = make_world(session)
        (made,) = order(session, world.item).orders
        session.execute(text("UPDATE order_coverage SET live = false"))
    results: list[Approved] = []
    with Session(engine) as careless, careless.begin():
        careless.execute(text("UPDATE order_coverage SET live = true WHERE order_id = :id"), {"id": made.id})

        def approving() -> None:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                results.append(order(session, world.item))

        thread = threading.Thread(target=approving)
        thread.start()
        with Session(engine) as watching:
            for _ in range(1000):
                waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                if watching.execute(text(waits)).scalar_one():
                    break
                watching.rollback()
                thread.join(0.01)
    thread.join()
    (result,) = results
    assert not result.orders
    assert result.refused[0].reason.text("en") == "Somebody else ordered it at the same moment."
    with Session(engine) as session:
        assert session.execute(text("SELECT value FROM counter WHERE series = 'T-2026'")).scalar_one() == 1
