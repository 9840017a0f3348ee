"""Recomputation killed at every step, and many at once: each budget is in the end what the oracle says, with one version of it.

Real PostgreSQL and processes, which die by SIGKILL. What is calculated are random cases (tests/support/budget_worlds.py), so that the
end state is known without an undisturbed run.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Barrier, Event

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now, move_business_clock
from core.database import make_engine
from core.embedded import Embedded
from core.i18n import HELSINKI
from services.budgets import dirty
from services.budgets.recompute import Recomputed, anything_noted
from tests.factories.worker import make_worker
from tests.support.budget_oracle import Limits
from tests.support.budget_play import Play
from tests.support.budgets import current_version, recompute_dirty
from tests.support.family import SETTINGS
from tests.support.installation import Installation, installation
from tests.support.lives import Lives
from tests.support.ordering import NOW, add_item, make_world, order

MORNING = datetime(2028, 2, 29, 9, 0, tzinfo=HELSINKI)
#: Cases of which there are two chunks of budgets.
CASES = 1_000
#: The steps at which one process after another dies, and how often it passes them before; none of what is done is left to the next
#: but what it committed.
DEATHS = [
    ("work.claimed", 1),
    ("budgets.spread", 1),
    ("budgets.taken", 1),
    ("budgets.taken", 2),
    ("budgets.written", 1),
    ("work.before_close", 1),
    ("work.after_close", 1),
]
#: What there must be none of.
NOTHING = {
    "two versions in force": "SELECT budget_id FROM budget_version WHERE superseded_at IS NULL GROUP BY budget_id HAVING count(*) > 1",
    "versions without a change": "SELECT budget_id FROM budget_version GROUP BY budget_id HAVING count(*) > 1",
    "budgets without a version": "SELECT id FROM budget WHERE id NOT IN (SELECT budget_id FROM budget_version)",
    "notes": "SELECT id FROM budget_dirty",
    "news told twice": "SELECT budget_id FROM notice JOIN budget_version AS told ON event = 'budget version ' || told.id GROUP BY budget_id HAVING count(*) > 1",
    "work": "SELECT key FROM work WHERE kind = 'recompute_budgets' AND done_at IS NULL",
    "open runs": "SELECT id FROM run WHERE kind = 'recompute_budgets' AND finished_at IS NULL",
}


def cases(here: Installation, count: int) -> Play:
    """So many random cases to which everything has happened, each budget noted."""
    with Session(here.engine) as session, session.begin():
        worker = make_worker(session)
        play = Play(session, Random(5))
        play.limits = Limits(SETTINGS.near_limit, SETTINGS.tolerance, SETTINGS.close_after_days)
        play.begin(range(count))
        play.happen(1)
        session.execute(text("UPDATE client_case SET responsible_worker_id = :id"), {"id": worker.id})
        session.execute(text("UPDATE work SET done_at = now()"))  # of the list the prices came by
        dirty.mark_all(session, "asked")
        move_business_clock(session, MORNING)
    return play


def check(here: Installation, play: Play) -> None:
    """All is calculated, once, and right."""
    assert {what: found for what, sql in NOTHING.items() if (found := here.rows(sql))} == {}
    with Session(here.engine) as session:
        play.session, play.now = session, business_now(session)
        play.check()
    over = here.rows("SELECT id FROM budget_version WHERE state = 'over'")
    told = here.rows("SELECT event FROM notice WHERE kind = 'budget_over'")
    assert {row.event for row in told} == {f"budget version {row.id}" for row in over}
    assert len(told) == len(over) > 50


@pytest.fixture
def here(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with installation(database, tmp_path) as running:
        yield running


@pytest.mark.slow
def test_killed_at_every_step(here: Installation, lives: Lives) -> None:
    play = cases(here, CASES)
    written = [0]
    for point, passes in [*DEATHS, (None, 0)]:
        fault = {} if point is None else {"FAULT_POINT": point, "FAULT_PASS": str(passes)}
        log = here.home / "log"
        code = lives.live("calculate", here.env(**fault), log)
        assert code == (0 if point is None else -9), (point, log.read_text(errors="replace")[-3000:])
        # 20 seconds, skipped; and so many deaths would be given up
        here.execute("UPDATE work SET lease_until = clock_timestamp(), attempts = 1 WHERE token IS NOT NULL")
        written.append(here.rows("SELECT count(*) AS n FROM budget_version")[0].n)
    assert written == sorted(written)
    assert len(set(written)) > 3, "what was committed before a death stayed"
    outcomes = Counter(row.outcome for row in here.rows("SELECT outcome FROM run WHERE kind = 'recompute_budgets'"))
    assert outcomes["lost"] == len(DEATHS) - 1, "one had closed already"
    check(here, play)


@pytest.mark.slow
def test_a_workers_child_is_killed_and_another_goes_on(here: Installation) -> None:
    """As operators run it: a worker and a beat, of which nobody takes notice."""
    play = cases(here, CASES)
    once = here.home / "happened"
    here.start("worker", "--group", "inside", FAULT_POINT="budgets.taken", FAULT_PASS="2", FAULT_ONCE=str(once))
    here.start("beat")
    here.wait(once.exists)
    here.execute("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL")  # 20 s, skipped
    here.wait(lambda: not here.rows("SELECT FROM budget_dirty") and not here.rows("SELECT FROM work WHERE done_at IS NULL AND kind = 'recompute_budgets'"))  # fmt: skip
    outcomes = [
        row.outcome for row in here.rows("SELECT outcome FROM run WHERE kind = 'recompute_budgets' ORDER BY id")
    ]
    assert "lost" in outcomes
    check(here, play)


def test_two_recomputations_and_approvals_at_once(database: Embedded) -> None:
    """Nobody waits for somebody who waits, whatever is noted meanwhile; what is ordered is ordered on figures nobody else changes."""
    engine = make_engine(database.database_url, pool_size=8)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        worlds = [make_world(session) for _ in range(24)]
        items = [[world.item.id, add_item(session, world).id] for world in worlds]
        dirty.mark_all(session, "asked")
    together, over = Barrier(4), Event()

    def recompute() -> Recomputed:
        together.wait()
        total, idle = Recomputed(), False
        while not idle:
            idle = over.is_set()
            with Session(engine) as session, session.begin():
                done = recompute_dirty(session, now=NOW, settings=SETTINGS, limit=5)
            total, idle = total + done, idle and not done.recomputed
        return total

    def approve() -> int:
        together.wait()
        ordered = 0
        for chosen in zip(*(iter(items),) * 3, strict=True):
            with Session(engine) as session, session.begin():
                # of several budgets at once, in an order of its own
                approved = order(session, *[item for pair in reversed(chosen) for item in pair])
                ordered += len(approved.orders)
                assert not approved.refused
        return ordered

    def note() -> None:
        together.wait()
        for turn in range(30):
            with Session(engine) as session, session.begin():
                dirty.mark_decisions(session, [world.decision.id for world in worlds[turn % 3 :: 3]], "prices")

    with ThreadPoolExecutor(4) as pool:
        recomputing = [pool.submit(recompute) for _ in range(2)]
        ordering, noting = pool.submit(approve), pool.submit(note)
        assert ordering.result(timeout=60) == len(worlds)
        noting.result(timeout=60)
        over.set()
        assert sum(one.result(timeout=60).recomputed for one in recomputing) >= len(worlds)
    with Session(engine) as session:
        assert not anything_noted(session)
        for world in worlds:
            version = current_version(session, world.decision.id)
            assert (version.ordered, version.planned, version.free) == (Decimal(1556), Decimal(0), Decimal(444))
        twice = session.execute(text(_SAME_AS_BEFORE)).all()
        assert not twice
        dirty.mark_all(session, "asked")
        again = [recompute_dirty(session, now=NOW, settings=SETTINGS) for _ in range(2)]
        assert again == [Recomputed(recomputed=len(worlds)), Recomputed()]
    engine.dispose()


#: Versions whose figures and lines are those of the version before.
_SAME_AS_BEFORE = """
    SELECT budget_id FROM (
        SELECT budget_id, figures, lag(figures) OVER (PARTITION BY budget_id ORDER BY id) AS before
        FROM (
            SELECT version.id, budget_id, ROW(ceiling, invoiced, delivered, ordered, planned, free, state, reasons, ARRAY(
                SELECT ROW(plan_item_id, kind, extra, period, quantity, price_id, order_line_id, gross)
                FROM budget_line WHERE version_id = version.id ORDER BY plan_item_id, kind, extra, period, order_line_id
            )) AS figures
            FROM budget_version AS version
        ) AS known
    ) AS told WHERE figures = before
"""
