"""What a consistency check tells: how much it looked at, and what is broken, by sorts that each say what it means and what to do.

7,000 equal faults are one line: of one sort so many things are told by name, of the others their number. A thing's name is what people call it
(a number, a key), and the same from night to night: by it the operator is written to about what is new only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from core.errors import Message

#: So many things of one sort are kept by name.
NAMED: Final = 20


@dataclass(frozen=True)
class Sort:
    """A way to be broken: `name` (kept; never renamed), what it means, and what to do about it."""

    name: str
    meaning: str
    advice: str


@dataclass(frozen=True)
class Thing:
    """One thing that is broken: what people call it, and how it differs. `since`: when it was first found so (ISO)."""

    name: str
    how: Message | str = ""
    since: str | None = None

    def to_json(self) -> dict[str, Any]:
        """To be kept; the message in no language."""
        how = self.how.to_json() if isinstance(self.how, Message) else self.how
        return {"name": self.name, "how": how, "since": self.since}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Thing":
        """Read back."""
        how = said.get("how", "")
        return cls(said["name"], Message.from_json(how) if isinstance(how, dict) else how, said.get("since"))


@dataclass(frozen=True)
class Broken:
    """All that is broken in one way: how many things, and the first of them by name."""

    sort: Sort
    count: int
    things: tuple[Thing, ...]

    def to_json(self) -> dict[str, Any]:
        """To be kept. Meaning and advice go with it: a later version may know the sort no more."""
        return {
            "sort": self.sort.name,
            "meaning": self.sort.meaning,
            "advice": self.sort.advice,
            "count": self.count,
            "things": [one.to_json() for one in self.things],
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Broken":
        """Read back."""
        sort = Sort(said["sort"], said["meaning"], said["advice"])
        return cls(sort, said["count"], tuple(map(Thing.from_json, said["things"])))


@dataclass
class Looked:
    """What one check did: `name` of the check, how much it examined, how much it had to leave out, what is broken."""

    name: Message
    examined: int = 0
    left_out: int = 0
    broken: list[Broken] = field(default_factory=list)

    def found(self, sort: Sort, things: Sequence[Thing], count: int | None = None) -> None:
        """Note what is broken in one way, if anything is. `count`: of how many `things` are the first."""
        if things:
            self.broken.append(Broken(sort, count or len(things), tuple(things[:NAMED])))

    def to_json(self) -> dict[str, Any]:
        """How much it looked at, to be kept."""
        return {"name": self.name.to_json(), "examined": self.examined, "left_out": self.left_out}


def names(things: Iterable[str]) -> list[Thing]:
    """Things of which nothing is to be said but that they are so."""
    return [Thing(one) for one in things]


@dataclass(frozen=True)
class Result:
    """What all checks found: moments of the machine's clock, the business day, whether everything was looked at, and each check's part."""

    started_at: datetime
    finished_at: datetime
    day: date
    whole: bool
    looked: tuple[Looked, ...] = field(default=())

    @property
    def broken(self) -> list[Broken]:
        """What is broken, in the order of the checks."""
        return [one for looked in self.looked for one in looked.broken]

    @property
    def count(self) -> int:
        """How many things are broken."""
        return sum(one.count for one in self.broken)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "state": "broken" if self.broken else "ok",
            "day": self.day.isoformat(),
            "whole": self.whole,
            "seconds": round((self.finished_at - self.started_at).total_seconds(), 3),
            "checks": [
                {
                    "name": looked.name.text(),
                    "examined": looked.examined,
                    "left_out": looked.left_out,
                    "broken": [
                        {
                            "sort": one.sort.name,
                            "found": Message(one.sort.meaning).text(),
                            "advice": Message(one.sort.advice).text(),
                            "count": one.count,
                            "things": [{"name": thing.name, "how": str(thing.how)} for thing in one.things],
                        }
                        for one in looked.broken
                    ],
                }
                for looked in self.looked
            ],
        }
