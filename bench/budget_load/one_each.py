"""The other peer: one Celery task for every budget, as a county's system might have it. Its messages carry a decision's id and nothing else.

    celery -A bench.budget_load.one_each worker

BENCH_BROKER names the broker, BENCH_DATABASE the database. Celery's own defaults all the way; each task opens a session and calculates one budget
by the very function that Avain's recomputation of a single budget uses.
"""

import os
from functools import lru_cache

from celery import Celery
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import business_now
from core.database import make_engine
from services.budgets.recompute import recompute_now

app = Celery("one_each", broker=os.environ["BENCH_BROKER"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The engine of this child of the worker."""
    return make_engine(os.environ["BENCH_DATABASE"], pool_size=1)


@app.task(name="recompute_one")  # type: ignore[untyped-decorator]
def recompute_one(decision_id: int) -> None:
    """Calculate one budget and write what changed."""
    with Session(engine()) as session, session.begin():
        recompute_now(session, [decision_id], cause="prices", now=business_now(session), settings=Budgets())
