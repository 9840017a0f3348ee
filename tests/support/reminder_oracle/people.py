"""An office as the oracle knows it: who works where, who is away, and so who hears of what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date


@dataclass(eq=False)
class Unit:
    """A unit and who supervises it."""

    id: int
    supervisor: "Worker | None" = None


@dataclass(eq=False)
class Away:
    """Days of an absence, both included, and who stands in."""

    first: date
    last: date
    deputy: "Worker | None"
    id: int = 0


@dataclass(eq=False)
class Worker:
    """`address`: where mail to them goes, if they have one; `refused`: one that a server would not take."""

    id: int
    name: str
    unit: Unit | None = None
    address: str | None = None
    refused: str | None = None
    active: bool = True
    absences: list[Away] = field(default_factory=list)

    @property
    def reads_mail(self) -> bool:
        """Whether a mail to them would arrive."""
        return self.active and self.address is not None and self.address != self.refused

    def away(self, today: date) -> Away | None:
        """The absence that is on."""
        return next((one for one in self.absences if one.first <= today <= one.last), None)

    def __repr__(self) -> str:
        return self.name


@dataclass(eq=False)
class Matter:
    """To whom something belongs: whom it was handed over to, else the responsible worker; and the case's own supervisor and unit."""

    responsible: Worker | None
    supervisor: Worker | None = None
    unit: Unit | None = None
    handed_to: Worker | None = None

    @property
    def owner(self) -> Worker | None:
        """Whose it is."""
        return self.handed_to or self.responsible

    def above(self) -> Iterator[Worker]:
        """The supervisors who answer for it, the nearest first, each once."""
        unit = (self.responsible.unit if self.responsible else None) or self.unit
        seen: list[Worker] = []
        for one in (self.supervisor, unit.supervisor if unit else None):
            boss = one
            while boss is not None and boss not in seen:
                seen.append(boss)
                yield boss
                boss = boss.unit.supervisor if boss.unit else None


def in_place_of(worker: Worker | None, today: date) -> Worker | None:
    """The worker, or who stands in; nobody if that one cannot be written to, or the deputies run in a circle."""
    asked = []
    while worker is not None and worker not in asked:
        absence = worker.away(today)
        if absence is None:
            return worker if worker.reads_mail else None
        asked.append(worker)
        worker = absence.deputy
    return None


def hears(matter: Matter, today: date) -> Worker | None:
    """Who is told of it."""
    found = in_place_of(matter.owner, today)
    return found or next((one for boss in matter.above() if (one := in_place_of(boss, today))), None)


def hears_of_silence(matter: Matter, today: date) -> Worker | None:
    """Who finds it in the weekly list, never whom it was left open by."""
    others = (in_place_of(boss, today) for boss in matter.above() if boss is not matter.owner)
    return next((one for one in others if one and one is not matter.owner), None)
