"""`make bench-prices`: how fast price lists are planned and applied, beside code written by hand. Writes bench/results/prices.json.

The peer, in the same run: the shortest code that reads the same file and writes it into the same tables, without validation, plan or history
(bench/price_load/by_hand.py). Ratios are its seconds divided by ours, so 1.0 is as fast as it. Ours is reading the file and planning it against
what is in force, of which there is nothing yet, so that every row is new. Of each the best of three; each on a database of its own.
"""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from bench import figures
from bench.price_load import by_hand, lists
from connectors.prices import read_price_list
from connectors.prices.row import PriceDocument
from core import embedded
from core.database import make_engine
from core.settings import ROOT
from core.source_settings import PriceListSource
from services import prices

RESULTS: Final = Path(__file__).with_name("results") / "prices.json"
#: How fast planning must be, beside the peer, and how many seconds a list of unchanged prices may take on top of being read.
LEAST_RATIO: Final = 0.4
MOST_UNCHANGED: Final = 2.0
_TODAY: Final = date(2026, 11, 16)
_NOW: Final = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
_BEST_OF: Final = 3


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.prices", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--lines", type=int, default=20_000, help="of the T19 catalogue")
    parser.add_argument("--unchanged", type=int, default=50_000)
    chosen = parser.parse_args()
    with figures.home() as home:
        found = Bench(home).measure(chosen.rows, chosen.lines, chosen.unchanged)
    found["rows"] = chosen.rows
    limits = {name: (">=", LEAST_RATIO) for name in found if name.startswith("ratio_")}
    return figures.tell(found, RESULTS, limits | {"unchanged_s": ("<=", MOST_UNCHANGED)})


class Bench:
    """A server of its own, and a template database with the reference data."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.running = embedded.start(home / "var")
        self.source = PriceListSource(provider=lists.PROVIDER, path="unused")
        self.items = 0
        with self._admin() as admin:
            admin.execute("CREATE DATABASE bench_template")
        configuration = Config(str(ROOT / "alembic.ini"))
        configuration.attributes["url"] = self.url("bench_template")
        command.upgrade(configuration, "head")
        with psycopg.connect(self.dsn("bench_template")) as connection:
            lists.fill(connection)

    def measure(self, rows: int, lines: int, unchanged: int) -> dict[str, Any]:
        """Every figure."""
        found: dict[str, Any] = {}
        csv_file = lists.write_csv(self.home / "list.csv", rows)
        found |= self.ratio("csv", csv_file)
        found |= self.ratio("xlsx", lists.write_xlsx(self.home / "list.xlsx", rows))
        if find_spec("connectors.prices.ubl_catalogue") is not None:
            self.items = lines
            found |= self.ratio("t19", lists.write_t19(self.home / "list.xml", lines))
            self.items = 0
        found |= self.applying(csv_file)
        found |= self.unchanged(unchanged)
        return found

    def ratio(self, form: str, file: Path) -> dict[str, float]:
        """How fast a file is read and planned, beside the peer that reads and writes it."""
        self.fresh("peer")
        peer = best(lambda: by_hand.load(self.dsn("peer"), file), before=lambda: self.fresh("peer"))
        self.fresh("ours")
        ours = best(lambda: self.planned("ours", read(file)))
        return {f"ratio_{form}": peer / ours, f"peer_{form}_s": peer, f"plan_{form}_s": ours}

    def applying(self, file: Path) -> dict[str, float]:
        """New prices a second, once they are read: planned, written, their provenance with them."""
        document = read(file)
        seconds = best(lambda: self.imported("ours", document), before=lambda: self.fresh("ours"))
        return {"apply_s": seconds, "apply_per_s": len(document.rows) / seconds}

    def unchanged(self, count: int) -> dict[str, float]:
        """What a list that says what is in force costs on top of being read: planned, judged, and found to change nothing."""
        self.fresh("ours")
        document = read(lists.write_csv(self.home / "unchanged.csv", count))
        self.imported("ours", document)
        with psycopg.connect(self.dsn("ours"), autocommit=True) as connection:
            connection.execute("ANALYZE")
        seconds = best(lambda: self.imported("ours", document, outcome="nothing_to_do"))
        return {"unchanged_s": seconds, "unchanged_rows": count}

    def planned(self, database: str, document: PriceDocument) -> None:
        """Plan a list as `avain source plan` does."""
        engine = make_engine(self.url(database), pool_size=1)
        with Session(engine) as session:
            prepared = prices.prepare(session, "bench", self.source, document, _TODAY)
            assert prepared.plan.counts["added"] == len(document.rows), prepared.counts
            session.rollback()
        engine.dispose()

    def imported(self, database: str, document: PriceDocument, *, outcome: str = "succeeded") -> None:
        """Plan and apply a list as a worker does."""
        engine = make_engine(self.url(database), pool_size=1)
        with Session(engine) as session, session.begin():
            result = prices.import_price_list(session, "bench", self.source, document, run_id=1, now=_NOW)
            assert result.outcome == outcome, result
        engine.dispose()

    def fresh(self, name: str) -> None:
        """A database with the reference data alone, under a name."""
        with self._admin() as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name}")
            admin.execute(f"CREATE DATABASE {name} TEMPLATE bench_template")
            admin.execute("CHECKPOINT")
        if self.items:
            with psycopg.connect(self.dsn(name)) as connection:
                lists.fill_items(connection, self.items)

    def url(self, name: str) -> str:
        """The address of a database of the server."""
        before, _, after = self.running.database_owner_url.partition("?")
        return f"{before.rpartition('/')[0]}/{name}?{after}"

    def dsn(self, name: str) -> str:
        """The same, as psycopg takes it."""
        return self.url(name).replace("+psycopg", "")

    def _admin(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.running.database_owner_url.replace("+psycopg", ""), autocommit=True)


def read(file: Path) -> PriceDocument:
    """A file as a worker reads it."""
    document = read_price_list(file.read_bytes(), file_name=file.name)
    assert not document.rejections, document.rejections[0]
    return document


def best(work: Callable[[], object], *, before: Callable[[], object] = lambda: None) -> float:
    """Seconds of the best of three."""
    found = []
    for _ in range(_BEST_OF):
        before()
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


if __name__ == "__main__":
    sys.exit(main())
