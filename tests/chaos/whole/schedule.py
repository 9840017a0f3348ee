"""What is broken when: a seed's faults, where in the day each comes and with which parameters. The same seed, the same list.

Over a few seeds every kind of fault comes up, over some more every step at which a process can be killed, by each kind of death: they are
dealt out from a shuffled deck, one seed after the other. Only where and how exactly is drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

from core.faults import AUDIT_POINTS
from tests.chaos.whole.faults import CATALOGUE
from tests.chaos.whole.faults.kills import STEPS, WHOM, stages_of

#: Of this many faults of a day...
FAULTS: Final = 22
#: ... so large a share are deaths at a step.
_KILLS: Final = 0.4
_Card = TypeVar("_Card")


@dataclass(frozen=True)
class Planned:
    """One fault: in which stage of the day, how many seconds after the stage began, which, and how (JSON values)."""

    stage: str
    after: float
    fault: str
    how: Mapping[str, Any]


def schedule(seed: int, count: int = FAULTS) -> tuple[Planned, ...]:
    """The faults of a seed, in no order but that of their making."""
    rng = Random(f"schedule {seed}")
    deaths = round(count * _KILLS)
    return (*_kills(seed, deaths, rng), *_others(seed, count - deaths, rng))


def _kills(seed: int, count: int, rng: Random) -> Iterator[Planned]:
    for step, whom in _dealt([(step, whom) for whom in WHOM for step in STEPS], seed, count):
        fault = CATALOGUE[f"SIGKILL of the {whom} at a step"]
        after = round(rng.uniform(0, fault.latest), 1)
        at_once = step in AUDIT_POINTS
        yield Planned(rng.choice(stages_of(step)), 0.0 if at_once else after, fault.name, {"step": step, "whom": whom})


def _others(seed: int, count: int, rng: Random) -> Iterator[Planned]:
    for name in _dealt(sorted(name for name in CATALOGUE if not name.startswith("SIGKILL of the ")), seed, count):
        fault = CATALOGUE[name]
        yield Planned(rng.choice(fault.stages), round(rng.uniform(0, fault.latest), 1), name, fault.draw(rng))


def _dealt(cards: Sequence[_Card], seed: int, count: int) -> list[_Card]:
    """This seed's hand of `count` cards: the next seed's begins where it ends."""
    deck = Random("deck").sample(cards, len(cards))
    return [deck[(seed * count + place) % len(deck)] for place in range(count)]
