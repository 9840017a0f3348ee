"""Faults of a connection: cut while a task runs; half-open, with one side believing in it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.broker_faults.deaths import LATE_REJECTING
from bench.broker_faults.rig import Rig, Row, measurement
from tests.chaos.whole.wire import wire

HALF_OPEN_PATIENCE = 200


@measurement
def connection_cut(rig: Rig) -> Iterator[Row]:
    """CLIENT KILL of every connection in the middle of a task of 8 s, two slots."""
    settings: dict[str, dict[str, Any]] = {
        "acks_late": LATE_REJECTING,
        "acks_late + worker_cancel_long_running_tasks_on_connection_loss": LATE_REJECTING
        | {"worker_cancel_long_running_tasks_on_connection_loss": True},
        "acks early (default)": {},
    }
    for setting, conf in settings.items():
        rig.fresh()
        worker = rig.worker(conf, slots=2)
        rig.send("nap", "n", 8)
        rig.started("n")
        rig.cut_connections()
        rig.started("n", times=2, within=25)
        time.sleep(9)
        starts, ends = rig.events("n", "start"), rig.events("n", "end")
        at_once = len(starts) > 1 and any(starts[0].pid == one.pid and one.at > starts[1].at for one in ends)
        how = "ran twice in parallel" if at_once else f"started {len(starts)} times, finished {len(ends)} times"
        if worker.ended():
            how += "; the worker ended"
        figures: dict[str, float | int | str | None] = {
            "starts": len(starts),
            "ends": len(ends),
            "parallel": int(at_once),
        }
        yield Row("connection cut in the middle of a task", setting, how, figures)


@measurement
def half_open(rig: Rig) -> Iterator[Row]:
    """The server's side of every connection is gone, the worker's side hears nothing of it; new connections work."""
    options: dict[str, dict[str, Any]] = {
        "no socket_timeout, no health checks": {"socket_timeout": None, "health_check_interval": 0},
        "kombu's defaults": {},
        "socket_timeout=5, health_check_interval=10 (Avain)": {
            "socket_timeout": 5,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    }
    for setting, transport in options.items():
        rig.fresh()
        with wire(Path(urlsplit(rig.services.redis_url).path)) as proxy:
            worker = rig.worker({"broker_transport_options": transport}, BENCH_BROKER=proxy.url)
            time.sleep(3)
            proxy.leave_half_open()
            left = time.time()
            sent = 0
            while not rig.events(step="start") and time.time() - left < HALF_OPEN_PATIENCE:
                rig.send("nap", f"n-{sent}", 0)
                sent += 1
                time.sleep(1)
            seconds = round(rig.events(step="start")[0].at - left, 1) if rig.events(step="start") else None
            time.sleep(3)
            lost = sent - len(rig.runs()) - rig.left_over()
            outcome = (
                f"silent for {HALF_OPEN_PATIENCE} s" if seconds is None else f"takes messages again after {seconds} s"
            )
            said = worker.log.read_text("utf-8", errors="replace")
            outcome += f", {lost} of {sent} sent meanwhile lost; " + (
                "a warning is logged" if "stale" in said else "nothing logged"
            )
            yield Row("half-open connection", setting, outcome, {"seconds": seconds, "sent": sent, "lost": lost})
            rig.fresh()
