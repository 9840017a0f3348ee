"""The jobs about orders, as a worker does them: pages of a transaction each, and what a kill in between leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import text

from core.follow_up_settings import FollowUps
from core.order_settings import Orders
from schedules.jobs import jobs
from services.work import call_again
from tests.support.in_process import InProcess
from tests.support.ordering import World, make_world, order
from workers.tasks import order_generation


@contextmanager
def _now(here: InProcess, day: str) -> Iterator[None]:
    """The business clock at four in the morning of a day."""
    moment = datetime.fromisoformat(f"{day}T04:00:00+00:00")
    seconds = (moment - datetime.now(UTC)).total_seconds()
    here.rows("UPDATE business_clock SET offset_seconds = :seconds RETURNING 1", seconds=seconds)
    yield


def called(here: InProcess, kind: str) -> None:
    with here.transaction() as session:
        call_again(session, kind, kind)
    assert here.do_due(kind, getattr(order_generation, kind)) == 1


def counts(here: InProcess, kind: str) -> dict[str, int]:
    row = here.rows("SELECT outcome, counts FROM run WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind)[0]
    return {"outcome": row.outcome, **row.counts}


def monthly(here: InProcess) -> list[World]:
    here.configure(orders__period="monthly")
    with here.transaction() as session:
        worlds = [make_world(session) for _ in range(3)]
        for world in worlds:
            order(session, world.item, settings=Orders(period="monthly"))
        return worlds


def test_the_jobs_have_their_hour_after_the_budgets() -> None:
    table = {job.name: job.cron for job in jobs(FollowUps())}
    assert (table["recompute_budgets"], table["generate_orders"], table["watch_orders"]) == (
        "30 4 * * *",
        "0 5 * * *",
        "15 5 * * *",
    )


def test_generation_orders_what_is_due(here: InProcess) -> None:
    worlds = monthly(here)
    here.rows("UPDATE provider SET active = false WHERE id = :id RETURNING 1", id=worlds[1].provider.id)
    with _now(here, "2026-11-17"):
        called(here, "generate_orders")
    assert counts(here, "generate_orders") == {"outcome": "succeeded", "ordered": 2, "refused": 1}
    numbers = [row.number for row in here.rows("SELECT number FROM purchase_order ORDER BY number")]
    assert numbers == [f"T-2026-{place:06d}" for place in range(1, 6)]
    assert here.rows("SELECT count(*) AS n FROM work WHERE kind = 'deliver_order'")[0].n == 5
    with _now(here, "2026-11-18"):
        called(here, "generate_orders")
    assert counts(here, "generate_orders") == {"outcome": "nothing_to_do", "ordered": 0, "refused": 1}


def test_a_generation_that_was_killed_goes_on_where_it_was(here: InProcess) -> None:
    monthly(here)
    with _now(here, "2026-11-17"):
        with here.transaction() as session:
            work_id = call_again(session, "generate_orders", "generate_orders")
        here.die_doing(work_id, "workers.tasks.order_generation.generate_orders", "orders.stored")
        assert here.rows("SELECT count(*) AS n FROM purchase_order")[0].n == 3  # nothing of it was committed
        assert here.do_due("generate_orders", order_generation.generate_orders) == 1
    assert here.rows("SELECT count(*) AS n FROM purchase_order")[0].n == 6
    doubled = "SELECT plan_item_id FROM order_coverage GROUP BY plan_item_id, period HAVING count(*) > 1"
    assert here.rows(doubled) == []


def test_generation_first_looks_at_what_has_changed(here: InProcess) -> None:
    worlds = monthly(here)
    here.rows("UPDATE plan_item SET quantity = 16 WHERE id = :id RETURNING 1", id=worlds[0].item.id)
    here.rows("UPDATE decision SET ended_at = now() WHERE id = :id RETURNING 1", id=worlds[1].decision.id)
    with _now(here, "2026-11-17"):
        called(here, "generate_orders")
    assert counts(here, "generate_orders") == {"outcome": "succeeded", "ordered": 1, "refused": 1}


def test_what_nothing_speaks_against_is_ordered_by_night(here: InProcess) -> None:
    here.configure(orders__automatic="true", orders__automatic_up_to=2000)
    with here.transaction() as session:
        world = make_world(session)
        world.case.plan_date = world.decision.decided_on
        session.flush()
        order(session, world.item, settings=Orders(automatic_up_to=0), approver="avain", automatic=True)
    with _now(here, "2026-11-17"):
        called(here, "generate_orders")
    assert counts(here, "generate_orders")["ordered"] == 1
    assert here.rows("SELECT approved_by, automatic FROM purchase_order") == [("avain", True)]


def test_watching_says_what_it_found(here: InProcess) -> None:
    with here.transaction() as session:
        world, other = make_world(session), make_world(session)
        order(session, world.item)
        order(session, other.item)
        session.execute(text("UPDATE plan_item SET quantity = 16 WHERE id = :id"), {"id": world.item.id})
    here.rows("UPDATE purchase_order SET state = 'accepted' WHERE decision_id = :id RETURNING 1", id=other.decision.id)
    with _now(here, "2026-11-17"):
        called(here, "watch_orders")
    assert counts(here, "watch_orders")["proposed"] == 1
    with _now(here, "2027-06-17"):
        called(here, "watch_orders")
    found = counts(here, "watch_orders")
    assert (found["closed"], found["gone"]) == (1, 1)  # what is over is no question any more
