"""Avain's own settings, lease and tick under the same faults: what is lost, what is done twice, how long until all is done."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.broker_faults.avains_rig import AvainRig
from bench.broker_faults.rig import Process, Rig, Row, measurement, wait

WORKS = 300
ACT_SECONDS = 0.1
#: Enough for a lease to run out, a tick, a hint that has to be sent again, and the work itself.
PATIENCE = 180


@dataclass
class Cast:
    """Who is on stage while things break."""

    avain: AvainRig
    worker: Process
    beat: Process

    def replace_worker(self) -> None:
        """SIGKILL the worker's group, start another."""
        self.worker.kill_group()
        self.worker = self.avain.worker()

    def replace_beat(self) -> None:
        """SIGKILL beat, start another."""
        self.beat.kill_group()
        self.beat = self.avain.beat()


def _under_fault(rig: Rig, fault: str, happen: Callable[[Cast], None]) -> Row:
    """Do WORKS Works while `happen` breaks things, wait for the end, look into the books."""
    with AvainRig(rig) as avain:
        cast = Cast(avain, avain.worker(), avain.beat())
        ids = avain.call(WORKS, seconds=ACT_SECONDS)
        if wait(lambda: avain.undone(ids) < WORKS, 60) is None:
            raise RuntimeError(f"nothing was done before the faults:\n{cast.beat.last_words()}")
        happen(cast)
        over = time.monotonic()
        undone = avain.undone(ids)
        wait(lambda: avain.undone(ids) == 0, PATIENCE)
        rest = round(time.monotonic() - over, 1)
        books = avain.books(ids)
    end = f"all done {rest} s later" if not books["lost"] else f"{books['lost']} never done in {rest} s"
    outcome = (
        f"of {WORKS} Works {books['lost']} lost, {books['booked_twice']} booked twice;"
        f" {books['begun_again']} begun again after a kill, {books['acted_twice']} of them after the act;"
        f" {undone} were open when the faults ended, {end}"
    )
    return Row(fault, "Avain's settings, leases, tick", outcome, books | {"open": undone, "seconds": rest})


@measurement
def avain_flushed(rig: Rig) -> Iterator[Row]:
    """FLUSHALL five times while Works are done."""

    def happen(_cast: Cast) -> None:
        for _ in range(5):
            time.sleep(1.5)
            rig.redis.flushall()

    yield _under_fault(rig, "5 × FLUSHALL", happen)


@measurement
def avain_group_killed(rig: Rig) -> Iterator[Row]:
    """SIGKILL of the worker group eight times."""

    def happen(cast: Cast) -> None:
        dice = random.Random(2)
        for _ in range(8):
            time.sleep(dice.uniform(0.8, 2.0))
            cast.replace_worker()

    yield _under_fault(rig, "8 SIGKILLs of the worker group", happen)


@measurement
def avain_server_killed(rig: Rig) -> Iterator[Row]:
    """SIGKILL of Valkey, away for 0, 2 and 5 s; it keeps nothing on disk, so each is a FLUSHALL too."""

    def happen(_cast: Cast) -> None:
        for down in (0, 2, 5):
            time.sleep(2)
            rig.kill_server()
            time.sleep(down)
            rig.start_server()

    yield _under_fault(rig, "Valkey killed 3 times, down 0, 2 and 5 s", happen)


@measurement
def avain_all_at_once(rig: Rig) -> Iterator[Row]:
    """Worker, beat and Valkey killed, FLUSHALL and cut connections, in random order, with a second beat running."""

    def flush(_cast: Cast) -> None:
        rig.redis.flushall()

    def cut(_cast: Cast) -> None:
        rig.cut_connections()

    def server(_cast: Cast) -> None:
        rig.kill_server()
        rig.start_server()

    def happen(cast: Cast) -> None:
        cast.avain.beat()
        dice = random.Random(3)
        faults = [Cast.replace_worker, Cast.replace_beat, flush, cut, server] * 2
        for fault in dice.sample(faults, len(faults)):
            time.sleep(dice.uniform(0.5, 1.5))
            fault(cast)

    yield _under_fault(rig, "10 faults: worker, beat, Valkey killed, FLUSHALL, connections cut; two beats", happen)


@measurement
def avain_child_killed(rig: Rig) -> Iterator[Row]:
    """SIGKILL of the child in the middle of one Work: how long until somebody begins again."""
    with AvainRig(rig) as avain:
        avain.worker()
        avain.beat()
        ids = avain.call(1, prefix="n", seconds=3)
        first = rig.started("n-0", within=30)
        if first is None:
            raise RuntimeError("the work never started")
        os.kill(first.pid, signal.SIGKILL)
        killed = time.time()
        again = rig.started("n-0", times=2, within=60)
        wait(lambda: avain.undone(ids) == 0, 20)
        seconds = round(again.at - killed, 1) if again else None
        books = avain.books(ids)
    yield Row(
        "SIGKILL of a child",
        "Avain's settings, leases, tick",
        f"begun again after {seconds} s",
        books | {"seconds": seconds},
    )


@measurement
def avain_asked_to_stop(rig: Rig) -> Iterator[Row]:
    """SIGTERM in the middle of a Work of 60 s, with another worker there to go on."""
    with AvainRig(rig) as avain:
        worker = avain.worker()
        avain.beat()
        avain.call(1, prefix="n", seconds=60)
        rig.started("n-0", within=30)
        asked = time.time()
        worker.term()
        avain.worker()
        worker.ended(90)
        gone = round(time.time() - asked, 1)
        again = rig.started("n-0", times=2, within=60)
        seconds = round(again.at - asked, 1) if again else None
        outcomes = avain.outcomes()
    how = "given back" if outcomes.get("retry") else "left to its lease" if outcomes.get("lost") else "kept"
    yield Row(
        "SIGTERM in the middle of a long Work",
        "Avain's settings (soft shutdown 20 s)",
        f"gone after {gone} s, the Work was {how}, another worker began it {seconds} s after the SIGTERM",
        {"gone": gone, "seconds": seconds, "how": how},
    )
