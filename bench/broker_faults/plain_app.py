"""A throwaway Celery app. Settings (JSON in BENCH_CONF) and broker (BENCH_BROKER) come from whoever starts the worker."""

import json
import os
import signal
import time

from celery import Celery

from bench.broker_faults.journal import note

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_hijack_root_logger=False,
)
app.conf.update(json.loads(os.environ.get("BENCH_CONF", "{}")))


@app.task(name="nap")  # type: ignore[untyped-decorator]
def nap(name: str, seconds: float) -> None:
    """Take some time."""
    note(name, "start")
    time.sleep(seconds)
    note(name, "end")


@app.task(name="die", max_retries=3)  # type: ignore[untyped-decorator]
def die(name: str) -> None:
    """Kill the process that runs it, as the kernel's memory killer would."""
    note(name, "start")
    os.kill(os.getpid(), signal.SIGKILL)
