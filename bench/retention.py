"""`make bench-retention`: how long it takes to say what is over its time, and to remove it. Writes bench/results/retention.json.

The county of the consistency check's bench, with orders of several years, each delivered by a Work and billed. One case in ten was closed long ago, and nothing of it is under way any more.

report_s: what `avain retention report` asks. night_s: the night that removes them all, batch by batch. longest_batch_s: for so long at most nobody
else writes cases. again_s: the night after it, which finds nothing.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from bench import figures
from bench.budgets import timed
from bench.consistency import COUNTY, Looking
from core import settings
from core.clock import business_now, business_today
from core.identity import RecordHasher
from services.retention import Removed, Sweep, report
from services.retention.rules import FAMILY, WORKING_AGE, rules

RESULTS: Final = Path(__file__).with_name("results") / "retention.json"
LIMITS: Final = {
    "report_s": ("<=", 5.0),
    "longest_batch_s": ("<=", 2.0),
    "cases_per_s": (">=", 100.0),
    "again_s": ("<=", 5.0),
}

#: Every order was delivered by a Work and billed; one case in ten is over its time.
_AGED: Final = """
    UPDATE client_case SET status = 'closed', closed_at = '1990-01-01' WHERE id % 10 = 0;
    UPDATE purchase_order SET state = 'closed' FROM decision WHERE decision.id = decision_id AND case_id % 10 = 0;
    INSERT INTO work (kind, key, queue, arguments, attempts, subject_id, created_at, next_at, done_at)
    SELECT 'deliver_order', 'deliver_order:' || number, 'orders', '{}', 1, id, approved_at, approved_at, approved_at FROM purchase_order;
    INSERT INTO run (work_id, kind, attempt, token, host, started_at, finished_at, outcome, counts)
    SELECT id, kind, 1, gen_random_uuid(), 'bench', done_at, done_at, 'succeeded', '{}' FROM work WHERE kind = 'deliver_order';
    INSERT INTO invoice (kind, provider_id, number, issue_date)
    SELECT 'invoice', provider_id, purchase_order.number, CASE WHEN case_id % 10 = 0 THEN '1990-01-01' ELSE upper(period) END
    FROM purchase_order JOIN decision ON decision.id = decision_id;
    INSERT INTO invoice_line (invoice_id, order_line_id, net, vat, gross)
    SELECT invoice.id, order_line.id, net, vat, gross
    FROM invoice JOIN purchase_order USING (provider_id, number) JOIN order_line ON order_id = purchase_order.id;
"""


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.retention", description=__doc__)
    parser.add_argument("--budgets", type=int, default=20_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--works", type=int, default=100_000)
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    with figures.home() as home:
        found = Removing(home, chosen.budgets, chosen.orders, chosen.works).measured()
    return figures.tell(found, chosen.json, LIMITS)


class Removing(Looking):
    """The county, a tenth of which is over its time."""

    def measured(self) -> dict[str, Any]:
        """Every figure."""
        with self.connection(COUNTY) as connection:
            connection.execute(_AGED.encode())
        self.settle(COUNTY)
        with self.session(COUNTY) as session, timed() as said:
            due = self._report(session)
        with timed() as night:
            removed, longest = self._night()
        with timed() as again:
            nothing, _ = self._night()
        cases = sum(removed.classes.values())
        assert (cases, sum(nothing.classes.values())) == (due, 0), (due, removed, nothing)
        return {
            "budgets": self.budgets, **self.sizes, "cases": cases, "rows": removed.rows.total(), "report_s": said(), "night_s": night(),
            "cases_per_s": cases / night(), "longest_batch_s": longest, "again_s": again(),
        }  # fmt: skip

    @staticmethod
    def _report(session: Session) -> int:
        configured = settings.settings()
        found = report(session, configured.retention, configured.audit, today=business_today(session))
        return sum(line.due for line in found.lines if line.name in {FAMILY, WORKING_AGE})

    def _night(self) -> tuple[Removed, float]:
        """What the nightly job does. What went, and the longest batch in seconds."""
        configured, total, longest = settings.settings().retention, Removed(), 0.0
        with self.session(COUNTY) as session:
            standing = rules(configured, business_today(session))
        sweep = Sweep(standing, RecordHasher("b" * 32), most=self.budgets, actor="bench")
        while True:
            with timed() as taken, self.session(COUNTY) as session:
                done = sweep.batch(session, business_now(session))
            if done is None:
                return total, longest
            total += done
            longest = max(longest, taken())


if __name__ == "__main__":
    sys.exit(main())
