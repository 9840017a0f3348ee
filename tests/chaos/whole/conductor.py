"""Injects the faults of a schedule while the day goes on, stage by stage, and keeps what came of each."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tests.chaos.whole.faults import CATALOGUE, Outcome, Rig
from tests.chaos.whole.faults.base import busy
from tests.chaos.whole.schedule import Planned


@dataclass(frozen=True)
class Injected:
    """A fault that was injected: when (seconds into its stage), whether work was going on, and what came of it."""

    planned: Planned
    at: float
    under_load: bool
    outcome: Outcome


class Conductor:
    """The rig calls `begin` as each stage of the day begins, and lets no stage end before it is `idle`."""

    def __init__(self, rig: Rig, planned: Iterable[Planned]) -> None:
        self._rig = rig
        self._planned: dict[str, list[Planned]] = defaultdict(list)
        for one in planned:
            self._planned[one.stage].append(one)
        self._parts: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._threads: list[threading.Thread] = []
        self.injected: list[Injected] = []

    @property
    def idle(self) -> bool:
        """Whether every fault that was begun is over and healed."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return not self._threads

    @property
    def under_way(self) -> list[str]:
        """Faults that were begun and are not over, as sentences."""
        return [f"under way: {thread.name}" for thread in self._threads if thread.is_alive()]

    @property
    def left(self) -> list[Planned]:
        """Faults whose stage has not come."""
        return [one for planned in self._planned.values() for one in planned]

    def begin(self, stage: str) -> None:
        """Begin the faults of a stage; each comes in its time, beside the others."""
        begun = time.monotonic()
        for one in self._planned.pop(stage, []):
            # parts are looked up here: the dictionary is no other thread's business
            part = self._parts[f"{CATALOGUE[one.fault].part} {one.how.get('step', '')}"]
            thread = threading.Thread(target=self._inject, args=(one, begun, part), name=one.fault, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _inject(self, planned: Planned, begun: float, part: threading.Lock) -> None:
        time.sleep(max(0.0, begun + planned.after - time.monotonic()))
        with part:
            at, under_load = round(time.monotonic() - begun, 1), busy(self._rig)
            try:
                outcome = CATALOGUE[planned.fault].inject(self._rig, planned.how)
            except Exception as error:  # noqa: BLE001 - a fault that could not be done to the end must not pass for one that was
                outcome = Outcome(
                    "could not be injected", met=False, wrong=f"{planned.fault}: {type(error).__name__}: {error}"
                )
        self.injected.append(Injected(planned, at, under_load, outcome))

    def close(self) -> None:
        """The day is over: all is well again, and orders that nobody obeyed are gone."""
        self._rig.outside.calm()
        self._rig.wire.resume()
        for order in self._rig.orders_folder.iterdir():
            order.unlink(missing_ok=True)
