"""`make bench-reminders`: how fast follow-ups are planned, daily e-mails composed and sent. Writes bench/results/reminders.json.

plan_200k_s: a county of as many planned services (bench/budget_load/world.py), nearly all chosen, every thirty-third ordered, in cases of child
welfare: their checks, what waits for approval, orders without an answer and reviews of plans, none of them there before, as the nightly job plans
them, to the commit. `replan_s` is the next night, on which nothing has changed, `replan_moved_s` one on which every service has become a
week longer.
compose_per_s and ratio_smtp: bench/reminder_load/composing.py and sending.py.
"""

import argparse
import os
import sys
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from bench import figures
from bench.budget_load import world
from bench.budgets import Bench, timed
from core import settings
from core.follow_up_settings import FollowUps
from core.logging import configure_logging
from core.order_settings import Orders
from services.follow_ups.planning import PlanningResult, plan

RESULTS: Final = Path(__file__).with_name("results") / "reminders.json"
LIMITS: Final = {
    "plan_200k_s": ("<=", 60.0),
    "compose_per_s": (">=", 1000.0),
    "ratio_smtp": (">=", 0.5),
}
_COMPOSING: Final = "bench.reminder_load.composing"
_SENDING: Final = "bench.reminder_load.sending"
_PLANNED: Final = "planned"
_FOLLOW_UPS: Final = FollowUps(child_welfare_units=["Y-1"])

#: What the county lacks for being followed up: plans that were made, and orders that went out.
_FOLLOWED: Final = """
    UPDATE client_case SET plan_date = date '{today}' - (id % 200)::int;
    UPDATE purchase_order SET sent_at = approved_at;
"""
_LONGER: Final = "UPDATE plan_item SET period = daterange(lower(period), upper(period) + 7)"
#: Rows out: how many there are of each kind, and how many fall on a day at the weekend.
_MADE: Final = """
    SELECT jsonb_object_agg(kind, made), sum(made), sum(at_weekends)
    FROM (SELECT kind, count(*) AS made, count(*) FILTER (WHERE extract(isodow FROM due) > 5) AS at_weekends
          FROM follow_up WHERE state = 'open' GROUP BY kind) AS kinds
"""


def main() -> int:
    """Measure; 0 when every figure is within its limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.reminders", description=__doc__)
    parser.add_argument("--items", type=int, default=200_000, help="planned services, rounded up to whole cases")
    parser.add_argument("--workers", type=int, default=20_000, help="workers whose mails are composed")
    parser.add_argument("--mails", type=int, default=2_000, help="mails sent by each side")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures go")
    chosen = parser.parse_args()
    found: dict[str, Any] = {}
    with figures.home() as home:
        county = Reminding(home, -(-chosen.items // world.ITEMS_EACH))
        # what leaves the least behind first: the database tidies up for minutes after a planning
        found |= county.taken(_SENDING, "ratio", chosen.mails)
        found |= county.taken(_COMPOSING, "compose_rate", chosen.workers)
        found |= county.planned()
    return figures.tell(found, chosen.json, LIMITS)


class Reminding(Bench):
    """The bench of budgets' county, in which things are followed up."""

    def planned(self) -> dict[str, float | int]:
        """Seconds of a first planning, of one when nothing has changed, and of one when all services have."""
        today = datetime.now(UTC).date()
        self.fresh(_PLANNED)
        with self.connection(_PLANNED) as connection:
            connection.execute(_FOLLOWED.format(today=today).encode())
        first, made = self._plan(today)
        with self.connection(_PLANNED) as connection:
            row = connection.execute(_MADE.encode()).fetchone()
        assert row is not None
        kinds, rows, at_weekends = row
        assert (made.added, made.moved, made.dropped, at_weekends) == (rows, 0, 0, 0), (made, kinds)
        items = world.ITEMS_EACH * self.budgets
        assert made.items >= items * 0.99, made
        assert kinds["final"] >= items * 0.99, kinds
        again, unchanged = self._plan(today)
        assert (unchanged.added, unchanged.moved, unchanged.dropped) == (0, 0, 0), unchanged
        with self.connection(_PLANNED) as connection:
            connection.execute(_LONGER.encode())
        moving, moved = self._plan(today)
        assert moved.moved >= items, moved
        return {
            "plan_200k_s": first, "replan_s": again, "replan_moved_s": moving, "items": items, "follow_ups": int(rows),
            "moved": moved.moved,
        }  # fmt: skip

    def _plan(self, today: date) -> tuple[float, PlanningResult]:
        self.settle(_PLANNED)
        with timed() as taken, self.session(_PLANNED) as session:
            made = plan(session, None, today, _FOLLOW_UPS, Orders())
        return taken(), made

    def taken(self, module: str, function: str, count: int) -> dict[str, Any]:
        """What another measurement finds, if it is there; the environment names a county of its own."""
        if find_spec(module) is None:
            return {}
        name = function
        self.fresh(name)
        os.environ |= {
            "AVAIN_DATABASE_URL": self.app_url(name),
            "AVAIN_DATABASE_OWNER_URL": self.url(name),
            "AVAIN_REDIS_URL": self.running.redis_url,
            "AVAIN_HOME": str(self.home),
        }
        settings.settings.cache_clear()
        self.settle(name)
        with (self.home / f"{function}.log").open("w") as log:  # written as by a worker, and read by nobody
            configure_logging("json", "INFO", stream=log)
            found: dict[str, Any] = getattr(import_module(module), function)(count)
            configure_logging("console", "WARNING")
        return found


if __name__ == "__main__":
    sys.exit(main())
