"""Avain's own Celery app, settings, guard, lease keeper and tick, with one harmless task in place of the real ones.

The task has an effect of each sort: a line in the journal (an outside effect that nothing guards) and a row written in the
transaction that closes the Work (what Avain keeps its books in).

    python -m bench.broker_faults.avain_app worker|beat

starts them the way `avain worker` does: `workers.app` has to be imported before Celery's command line is, or SIGTERM keeps its
plain meaning (see REMAP_SIGTERM there).
"""

import sys
import time

from sqlalchemy import text

from bench.broker_faults.avain_kind import KIND
from bench.broker_faults.journal import note
from services.work import QUEUES
from workers.app import app
from workers.groups import GROUPS, Group, run_beat, run_worker
from workers.task import Lease, work_task

app.conf.include = []


@work_task(KIND)
def act(lease: Lease) -> None:
    """Act on the outside, then close; `seconds` is how long the act takes."""
    note(lease.claimed.key, "start")
    time.sleep(float(lease.arguments.get("seconds", 0)))
    note(lease.claimed.key, "end")
    with lease.closing() as closing:
        closing.session.execute(text("INSERT INTO bench_effect (work_id) VALUES (:id)"), {"id": lease.claimed.work_id})


if __name__ == "__main__":
    if sys.argv[1] == "beat":
        run_beat()
    GROUPS["bench"] = Group(QUEUES, 2)
    run_worker(["bench"])
