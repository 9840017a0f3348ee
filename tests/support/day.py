"""One day of an installation, as a life that a test may end at any step and begin again (tests/support/lives.py).

It reads the sources, chooses, approves, delivers, reminds, and ends when nothing is left to do.
Every phase looks at what is there already, as a person or a tick does who comes back after a crash. Work is done as a worker's child does
it, found by the tick; what the queue holds is thrown away each time, for nothing may depend on it.
"""

from datetime import datetime

import redis
from sqlalchemy import text

import workers.tasks  # noqa: F401 - registers them
from core.clock import business_now, move_business_clock
from core.database import redis_url, transaction
from core.i18n import HELSINKI
from core.redis import redis_client_url
from core.settings import ROOT, settings
from services.orders.approving.approval import approve
from services.orders.approving.choosing import choose
from services.sources import all_sources, call_fetch
from services.work import QUEUES, call
from tests.support.reference_data import import_all
from workers.app import app
from workers.tick import tick

DATA = ROOT / "demo" / "data"
MORNING = datetime(2026, 11, 16, 9, 0, tzinfo=HELSINKI)
REMINDERS = datetime(2026, 12, 7, 9, 0, tzinfo=HELSINKI)
CHOICES = {"LC-1001": "9999996-8", "LC-1002": "9999996-8", "LC-1003": "9999997-6", "LC-1004": "9999998-4"}


def live() -> None:
    """The day, from wherever it was left."""
    if not _rows("SELECT 1 FROM worker"):
        with transaction() as session:
            move_business_clock(session, MORNING)
            import_all(session, DATA, MORNING)
    for kind in ("prices", "cases"):
        with transaction() as session:
            for source in all_sources(settings().sources):
                if source.kind == kind and not _rows(
                    "SELECT 1 FROM work WHERE key LIKE :key", key=f"fetch_{kind}:{source.name}:%"
                ):
                    call_fetch(session, source, "day")
        _drain()
    _choose()
    _drain()
    _approve()
    _drain()
    with transaction() as session:
        if business_now(session) < REMINDERS:
            move_business_clock(session, REMINDERS)
        call(session, "daily_reminders", "daily_reminders@test")
    _drain()


def _choose() -> None:
    for case, business_id in CHOICES.items():
        (item,) = _rows(
            "SELECT plan_item.id, EXISTS (SELECT FROM choice WHERE plan_item_id = plan_item.id) AS chosen FROM plan_item"
            " JOIN client_case ON client_case.id = case_id WHERE client_case.external_id = :case",
            case=case,
        )
        (provider,) = _rows("SELECT id FROM provider WHERE business_id = :id", id=business_id)
        if not item.chosen:
            with transaction() as session:
                choose(
                    session,
                    item.id,
                    provider.id,
                    chosen_by="parent",
                    actor="cli:test",
                    reason="",
                    now=MORNING,
                    budgets=settings().budgets,
                )


def _approve() -> None:
    open_items = [
        row.id
        for row in _rows(
            "SELECT id FROM plan_item WHERE id NOT IN (SELECT plan_item_id FROM order_coverage WHERE live) ORDER BY id"
        )
    ]
    configured = settings()
    if open_items:
        with transaction() as session:
            done = approve(
                session, open_items, approver="cli:boss", reason="", now=MORNING,
                settings=configured.orders, organisation=configured.organisation, budgets=configured.budgets,
            )  # fmt: skip
            assert not done.refused, [one.reason.text("en") for one in done.refused]


def _drain() -> None:
    """Tick and do what is due until nothing is, waits for retries included."""
    while True:
        tick()
        with redis.Redis.from_url(redis_client_url(redis_url())) as client:
            client.delete(*QUEUES)
        due = _rows("SELECT id, kind FROM work WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL ORDER BY id")
        if not due:
            return
        _rows(
            "UPDATE work SET next_at = clock_timestamp() WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL RETURNING id"
        )
        for row in due:
            app.tasks[row.kind](work_id=row.id)


def _rows(sql: str, **values: object) -> list:  # type: ignore[type-arg]
    with transaction() as session:
        return list(session.execute(text(sql), values).all())
