"""`make bench-consistency`: how long it takes to look whether what is kept agrees with itself. Writes bench/results/consistency.json.

The county of the budgets' bench (bench/budget_load/world.py), its budgets calculated; beside them orders with documents of 6 kB, most of them of past
periods and closed, and Works of years that are done, each with its attempt. Everything is in order, and is found so.

night_s: what the job does at night, a sample of 200 budgets and everything else whole. all_s: `avain doctor --deep --all`. Then each check by itself,
and how much larger the process has become.
"""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy.orm import Session

from bench import figures
from bench.budgets import Bench, timed
from core import settings
from core.clock import business_today
from services.budgets import dirty
from services.consistency import examine
from services.consistency.examining import CHECKS
from services.consistency.scope import Scope

RESULTS: Final = Path(__file__).with_name("results") / "consistency.json"
LIMITS: Final = {"night_s": ("<=", 60.0), "all_s": ("<=", 300.0), "memory_mb": ("<=", 200.0)}
COUNTY: Final = "looked_at"

#: The orders there are get numbers and documents as real ones have; of every planned service as many more, closed long ago, as it takes.
_ORDERS: Final = """
    UPDATE purchase_order SET number = 'T-2026-' || to_char(placed.place, 'FM000000')
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM purchase_order) AS placed WHERE placed.id = purchase_order.id;
    INSERT INTO purchase_order (number, decision_id, provider_id, period, issue_date, state, channel, client_reference,
                                total_net, total_vat, total_gross, document, document_sha256, chosen_by, approved_by, approval_reason, approved_at)
    SELECT 'T-2026-' || to_char(n + first.count, 'FM000000'), item.decision_id, provider.id, daterange('2025-01-01', '2025-04-01'), '2025-01-01', 'closed',
           'email', 'old-' || n, 100 + n % 900, 0, 100 + n % 900, '', '', 'parent', 'bench', '', '2025-01-01'
    FROM (SELECT count(*)::int AS count FROM purchase_order) AS first
    CROSS JOIN LATERAL generate_series(1, {orders} - first.count) AS n
    CROSS JOIN (SELECT min(id) AS low, count(*)::int AS many FROM plan_item) AS items
    CROSS JOIN (SELECT min(id) AS low, count(*)::int AS many FROM provider) AS providers
    JOIN plan_item AS item ON item.id = items.low + n % items.many
    JOIN provider ON provider.id = providers.low + n % providers.many;
    INSERT INTO order_line (order_id, line_number, plan_item_id, price_id, extra, period, quantity, unit, amount, base_quantity,
                            vat_category, vat_rate, net, vat, gross)
    SELECT purchase_order.id, 1, items.low + (right(client_reference, -4)::int) % items.many, (SELECT min(id) FROM price), '', period, 1, 'C62', total_net, 1,
           'E', 0, total_net, 0, total_gross
    FROM purchase_order CROSS JOIN (SELECT min(id) AS low, count(*)::int AS many FROM plan_item) AS items WHERE client_reference LIKE 'old-%';
    INSERT INTO order_coverage (order_id, plan_item_id, period, live)
    SELECT order_id, plan_item_id, order_line.period, false FROM order_line JOIN purchase_order ON purchase_order.id = order_id WHERE state = 'closed';
    UPDATE purchase_order SET document = made.bytes, document_sha256 = encode(sha256(made.bytes), 'hex')
    FROM (SELECT id, convert_to(string_agg(md5(id || ' ' || n), ''), 'UTF8') AS bytes FROM purchase_order, generate_series(1, 190) AS n GROUP BY id) AS made
    WHERE made.id = purchase_order.id;
    INSERT INTO counter (series, value) SELECT 'T-2026', count(*) FROM purchase_order;
    INSERT INTO counter (series, value) SELECT 'HB-2026', count(*) FROM client_case;
"""

#: Years of work that is done, and a queue's worth that is due.
_WORKS: Final = """
    INSERT INTO work (kind, key, queue, arguments, attempts, created_at, next_at, done_at)
    SELECT kind, kind || ':bench:' || n, 'default', '{{}}', 1, at, at, CASE WHEN n > {works} / 1000 THEN at END
    FROM generate_series(1, {works}) AS n
    CROSS JOIN LATERAL (SELECT ('{{fetch_cases,sync_cases,fetch_prices,import_prices,plan_follow_ups,put_away_files}}'::text[])[n % 6 + 1] AS kind,
                               clock_timestamp() - n * interval '1 min' AS at) AS chosen;
    INSERT INTO run (work_id, kind, attempt, token, host, started_at, finished_at, outcome, counts)
    SELECT id, kind, 1, gen_random_uuid(), 'bench', next_at, next_at + interval '17 s', 'succeeded', '{{}}' FROM work WHERE key LIKE '%:bench:%';
    UPDATE run SET finished_at = started_at WHERE finished_at IS NULL;
"""


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.consistency", description=__doc__)
    parser.add_argument("--budgets", type=int, default=20_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--works", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    with figures.home() as home:
        found = Looking(home, chosen.budgets, chosen.orders, chosen.works).measured()
    return figures.tell(found, chosen.json, LIMITS)


class Looking(Bench):
    """The county with its history, all in order."""

    def __init__(self, home: Path, budgets: int, orders: int, works: int) -> None:
        super().__init__(home, budgets)
        self.sizes = {"orders": orders, "works": works}
        self.fresh(COUNTY)
        with self.connection(COUNTY) as connection:
            connection.execute("SET session_replication_role = replica")
            for statements in (_ORDERS, _WORKS):
                connection.execute(statements.format(**self.sizes).encode())
            connection.execute("UPDATE effects SET home = this_database()")
        with self.session(COUNTY) as session:
            today: date = business_today(session)
            dirty.mark_by_time_and_settings(session, today=today, settings=settings.settings().budgets)
        self.recomputed_all(COUNTY, changed=budgets)
        self.settle(COUNTY)

    def measured(self) -> dict[str, Any]:
        """Every figure."""
        engine, configured, process = self.engine(COUNTY), settings.settings(), psutil.Process()
        before = process.memory_info().rss
        with timed() as night:
            sampled = examine(engine, configured)
        with timed() as whole:
            everything = examine(engine, configured, whole=True)
        grown = process.memory_info().rss - before
        for one in (sampled, everything):
            assert not one.broken, one.to_json()
        found: dict[str, Any] = {"budgets": self.budgets, **self.sizes, "night_s": night(), "all_s": whole()}
        found["memory_mb"] = grown / 2**20
        with Session(engine) as session:
            scope = Scope(session, everything.day, configured.budgets)
            for check in CHECKS:
                with timed() as taken:
                    check(scope)
                found[f"{check.__name__}_s"] = taken()
        return found


if __name__ == "__main__":
    sys.exit(main())
