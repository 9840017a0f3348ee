"""Faults of the server: emptied, killed, away when somebody publishes."""

import time
from collections.abc import Iterator

from kombu.exceptions import OperationalError

from bench.broker_faults.rig import Rig, Row, measurement, wait

DOWN_SECONDS = (0, 1, 5, 10, 20)


@measurement
def flushed(rig: Rig) -> Iterator[Row]:
    """FLUSHALL while 300 messages wait and 2 tasks run; then 20 new messages."""
    rig.fresh()
    worker = rig.worker(slots=2)
    rig.send_naps(300, 0.05)
    wait(lambda: len(rig.runs()) >= 50, 30)
    rig.redis.flushall()
    time.sleep(3)
    done = len(rig.runs())
    for number in range(20):
        rig.send("nap", f"after-{number}", 0)
    wait(lambda: len(rig.runs()) >= done + 20, 20)
    new = len(rig.runs()) - done
    alive = "goes on" if not worker.ended() else "ended"
    yield Row(
        "FLUSHALL",
        "any",
        f"{300 - done} of 300 messages lost; the worker {alive}: {new} of 20 later ones done",
        {"lost": 300 - done, "later_done": new},
    )


@measurement
def server_killed(rig: Rig) -> Iterator[Row]:
    """SIGKILL of the server, back after a while; a message is published as soon as it answers."""
    for down in DOWN_SECONDS:
        rig.fresh()
        worker = rig.worker()
        rig.kill_server()
        time.sleep(down)
        back = rig.start_server()
        rig.send("nap", "n", 0)
        next_one = rig.started("n", within=90)
        seconds = round(next_one.at - back, 1) if next_one else None
        outcome = f"next task {seconds} s after it is back" if next_one else "no task within 90 s"
        if worker.ended():
            outcome += "; the worker ended"
        yield Row(f"server killed, down {down} s", "broker_connection_max_retries=None", outcome, {"seconds": seconds})


@measurement
def away_at_publish(rig: Rig) -> Iterator[Row]:
    """Publishing while the server is away."""
    rig.kill_server()
    for setting, conf in (
        ("task_publish_retry=True (default)", {}),
        ("task_publish_retry=False", {"task_publish_retry": False}),
    ):
        begun = time.monotonic()
        try:
            rig.sender(**conf).send_task("nap", args=("n", 0), queue="celery")
            outcome = "published?"
        except OperationalError as error:
            outcome = type(error).__name__
        seconds = round(time.monotonic() - begun, 2)
        yield Row("server down at publish", setting, f"{outcome} after {seconds} s", {"seconds": seconds})
