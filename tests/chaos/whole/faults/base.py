"""What a fault is, what it needs of the installation it is done to, and how it sees that work goes on."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

import redis
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.whole.outside import Outside
from tests.chaos.whole.wire import Wire

#: Stages of the day with much to do, by the job that begins each.
BUSY: Final = (
    "nightly_prices",
    "nightly_cases",
    "recompute_budgets",
    "generate_orders",
    "plan_follow_ups",
    "daily_reminders",
)
#: After so many seconds without anything getting done we say that work does not go on.
PATIENCE: Final = 120.0
_GLANCE: Final = 0.2


class Kept(Protocol):
    """A process that is started again when it ends."""

    name: str

    @property
    def pid(self) -> int | None:
        """The main process, which leads its group; None while there is none."""

    def children(self) -> Sequence[int]:
        """Its children."""


class Rig(Protocol):
    """An installation, as faults see it."""

    @property
    def servers(self) -> Path:
        """The home of its PostgreSQL and Valkey."""

    @property
    def engine(self) -> Engine: ...

    @property
    def orders_folder(self) -> Path:
        """FAULT_ORDERS of its processes."""

    @property
    def awaited(self) -> str:
        """The key of the Work with which the present stage begins."""

    @property
    def outside(self) -> Outside: ...

    @property
    def wire(self) -> Wire: ...

    @property
    def workers(self) -> Sequence[Kept]: ...

    @property
    def beats(self) -> Sequence[Kept]: ...

    def redis(self) -> "redis.Redis": ...

    def stop_beats(self) -> None: ...

    def start_beats(self) -> None: ...

    def third_beat(self) -> AbstractContextManager[object]: ...

    def business_now(self) -> datetime: ...

    def move_clock(self, to: datetime) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What came of a fault: in a word or two, by which faults are counted; until work went on (None: nothing was left to do).

    `met`: somebody felt it. `wrong`: what must not be, as a sentence.
    """

    said: str
    seconds: float | None = None
    met: bool = True
    wrong: str = ""


Inject = Callable[[Rig, Mapping[str, Any]], Outcome]
Draw = Callable[[Random], dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """One kind of fault. `part`: what it breaks; two of the same part do not happen at once. `draw` draws its parameters."""

    name: str
    part: str
    inject: Inject = field(repr=False)
    stages: tuple[str, ...] = BUSY
    draw: Draw = lambda _rng: {}
    #: How long into its stage it comes at the latest, in seconds.
    latest: float = 3.0


CATALOGUE: Final[dict[str, Fault]] = {}


def fault(
    name: str, part: str, *, stages: tuple[str, ...] = BUSY, draw: Draw = lambda _rng: {}, latest: float = 3.0
) -> Callable[[Inject], Inject]:
    """Register a fault under its name."""

    def register(inject: Inject) -> Inject:
        CATALOGUE[name] = Fault(name, part, inject, stages, draw, latest)
        return inject

    return register


def wait(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until a condition holds; False when it did not within so many seconds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_GLANCE)
    return True


_GOES_ON = text(
    """
    SELECT EXISTS (SELECT FROM run WHERE finished_at > :since AND outcome <> 'lost') AS done,
           EXISTS (SELECT FROM work WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= clock_timestamp()) AS due
    """
)


def went_on(rig: Rig, since: datetime) -> float | None:
    """Seconds from `since` until a Run ended well or badly, but not as lost; None when nothing is left to do.

    Raises TimeoutError when nothing got done for PATIENCE.
    """
    begun, idle = time.monotonic(), 0
    while time.monotonic() - begun < PATIENCE:
        try:
            with rig.engine.connect() as connection:
                found = connection.execute(_GOES_ON, {"since": since}).one()
        except SQLAlchemyError:
            idle = 0
        else:
            if found.done:
                return round((datetime.now(UTC) - since).total_seconds(), 1)
            idle = 0 if found.due else idle + 1
            if idle * _GLANCE > 1.0:  # between two works of a series nothing is due for a moment
                return None
        time.sleep(_GLANCE)
    raise TimeoutError


def outcome(rig: Rig, said: str, since: datetime | None = None) -> Outcome:
    """What came of a fault that is over now, or was at `since`: waits until work goes on."""
    since = since or datetime.now(UTC)
    try:
        return Outcome(said, went_on(rig, since))
    except TimeoutError:
        return Outcome("work did not go on", wrong=f"{said}: no work was done within {PATIENCE:.0f} s afterwards")


_BUSY = text(
    """
    SELECT NOT EXISTS (SELECT FROM work WHERE key = :awaited) OR EXISTS (
        SELECT FROM work
        WHERE done_at IS NULL AND dead_at IS NULL AND (token IS NOT NULL OR next_at <= clock_timestamp() + interval '15 seconds')
    )
    """
)


def busy(rig: Rig) -> bool:
    """Whether something is due, soon due or being done, or the stage has not even begun. True while the database does not say."""
    try:
        with rig.engine.connect() as connection:
            return bool(connection.execute(_BUSY, {"awaited": rig.awaited}).scalar_one())
    except SQLAlchemyError:
        return True


def until_felt(rig: Rig, felt: Callable[[], object], *, patience: float = 90.0, quiet: float = 2.0) -> bool:
    """Wait for somebody to feel a fault that lies in wait; False when nothing was left to do for `quiet` seconds, or `patience` is over."""
    until, last_busy = time.monotonic() + patience, time.monotonic() + quiet
    while not felt():
        now = time.monotonic()
        if busy(rig):
            last_busy = now + quiet
        if now > until or now > last_busy:
            return False
        time.sleep(_GLANCE)
    return True


def named_processes(rig: Rig) -> dict[int, str]:
    """Whose process each is, by its id."""
    found: dict[int, str] = {}
    for kept in (*rig.workers, *rig.beats):
        if kept.pid is not None:
            found[kept.pid] = f"{kept.name} main"
            found |= dict.fromkeys(kept.children(), f"{kept.name} child")
    return found
