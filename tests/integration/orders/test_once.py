"""Nothing is ordered twice, on several connections at once: by holding what is decided on, and by the constraint behind it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.database import make_engine
from core.embedded import Embedded
from core.order_settings import Orders
from core.settings import Organisation
from models.order import OrderLine, PurchaseOrder
from services.budgets.recompute import recompute_now
from services.orders.approving import approval, generating
from services.orders.approving.approval import Approved
from services.orders.approving.choosing import choose
from services.orders.weighing.items import hold
from tests.factories.price import make_price
from tests.support.ordering import CHOOSER, NOW, make_orderable_provider, make_world, order


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


def test_of_two_nights_at_once_one_orders_the_month(engine) -> None:
    rules: dict[str, Any] = {
        "now": datetime(2026, 11, 17, 4, tzinfo=UTC),
        "settings": Orders(period="monthly"),
        "organisation": Organisation(),
        "budgets": Budgets(),
    }
    with Session(engine, expire_on_commit=False) as session, session.begin():
        world = make_world(session)
        assert order(session, world.item, settings=rules["settings"]).orders
    pages: list[generating.Page | None] = []
    barrier = threading.Barrier(2)

    def a_night() -> None:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            barrier.wait()
            pages.append(generating.order_due_months(session, **rules))

    threads = [threading.Thread(target=a_night) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(page.orders) for page in pages if page) == 1
    assert not [refused for page in pages if page for refused in page.refused]
    with Session(engine) as session:
        assert session.execute(text("SELECT count(*) FROM order_coverage WHERE live")).scalar_one() == 2
        assert session.execute(text("SELECT value FROM counter WHERE series = 'T-2026'")).scalar_one() == 2


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


def test_a_choice_just_before_an_order_is_ordered_at_its_own_price(engine, monkeypatch) -> None:
    """Somebody else's choice is committed the moment before the approval gets hold of the item."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        world = make_world(session)
        other = make_orderable_provider(session, world.service)
        make_price(session, world.service, other, "49.00")

    def late_hold(session: Session, plan_item_ids: list[int]) -> None:
        with Session(engine) as somebody, somebody.begin():
            choose(
                somebody,
                world.item.id,
                other.id,
                chosen_by="parent",
                actor=CHOOSER,
                reason="",
                now=NOW,
                budgets=Budgets(),
            )
        hold(session, plan_item_ids)

    monkeypatch.setattr(approval, "hold", late_hold)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        (made,) = order(session, world.item).orders
        (line,) = session.scalars(select(OrderLine))
    assert (made.provider_id, line.amount, made.total_gross) == (other.id, Decimal(49), Decimal(588))


def test_no_order_is_written_at_another_providers_price(engine, monkeypatch) -> None:
    """Even if the budget was not recomputed after the choice."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        world = make_world(session)
        other = make_orderable_provider(session, world.service)
        make_price(session, world.service, other, "49.00")
        recompute_now(session, [world.decision.id], cause="cases", now=NOW, settings=Budgets())
        choose(
            session, world.item.id, other.id, chosen_by="parent", actor=CHOOSER, reason="", now=NOW, budgets=Budgets()
        )
        monkeypatch.setattr(approval, "recompute_now", lambda *_, **__: None)
        (refused,) = order(session, world.item).refused
    assert "another provider" in refused.reason.text("en")
