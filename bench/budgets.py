"""`make bench-budgets`: how fast budgets are recomputed, beside SQL by hand and beside a Celery task for each. Writes bench/results/budgets.json.

A county (bench/budget_load/world.py) in a template database; every measurement on a copy, after a checkpoint, all on one server.

ratio_sql: every price has changed since the budgets were calculated, and all of them are noted and recomputed as `avain budget recompute --all` does
it, history, comparison and notices included; divided by the shortest SQL by hand that writes the same lines and totals into empty
tables (bench/budget_load/by_hand.py). The two must agree on every figure. Avain calculates over two connections, its default, where SQL by hand
has but one; `ratio_sql_one_connection` is the same over a single one, `ratio_sql_first` the very first calculation. By hand counts the
better of its two runs, Avain its only one.
touched_100_s: one price changes; its budgets, and no others, are recomputed, from the notes to the last commit. The median of five prices.
compare_per_s: bench/budget_load/comparing.py. ratio_task_per_budget: one Celery task for each budget, two worker processes as Avain has them;
its seconds for each budget divided by those of ratio_sql's recomputation.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from bench import figures
from bench.broker_faults.rig import WORKER_WORDS, Process, wait
from bench.budget_load import by_hand, world
from core import embedded
from core.budget_settings import Budgets
from core.database import make_engine
from core.settings import ROOT
from services.budgets import dirty
from services.budgets.ceiling import freeze_ceilings
from services.budgets.recompute import Recomputed
from services.budgets.side_by_side import recompute_noted

RESULTS: Final = Path(__file__).with_name("results") / "budgets.json"
SETTINGS: Final = Budgets()
LIMITS: Final = {
    "ratio_sql": ("<=", 2.0),
    "touched_100_s": ("<", 1.0),
    "compare_per_s": (">=", 100.0),
    "ratio_task_per_budget": (">=", 20.0),
}
_COMPARING: Final = "bench.budget_load.comparing"
_ONE_EACH: Final = "bench.budget_load.one_each"
#: What both have written, so that they can be compared: every figure of every budget and of every line, without ids of their own.
_WRITTEN: Final = """
    SELECT (SELECT json_build_array(count(*), sum(hashtextextended(concat_ws('|', budget_id, ceiling, ceiling_price_id, invoiced, delivered, ordered,
                                                                             planned, free, state), 0)))
            FROM budget_version WHERE superseded_at IS NULL),
           (SELECT json_build_array(count(*), sum(hashtextextended(concat_ws('|', budget_id, plan_item_id, kind, extra, period, quantity, unit,
                                                                             price_id, order_line_id, amount, net, vat, gross), 0)))
            FROM budget_version JOIN budget_line ON version_id = budget_version.id WHERE superseded_at IS NULL)
"""

_FILLED: Final = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__)
    parser.add_argument("--budgets", type=int, default=200_000)
    parser.add_argument("--tasks", type=int, default=2_000, help="budgets that get a Celery task of their own")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    with figures.home() as home:
        found = Bench(home, chosen.budgets).measure(chosen.tasks)
    return figures.tell(found, chosen.json, LIMITS)


class Bench:
    """A server of its own, and a template database with the county, its budgets there but not calculated yet."""

    def __init__(self, home: Path, budgets: int) -> None:
        self.home = home
        self.budgets = budgets
        self.engine = lru_cache(lambda name: make_engine(self.app_url(name)))
        self.running = embedded.start(home / "var")
        with self._admin() as admin:
            admin.execute("CREATE DATABASE bench_template")
        configuration = Config(str(ROOT / "alembic.ini"))
        configuration.attributes["url"] = self.url("bench_template")
        command.upgrade(configuration, "head")
        with self.connection("bench_template") as connection:
            world.fill(connection, budgets, datetime.now(UTC).date())
        with self.session("bench_template") as session:
            freeze_ceilings(session, list(range(1, budgets + 1)))
        self.settle("bench_template")

    def measure(self, tasks: int) -> dict[str, Any]:
        """Every figure."""
        found: dict[str, Any] = {
            "budgets": self.budgets,
            "items": world.ITEMS_EACH * self.budgets,
            "prices": world.PRICES,
        }
        found |= self.first_and_changed()
        found |= self.touched()
        if find_spec(_COMPARING) is not None:
            found |= import_module(_COMPARING).measure(self.url("ours"))
        found |= self.one_task_each(tasks, found["changed_s"] / self.budgets)
        return found

    def first_and_changed(self) -> dict[str, float | int]:
        """The first calculation of all budgets, and one when all their prices have changed, beside the same by hand."""
        self.fresh("peer")
        by_hand_first = self.written_by_hand()
        self.fresh("ours")
        first = self.recomputed_all("ours", changed=self.budgets)
        self.agree()
        for name in ("ours", "peer"):
            with self.connection(name) as connection:
                world.raise_all(connection)
        with self.connection("peer") as connection:
            connection.execute("TRUNCATE budget_version, budget_line")
        by_hand_again = self.written_by_hand()
        changed = self.recomputed_all("ours", changed=self.budgets - self.unchanged())
        lines = self.agree()
        unchanged = self.recomputed_all("ours", changed=0)
        with self.connection("ours") as connection:
            world.raise_all(connection)
        alone = self.recomputed_all("ours", changed=self.budgets - self.unchanged(), connections=1)
        peer = min(by_hand_first, by_hand_again)
        return {
            "ratio_sql": changed / peer, "ratio_sql_first": first / peer, "ratio_sql_one_connection": alone / peer, "by_hand_s": peer,
            "first_s": first, "changed_s": changed, "one_connection_s": alone, "unchanged_s": unchanged, "lines": lines,
            "connections": SETTINGS.parallel,
        }  # fmt: skip

    def written_by_hand(self) -> float:
        """Seconds of the peer."""
        self.settle("peer")
        with timed() as taken:
            by_hand.write(self.dsn("peer"))
        return taken()

    def recomputed_all(self, name: str, *, changed: int, connections: int = SETTINGS.parallel) -> float:
        """Seconds that recomputing all budgets takes, from noting them to the last commit."""
        self.settle(name)
        with timed() as taken:
            with self.session(name) as session:
                dirty.mark_all(session, "prices")
            done = self.recomputed(name, connections)
        assert (done.recomputed, done.changed) == (self.budgets, changed), done
        return taken()

    def recomputed(self, name: str, connections: int = SETTINGS.parallel) -> Recomputed:
        """What is noted, calculated over so many connections."""
        return recompute_noted(lambda: self.session(name), settings=SETTINGS, threads=connections)

    def unchanged(self) -> int:
        """Budgets that no price of a provider can change: all they have was ordered, or has no provider."""
        with self.connection("ours") as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM budget_version WHERE superseded_at IS NULL AND planned = 0"
            ).fetchone() or (0,)
        return int(count)

    def agree(self) -> int:
        """How many lines there are. Both must have written the same, to the cent and the day."""
        said: list[Any] = []
        for name in ("ours", "peer"):
            with self.connection(name) as connection:
                # tables filled a moment ago, which nobody may have counted yet: joined row by row they take for ever
                connection.execute("ANALYZE budget_version, budget_line")
                said.append(connection.execute(_WRITTEN).fetchone())
        assert said[0] == said[1] is not None, said
        return int(said[0][1][0])

    def touched(self) -> dict[str, float | int]:
        """Seconds from a changed price to the last commit of the budgets it touches, and how many those are."""
        self.settle("ours")
        seconds = []
        for place in (0, 0.2, 0.4, 0.6, 0.8):
            with self.connection("ours") as connection:
                key, budgets = world.raise_one(connection, place)
            with timed() as taken:
                with self.session("ours") as session:
                    noted = dirty.mark_price_keys(session, [key])
                done = self.recomputed("ours")
            assert noted == done.recomputed == budgets, (noted, done, budgets)
            seconds.append(taken())
        return {"touched_100_s": median(seconds), "touched": budgets}

    def one_task_each(self, tasks: int, ours: float) -> dict[str, float | int]:
        """Seconds for each of so many budgets when each is a task, from the first message to the last commit, and how many times ours that is."""
        with self.connection("ours") as connection:
            world.raise_all(connection)
            newest = "SELECT count(*) FROM budget_version WHERE id > %s"
            (before,) = connection.execute("SELECT max(id) FROM budget_version").fetchone() or (0,)
            priced = "SELECT decision_id FROM budget JOIN budget_version ON budget_id = budget.id WHERE superseded_at IS NULL AND planned > 0"
            decisions = [
                row[0]
                for row in connection.execute(
                    f"{priced} ORDER BY decision_id % 97, decision_id LIMIT {tasks:d}".encode()
                )
            ]
        self.settle("ours")
        with self.worker(), self.connection("ours", autocommit=True) as connection:
            from bench.budget_load.one_each import app, recompute_one  # noqa: PLC0415 - it reads the broker from the environment

            with timed() as taken:
                with app.connection_for_write() as broker, app.amqp.Producer(broker) as producer:
                    for decision in decisions:
                        recompute_one.apply_async((decision,), producer=producer)
                done = wait(lambda: connection.execute(newest, [before]).fetchone() == (len(decisions),), 600)
            assert done is not None, "not all tasks were done"
        each = taken() / len(decisions)
        return {"ratio_task_per_budget": each / ours, "task_per_budget_s": each, "tasks": len(decisions)}

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker that does one task for each budget, with as many processes as Avain's."""
        os.environ |= {
            "BENCH_BROKER": self.running.redis_url,
            "BENCH_DATABASE": self.app_url("ours"),
        }
        words = ["-A", _ONE_EACH, "worker", "-c", str(SETTINGS.parallel), *WORKER_WORDS]
        process = Process(
            [sys.executable, "-m", "celery", *words],
            os.environ | {"PYTHONWARNINGS": "ignore"},
            self.home / "worker.log",
        )
        try:
            assert wait(lambda: process.said(" ready."), 60) is not None, process.last_words()
            yield
        finally:
            process.kill_group()

    def fresh(self, name: str) -> None:
        """A copy of the county under a name."""
        self.engine("bench_template").dispose()  # a template must not be in use
        with self._admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE bench_template")
        with self.connection(name) as connection:  # a copy lets nothing leave until it is told that it is at home
            connection.execute("UPDATE effects SET home = this_database()")

    def settle(self, name: str) -> None:
        """Let nothing of before disturb what is measured next: rows are counted, dead ones gone, all pages written.

        Empty tables are left alone: the planner then takes them for small, not for empty, as in any new database.
        """
        with self.connection(name, autocommit=True) as connection:
            for (table,) in connection.execute(_FILLED).fetchall():
                connection.execute(f"VACUUM ANALYZE {table}".encode())
            connection.execute("CHECKPOINT")

    @contextmanager
    def session(self, name: str) -> Iterator[Session]:
        """A transaction of the application's own account."""
        with Session(self.engine(name)) as session, session.begin():
            yield session

    @contextmanager
    def connection(self, name: str, *, autocommit: bool = False) -> "Iterator[psycopg.Connection[Any]]":
        """A connection of the owner's, committed at the end."""
        with psycopg.connect(self.dsn(name), autocommit=autocommit) as connection:
            yield connection

    def url(self, name: str) -> str:
        """The address of a database of the server."""
        before, _, after = self.running.database_owner_url.partition("?")
        return f"{before.rpartition('/')[0]}/{name}?{after}"

    def app_url(self, name: str) -> str:
        """The same for the application's account."""
        return self.url(name).replace("avain_owner@", "avain_app@")

    def dsn(self, name: str) -> str:
        """The owner's, as psycopg takes it."""
        return self.url(name).replace("+psycopg", "")

    def _admin(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.dsn("postgres"), autocommit=True)


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """The seconds that the block takes, told by what it yields: so far inside, all of them afterwards."""
    begun = time.perf_counter()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else time.perf_counter()) - begun
    ended.append(time.perf_counter())


if __name__ == "__main__":
    sys.exit(main())
