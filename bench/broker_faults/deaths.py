"""Deaths of worker processes: a child, a child again and again, everything at once; and being asked to stop."""

import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

from bench.broker_faults.rig import Rig, Row, measurement, wait

LATE = {"task_acks_late": True}
LATE_REJECTING = LATE | {"task_reject_on_worker_lost": True}
QUICK_RESTORE = {"visibility_timeout": 10, "unacked_restore_interval": 2, "unacked_restore_throttle": 1}

GROUP_KILLS = 14
LOAD = 4000


@measurement
def child_killed(rig: Rig) -> Iterator[Row]:
    """SIGKILL of the child in the middle of a task."""
    settings: dict[str, dict[str, Any]] = {
        "acks_late + reject_on_worker_lost": LATE_REJECTING,
        "acks_late only": LATE,
        "acks early (default)": {},
    }
    for setting, conf in settings.items():
        rig.fresh()
        rig.worker(conf)
        rig.send("nap", "n", 3)
        first = rig.started("n")
        if first is None:
            raise RuntimeError("the task never started")
        os.kill(first.pid, signal.SIGKILL)
        killed = time.time()
        again = rig.started("n", times=2, within=30)
        if again:
            seconds = round(again.at - killed, 1)
            yield Row("SIGKILL of a child", setting, f"redelivered after {seconds} s", {"seconds": seconds})
        else:
            left = rig.left_over()
            yield Row("SIGKILL of a child", setting, f"lost (30 s waited, {left} messages left)", {"left": left})


@measurement
def child_kills_itself(rig: Rig) -> Iterator[Row]:
    """A task that kills its own child every time, watched for 30 s."""
    settings: dict[str, dict[str, Any]] = {
        "reject_on_worker_lost": LATE_REJECTING,
        "retry_on_worker_lost, max_retries=3, default_retry_delay=1": LATE
        | {"task_retry_on_worker_lost": True, "task_annotations": {"die": {"default_retry_delay": 1}}},
    }
    for setting, conf in settings.items():
        rig.fresh()
        rig.worker(conf)
        rig.send("die", "d")
        time.sleep(30)
        runs, left = rig.runs("start")["d"], rig.left_over()
        ending = "and goes on" if left else "then stopped"
        yield Row(
            "task that kills its own child", setting, f"{runs} runs in 30 s, {ending}", {"runs": runs, "left": left}
        )


@measurement
def all_killed(rig: Rig) -> Iterator[Row]:
    """SIGKILL of main process and child; another worker is started at once."""
    options: dict[str, dict[str, Any]] = {
        "acks_late, visibility_timeout=10": {"visibility_timeout": 10},
        "acks_late, visibility_timeout=10, unacked_restore_interval=2, throttle=1": QUICK_RESTORE,
    }
    for setting, transport in options.items():
        rig.fresh()
        conf = LATE | {"broker_transport_options": transport}
        first = rig.worker(conf)
        rig.send("nap", "n", 2)
        rig.started("n")
        first.kill_group()
        killed = time.time()
        rig.worker(conf)
        again = rig.started("n", times=2, within=180)
        seconds = round(again.at - killed, 1) if again else None
        outcome = f"back after {seconds} s" if again else "not back in 180 s"
        yield Row("SIGKILL of main and child", setting, outcome, {"seconds": seconds})


@measurement
def group_kills_under_load(rig: Rig) -> Iterator[Row]:
    """SIGKILL of the whole group again and again while messages flow."""
    rig.fresh()
    conf = LATE_REJECTING | {"broker_transport_options": QUICK_RESTORE}
    rig.send_naps(LOAD, 0.004)
    dice = random.Random(1)
    for _ in range(GROUP_KILLS):
        worker = rig.worker(conf, slots=2)
        time.sleep(dice.uniform(0.3, 1.2))
        worker.kill_group()
    in_time = len(rig.runs())
    rig.worker(conf, slots=2)
    wait(lambda: rig.left_over() == 0, 240)
    time.sleep(3)
    runs = rig.runs()
    lost, twice = LOAD - len(runs), sum(count > 1 for count in runs.values())
    yield Row(
        f"{GROUP_KILLS} SIGKILLs of the worker group under load",
        "acks_late + reject_on_worker_lost, visibility_timeout=10, restore every 2 s",
        f"{lost} of {LOAD} messages lost, {twice} run twice ({in_time} done before the last kill)",
        {"messages": LOAD, "kills": GROUP_KILLS, "lost": lost, "twice": twice, "done_under_fire": in_time},
    )


@measurement
def asked_to_stop(rig: Rig) -> Iterator[Row]:
    """SIGTERM in the middle of a task of 15 s, worker_soft_shutdown_timeout=4."""
    soft = LATE_REJECTING | {"worker_soft_shutdown_timeout": 4.0}
    for setting, meaning in (("SIGTERM as it is", ""), ("REMAP_SIGTERM=SIGQUIT", "SIGQUIT")):
        rig.fresh()
        worker = rig.worker(soft, REMAP_SIGTERM=meaning)
        rig.send("nap", "n", 15)
        rig.started("n")
        asked = time.monotonic()
        worker.term()
        worker.ended(60)
        seconds = round(time.monotonic() - asked, 1)
        done, left = rig.runs()["n"], rig.left_over()
        what = "the task was finished" if done else f"the task was cut, {left} message back in the queue"
        yield Row(
            "SIGTERM", setting, f"gone after {seconds} s; {what}", {"seconds": seconds, "done": done, "left": left}
        )
