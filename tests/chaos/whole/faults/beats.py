"""Beats that are killed, too many or none at all, and a business clock that jumps."""

import os
import signal
import time
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any, Final

from tests.chaos.whole.faults.base import BUSY, Outcome, Rig, fault, outcome, wait

#: Where jobs that come early change nothing: what the next ones read was there before.
AHEAD: Final = ("nightly_prices", "watch_prices", "daily_reminders")


@fault("beat killed", "beats", draw=lambda rng: {"which": rng.randrange(2)})
def beat_killed(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """SIGKILL of one of two."""
    beat = rig.beats[how["which"] % len(rig.beats)]
    pid = beat.pid
    if pid is None:
        return Outcome("it was away", met=False)
    os.kill(pid, signal.SIGKILL)
    if not wait(lambda: beat.pid not in (None, pid), 30):
        return Outcome("not started again", wrong=f"{beat.name} was not started again")
    return outcome(rig, "started again")


@fault("a third beat", "beats", draw=lambda rng: {"seconds": round(rng.uniform(3, 6), 1)})
def third(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """Three tick at once for a while."""
    with rig.third_beat():
        time.sleep(how["seconds"])
    return outcome(rig, "nothing done twice")


@fault("no beat for an hour", "clock", stages=AHEAD)
def none(rig: Rig, _how: Mapping[str, Any]) -> Outcome:
    """Both are stopped, the business clock goes on by an hour, both come back."""
    rig.stop_beats()
    try:
        rig.move_clock(rig.business_now() + timedelta(hours=1))
        time.sleep(2)
    finally:
        rig.start_beats()
    return outcome(rig, "slots caught up")


def _jump(seconds: float) -> Any:
    def draw(rng: Random) -> dict[str, Any]:
        return {"seconds": round(rng.uniform(1, 2 + seconds), 1)}

    return draw


def _jumped(rig: Rig, hours: int, seconds: float) -> Outcome:
    shift = timedelta(hours=hours)
    rig.move_clock(rig.business_now() + shift)
    try:
        time.sleep(seconds)
    finally:
        rig.move_clock(rig.business_now() - shift)
    return outcome(rig, "the same day")


@fault("business clock 2 h ahead, and back", "clock", stages=AHEAD, draw=_jump(2))
def ahead(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """The clock of the day jumps ahead; slots come early, none twice."""
    return _jumped(rig, 2, how["seconds"])


@fault("business clock 2 h behind, and back", "clock", stages=BUSY, draw=_jump(2))
def behind(rig: Rig, how: Mapping[str, Any]) -> Outcome:
    """The clock of the day jumps back; no slot comes again."""
    return _jumped(rig, -2, how["seconds"])
