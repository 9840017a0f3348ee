"""What one person should hear on one day, as the gathering hands it to the writer of the mail (`message.py`): numbers, kinds, days. Nothing else.

What is not a field here cannot come into a mail.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

#: Why somebody hears of something: it is theirs; its worker is away and they stand in; its worker cannot be reached by e-mail (gone, no
#: address, a refused one); a colleague handed it to them.
Came = Literal["own", "away", "unreachable", "handed"]


@dataclass(frozen=True)
class Person:
    """Who can be written to. `language` as the worker's row has it: it may be one that nobody knows."""

    id: int
    external_id: str
    email: str
    language: str


@dataclass(frozen=True)
class Task:
    """A follow-up as a mail shows it. `number`: of the order (T-) where it is of one, else of the case (HB-). `why`: `overdue` was told before."""

    id: int
    kind: str
    due: date
    number: str
    why: Literal["new", "overdue"] = "new"
    came: Came = "own"


@dataclass(frozen=True)
class Heard:
    """A notice as a mail shows it: what sort of news, about what reference, and the cause as it stands in the catalogues, if it tells one."""

    id: int
    kind: str
    subject: str
    came: Came = "own"
    cause: str | None = None


@dataclass(frozen=True)
class UnitList:
    """What the workers of one unit left open: the week's list of its supervisor. `unit_id` leads to the unit's page: a code, in a link, may tell
    as much as a name. None: of no unit.
    """

    unit_id: int | None
    tasks: list[Task]


@dataclass
class Bundle:
    """All one person should hear today."""

    person: Person
    tasks: list[Task] = field(default_factory=list)
    units: list[UnitList] = field(default_factory=list)
    news: list[Heard] = field(default_factory=list)

    def __len__(self) -> int:
        """How many matters it tells of."""
        return len(self.tasks) + sum(len(one.tasks) for one in self.units) + len(self.news)
