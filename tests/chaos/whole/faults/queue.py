"""What can happen to Valkey and to the messages in it."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final, cast

import redis
from redis.exceptions import RedisError

from bench.broker_faults.messages import poisons
from core import embedded
from services.work.kinds import KINDS, QUEUES
from tests.chaos.whole.faults.base import BUSY, Outcome, Rig, fault, outcome, wait

#: So large a message that it is a fault of its own.
_HUGE: Final = "body: 60 MB"
_SMALL_POISONS: Final = tuple(sorted(set(poisons("x", "x")) - {_HUGE}))


def _seconds(least: float, most: float) -> Any:
    return lambda rng: {"seconds": round(rng.uniform(least, most), 1)}


@fault("FLUSHALL", "valkey")
def flushed(rig: Rig, _how: Mapping[str, Any]) -> Outcome:
    """All messages are gone."""
    rig.redis().flushall()
    return outcome(rig, "messages lost")


def _pid(rig: Rig) -> int:
    return embedded.pids(rig.servers)["valkey"]


def _start(rig: Rig) -> None:
    embedded.start(rig.servers, durable=False, services=("valkey",))


@fault("Valkey killed", "valkey", draw=_seconds(0, 10))
def server_killed(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """SIGKILL; it keeps nothing on disk. Back after so many seconds."""
    os.kill(_pid(rig), signal.SIGKILL)
    wait(lambda: "valkey" not in embedded.pids(rig.servers), 5)
    time.sleep(how["seconds"])
    _start(rig)
    return outcome(rig, "back empty")


@fault("Valkey stopped (SIGSTOP)", "valkey", draw=_seconds(1, 9))
def server_stopped(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """It is there and does not answer."""
    pid = _pid(rig)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(how["seconds"])
    finally:
        os.kill(pid, signal.SIGCONT)
    return outcome(rig, "answers again")


@fault("Valkey paused (CLIENT PAUSE)", "valkey", draw=_seconds(1, 9))
def server_paused(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """It takes commands and puts them off."""
    rig.redis().client_pause(int(how["seconds"] * 1000))
    time.sleep(how["seconds"])
    return outcome(rig, "answers again")


@fault("Valkey out of memory", "valkey", draw=_seconds(2, 6))
def out_of_memory(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """1 MB, nothing may be evicted: every write is refused."""
    client = rig.redis()
    client.config_set("maxmemory", "1mb")
    try:
        time.sleep(how["seconds"])
    finally:
        client.config_set("maxmemory", "0")
    return outcome(rig, "takes writes again")


@fault("connections to Valkey half-open", "valkey", latest=1.5)
def half_open(rig: Rig, _how: Mapping[str, Any]) -> Outcome:
    """The server's side is gone, the workers' and beats' side hears nothing of it, ever."""
    count = rig.wire.leave_half_open()
    return outcome(rig, "noticed" if count else "no connection")


@fault("connections to Valkey cut", "valkey")
def cut(rig: Rig, _how: Mapping[str, Any]) -> Outcome:
    """Both sides hear of it at once."""
    count = rig.wire.reset()
    return outcome(rig, "connected again" if count else "no connection")


@fault(
    "every message three times, in random order",
    "messages",
    draw=lambda rng: {"seconds": 4, "seed": rng.randrange(2**32)},
)
def tripled(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """For some seconds each message that is seen in a queue is put there twice more, and the queue shuffled."""
    rng, client, seen = Random(how["seed"]), rig.redis(), set[bytes]()
    until = time.monotonic() + how["seconds"]
    while time.monotonic() < until:
        for queue in QUEUES:
            with suppress(RedisError):  # it may be down for a fault of its own
                _triple(client, queue, rng, seen)
        time.sleep(0.05)
    said = "repeats found nothing to do" if seen else "no message waited"
    return outcome(rig, said) if seen else Outcome(said, met=False)


def _triple(client: "redis.Redis", queue: str, rng: Random, seen: set[bytes]) -> None:
    waiting = cast("list[bytes]", client.lrange(queue, 0, -1))
    fresh = [one for one in waiting if one not in seen]
    if not fresh:
        return
    seen.update(fresh)
    with client.pipeline() as together:
        # only what is still there is taken out, so that nothing comes back that a worker took meanwhile
        for one in fresh:
            together.execute_command("LREM", queue, 1, one)
        gone = together.execute()
    again = [one for one, count in zip(fresh, gone, strict=True) if count for _ in range(3)]
    rng.shuffle(again)
    if again:
        client.lpush(queue, *again)


def _poison(rng: Random) -> dict[str, Any]:
    kinds = rng.sample(_SMALL_POISONS, 8)
    return {"kinds": [*kinds, _HUGE] if rng.random() < 0.3 else kinds, "queue": rng.choice(QUEUES)}


@fault("poison messages", "messages", draw=_poison, stages=BUSY)
def poisoned(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """Bad messages of many kinds before the good ones."""
    queue = str(how["queue"])
    task = next(kind.name for kind in KINDS.values() if kind.queue == queue)
    bad = poisons(task, queue)
    client = rig.redis()
    for kind in how["kinds"]:
        client.rpush(queue, bad[kind])
    mine = {bad[kind] for kind in how["kinds"]}

    def taken() -> bool:
        with suppress(RedisError):
            return not mine.intersection(cast("list[bytes]", client.lrange(queue, 0, -1)))
        return False

    if not wait(taken, 60):
        return Outcome(
            "left in the queue", wrong=f"poison was not taken off the queue {queue}: {', '.join(how['kinds'])}"
        )
    return outcome(rig, "set aside")
