"""`make bench-orders`: how fast purchase orders are built, made in thousands, and taken to their providers. Writes bench/results/orders.json.

build_per_s: one core, from values to bytes that passed the schema and all rules (bench/order_load/building.py).
generate_10000_s: a county of as many decisions with three planned services each (bench/budget_load/world.py), one of each chosen and not yet
ordered. All are approved in one call, as one run of the job would: their budgets recomputed and locked, documents built and checked, orders with
numbers, lines, coverage, Work and audit stored, until the commit. Then what was stored is added up again.
ratio_dispatch: the worse of two channels (bench/order_load/dispatching.py), over the orders just made.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

from stdnum.fi import ytunnus

from bench import figures
from bench.budgets import Bench, timed
from bench.order_load.building import build_rate
from core import settings
from core.budget_settings import Budgets
from core.logging import configure_logging
from core.order_settings import Orders
from core.settings import Organisation
from services.orders.approving.approval import approve

RESULTS: Final = Path(__file__).with_name("results") / "orders.json"
LIMITS: Final = {
    "build_per_s": (">=", 500.0),
    "generate_10000_s": ("<=", 60.0),
    "ratio_dispatch": (">=", 0.7),
}
_DISPATCHING: Final = "bench.order_load.dispatching"
_ORDERED: Final = "ordered"

#: What the county lacks for ordering: addresses, contracts, and a business id that could be one.
_ORDERABLE: Final = """
    UPDATE provider SET business_id = valid.business_id, email = 'tilaukset-' || provider.id || '@tuottaja.invalid'
    FROM unnest(%(ids)s::bigint[], %(business_ids)s::text[]) AS valid(id, business_id) WHERE valid.id = provider.id;
"""
_CONTRACTS: Final = """
    INSERT INTO contract (provider_id, number, valid, price_rule) SELECT id, 'SOP-' || id, '[2020-01-01,2100-01-01)', '{}' FROM provider
"""
#: Rows out: of each decision the first planned service that somebody chose a provider for and nobody ordered.
_CHOSEN: Final = """
    SELECT DISTINCT ON (plan_item.decision_id) plan_item.id
    FROM plan_item JOIN choice ON choice.plan_item_id = plan_item.id
    WHERE NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id)
    ORDER BY plan_item.decision_id, plan_item.id
"""
#: Rows out: what was made: orders, what is delivered, covered and audited, and how often lines or bytes are not those of their order.
_MADE: Final = """
    SELECT count(*), count(work.id), sum(lines.count), sum(covered.count), count(audit_event.id),
           count(*) FILTER (WHERE lines.gross <> total_gross OR encode(sha256(document), 'hex') <> document_sha256)
    FROM purchase_order
    LEFT JOIN work ON work.key = 'deliver_order:' || number
    LEFT JOIN audit_event ON subject = 'order:' || number AND action = 'order.approved'
    CROSS JOIN LATERAL (SELECT count(*), sum(gross) AS gross FROM order_line WHERE order_id = purchase_order.id) AS lines
    CROSS JOIN LATERAL (SELECT count(*) FROM order_coverage WHERE order_id = purchase_order.id AND live) AS covered
    WHERE state = 'approved'
"""


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.orders", description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--dispatch", type=int, default=500, help="orders delivered by each side and channel")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long documents are built")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    found: dict[str, Any] = {"build_per_s": build_rate(chosen.seconds), "orders": chosen.orders}
    with figures.home() as home:
        county = Ordering(home, chosen.orders)
        found |= county.generated()
        found |= county.dispatched(chosen.dispatch)
    return figures.tell(found, chosen.json, LIMITS)


class Ordering(Bench):
    """The bench of budgets' county, in which things can be ordered."""

    def __init__(self, home: Path, orders: int) -> None:
        super().__init__(home, orders)
        self.fresh(_ORDERED)
        with self.connection(_ORDERED) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM provider ORDER BY id")]
            values = {"ids": ids, "business_ids": _business_ids(len(ids))}
            connection.execute(_ORDERABLE.encode(), values)
            connection.execute(_CONTRACTS.encode())

    def generated(self) -> dict[str, float | int]:
        """Seconds from the first lock to the commit of as many orders as there are decisions."""
        with self.connection(_ORDERED) as connection:
            items = [row[0] for row in connection.execute(_CHOSEN.encode())]
        self.settle(_ORDERED)
        with timed() as taken, self.session(_ORDERED) as session:
            done = approve(
                session,
                items,
                approver="bench",
                reason="measured",
                now=datetime.now(UTC),
                settings=Orders(),
                organisation=Organisation(),
                budgets=Budgets(),
            )
        assert len(done.orders) == len(items) == self.budgets, (
            len(done.orders),
            [str(one) for one in done.refused[:3]],
        )
        with self.connection(_ORDERED) as connection:
            made = connection.execute(_MADE.encode()).fetchone()
        assert made is not None
        orders, works, lines, covered, audited, wrong = made
        assert (orders, works, covered, audited, wrong) == (self.budgets,) * 4 + (0,), (orders, works, covered, wrong)
        return {"generate_10000_s": taken(), "generate_lines": int(lines)}

    def dispatched(self, each: int) -> dict[str, float]:
        """How near delivering comes to a bare loop."""
        if find_spec(_DISPATCHING) is None:
            return {}
        os.environ |= {
            "AVAIN_DATABASE_URL": self.app_url(_ORDERED),
            "AVAIN_REDIS_URL": self.running.redis_url,
            "AVAIN_HOME": str(self.home),
        }
        settings.settings.cache_clear()
        self.settle(_ORDERED)
        with (self.home / "dispatch.log").open("w") as log:  # written as by a worker, and read by nobody
            configure_logging("json", "INFO", stream=log)
            found: dict[str, float] = import_module(_DISPATCHING).ratio(each)
            configure_logging("console", "WARNING")
        return found


def _business_ids(wanted: int) -> list[str]:
    """Invented ones with a right check digit."""
    found: list[str] = []
    for number in count(9_100_001):  # the county has the first ones
        found.extend(f"{number}-{check}" for check in range(10) if ytunnus.is_valid(f"{number}-{check}"))
        if len(found) >= wanted:
            return found[:wanted]
    raise AssertionError


if __name__ == "__main__":
    sys.exit(main())
