"""Several recomputations at once: nothing is calculated twice, nothing is left, whoever dies or holds a budget."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets
from core.embedded import Embedded
from services.budgets import dirty
from services.budgets.recompute import Recomputed, Sweep
from services.budgets.side_by_side import recompute_noted
from services.work import call_again
from tests.factories.case import make_case, make_decision
from tests.support.in_process import InProcess, in_process
from workers.task import perform
from workers.tasks import budgets as task

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
MANY = 9


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """Nine decisions whose budgets have been noted."""
    with in_process(database, tmp_path, monkeypatch) as process:
        with process.transaction() as session:
            for _ in range(MANY):
                make_decision(session, make_case(session), granted_amount=Decimal(1000))
            dirty.mark_all(session, "asked")
        yield process


def versions(county: InProcess) -> int:
    return int(county.rows("SELECT count(*) AS n FROM budget_version")[0].n)


def chunk(county: InProcess, sweep: Sweep) -> Recomputed | None:
    with county.transaction() as session:
        return sweep.chunk(session, NOW)


def test_two_at_once_share_the_work(county):
    one, other = Sweep(Budgets(), limit=2), Sweep(Budgets(), limit=2)
    with county.transaction() as first, county.transaction() as second:
        assert one.chunk(first, NOW) == Recomputed(2, 2)
        assert other.chunk(second, NOW) == Recomputed(2, 2), "the budgets after those that are locked"
    total = 4
    for sweep in (one, other):
        while done := chunk(county, sweep):
            total += done.recomputed
    assert (total, versions(county)) == (MANY, MANY)
    assert not county.rows("SELECT id FROM budget_dirty")


def test_who_finds_all_that_is_left_locked_ends(county):
    sweep = Sweep(Budgets(), limit=2)
    with county.transaction() as holder:
        holder.execute(text("SELECT id FROM budget FOR NO KEY UPDATE"))
        with county.transaction() as session:
            assert sweep.chunk(session, NOW) is None
    with county.transaction() as session:
        assert sweep.chunk(session, NOW) == Recomputed(2, 2), "it begins anew, where they are free again"


def test_what_is_noted_behind_is_taken_in_another_round(county):
    sweep = Sweep(Budgets(), limit=8)
    with county.transaction() as session:
        assert sweep.chunk(session, NOW) == Recomputed(8, 8)
        (first,) = session.execute(text("SELECT min(decision_id) FROM budget")).one()
        dirty.mark_decisions(session, [first], "cases")
    with county.transaction() as session:
        assert sweep.chunk(session, NOW) == Recomputed(1, 1)
    with county.transaction() as session:
        assert sweep.chunk(session, NOW) == Recomputed(1, 0)
    with county.transaction() as session:
        assert sweep.chunk(session, NOW) is None


def test_many_notes_of_one_budget_are_taken_at_once(county):
    with county.transaction() as session:
        for _ in range(5):
            dirty.mark_all(session, "prices")
        assert Sweep(Budgets(), limit=3).chunk(session, NOW) == Recomputed(1, 1)
    assert county.rows("SELECT count(*) AS n FROM budget_dirty")[0].n == 6 * (MANY - 1)


def test_threads_calculate_each_budget_once(county):
    seen: list[int] = []
    done = recompute_noted(county.transaction, settings=Budgets(), threads=3, limit=2, show=seen.append)
    assert (done, versions(county)) == (Recomputed(MANY, MANY), MANY)
    assert (seen[-1], sorted(seen)) == (MANY, seen)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_thread_that_fails_ends_the_others_and_loses_nothing(county, threads):
    def fail(_done: int) -> None:
        raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="terminal"):
        recompute_noted(county.transaction, settings=Budgets(), threads=threads, show=fail)
    left = county.rows("SELECT count(*) AS n FROM budget_dirty")[0].n
    assert versions(county) + left == MANY


def test_a_task_with_much_to_do_calls_for_help(county, monkeypatch):
    monkeypatch.setattr(task, "CHUNK", 2)
    (begun,) = county.rows("SELECT id FROM work WHERE kind = 'recompute_budgets'")
    perform(begun.id, task.recompute_budgets)
    assert versions(county) == MANY
    helpers = county.rows("SELECT key, arguments FROM work WHERE kind = 'recompute_budgets' AND done_at IS NULL")
    assert [(row.key, row.arguments) for row in helpers] == [("recompute_budgets/2", {"helping": True})]
    assert county.do_due("recompute_budgets", task.recompute_budgets) == 1
    runs = county.rows("SELECT outcome FROM run WHERE kind = 'recompute_budgets' ORDER BY id")
    assert [row.outcome for row in runs] == ["succeeded", "nothing_to_do"]
    assert not county.rows("SELECT key FROM work WHERE done_at IS NULL")


def test_a_task_with_little_to_do_calls_nobody(county):
    county.do_due("recompute_budgets", task.recompute_budgets)
    assert not county.rows("SELECT key FROM work WHERE done_at IS NULL")


def test_a_helper_does_all_of_it_where_the_first_one_is_gone(county):
    with county.transaction() as session:
        call_again(session, "recompute_budgets", "recompute_budgets/2", helping=True)
    (helper,) = county.rows("SELECT id FROM work WHERE key = 'recompute_budgets/2'")
    perform(helper.id, task.recompute_budgets)
    assert versions(county) == MANY


@pytest.mark.parametrize(
    ("fault_point", "written"), [("budgets.spread", 0), ("budgets.taken", 0), ("budgets.written", MANY)]
)
def test_a_helper_that_is_killed_loses_nothing(county, fault_point, written):
    with county.transaction() as session:
        arguments: dict[str, Any] = {} if fault_point == "budgets.spread" else {"helping": True}
        call_again(session, "recompute_budgets", "recompute_budgets/2", **arguments)
    (helper,) = county.rows("SELECT id FROM work WHERE key = 'recompute_budgets/2'")
    county.die_doing(helper.id, "workers.tasks.budgets.recompute_budgets", fault_point)
    assert versions(county) == written
    county.do_due("recompute_budgets", task.recompute_budgets)
    assert (versions(county), county.rows("SELECT id FROM budget_dirty")) == (MANY, [])


def test_the_notes_of_a_run_are_spread_once_by_whoever_comes_first(county):
    county.rows("DELETE FROM budget_dirty RETURNING id")
    (run,) = county.rows(
        "WITH work AS (INSERT INTO work (kind, key, queue, arguments) VALUES ('sync_cases', 'x', 'sync', '{}') RETURNING id)"
        " INSERT INTO run (work_id, kind, attempt, token, host, counts)"
        " SELECT id, 'sync_cases', 1, gen_random_uuid(), '', '{}' FROM work RETURNING id"
    )
    with county.transaction() as session:
        session.execute(text("UPDATE client_case SET synced_run_id = :run"), {"run": run.id})
        dirty.mark_run(session, "cases", run.id)
    assert recompute_noted(county.transaction, settings=Budgets(), threads=2).recomputed == MANY
    assert versions(county) == MANY
