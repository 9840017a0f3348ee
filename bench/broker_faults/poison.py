"""Poison: bad messages for a plain worker and for Avain's."""

from collections.abc import Iterator
from functools import partial

from sqlalchemy import text

from bench.broker_faults.avains_rig import AVAIN_QUEUE, AvainRig
from bench.broker_faults.messages import poisons
from bench.broker_faults.rig import QUEUE, Process, Rig, Row, measurement, wait

SUCCESSORS = 2
PATIENCE = 8


@measurement
def poison_plain(rig: Rig) -> Iterator[Row]:
    """Each bad message for a plain worker with a good one behind it. A worker that dies gets two successors: a loop?"""
    worker = None
    for name, message in poisons("nap", QUEUE).items():
        if worker is None:
            rig.fresh()
            worker = rig.worker()
        rig.redis.lpush(QUEUE, message)
        rig.send("nap", name, 0)
        deaths = 0
        while _dies(rig, worker, name) and deaths < SUCCESSORS + 1:
            deaths += 1
            worker = rig.worker_or_dead()
        done = rig.runs()[name] > 0
        if deaths > SUCCESSORS:
            outcome = f"crash loop: the worker and {SUCCESSORS} of {SUCCESSORS} successors died"
        elif deaths:
            outcome = "the worker died, " + ("a successor went on" if done else "a successor hung")
        else:
            outcome = "survived, next message done" if done else "survived, but the next message was not done"
        yield Row("poison message", f"plain worker, {name}", outcome, {"deaths": deaths, "next_done": int(done)})
        if deaths or not done:
            worker = None


def _dies(rig: Rig, worker: Process, name: str) -> bool:
    """Whether the worker ends instead of doing the good message."""
    wait(lambda: worker.ended() or rig.runs()[name], PATIENCE)
    return worker.ended(1)


@measurement
def poison_guarded(rig: Rig) -> Iterator[Row]:
    """Each bad message for Avain's worker, with good Work behind it."""
    with AvainRig(rig) as avain:
        worker = avain.worker()
        for name, message in poisons("plan_follow_ups", AVAIN_QUEUE).items():
            before = avain.count("SELECT count(*) FROM run WHERE kind = 'poison'")
            rig.redis.lpush(AVAIN_QUEUE, message)
            work = avain.call(1, prefix=name)
            avain.hint(work)
            done = wait(partial(avain.all_done, work), 15)
            outcome = (
                "survived, next Work done" if done is not None and not worker.ended() else "next Work not done in 15 s"
            )
            if worker.ended():
                outcome = "the worker ended"
                worker = avain.worker()
            noted = avain.count("SELECT count(*) FROM run WHERE kind = 'poison'") - before
            outcome += "; recorded" if noted else "; not recorded"
            yield Row(
                "poison message", f"Avain's worker, {name}", outcome, {"done": int(done is not None), "recorded": noted}
            )
        with avain.engine.connect() as connection:
            dead = connection.execute(
                text("SELECT count(*) FROM work WHERE kind = 'poison' AND dead_at IS NOT NULL")
            ).scalar_one()
        yield Row("poison message", "Avain's worker, all together", f"{dead} dead Works to look at", {"dead": dead})
