"""The guards of docs/security.md, and how each is taken away: guards.toml says which text of which file is put out of action, and which test
must fail then. `python -m tests.security.removals` does it.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.settings import ROOT

TABLE: Final = Path(__file__).with_name("guards.toml")


@dataclass(frozen=True)
class Removal:
    """A text that is taken away: `old` stands exactly once in `file`. `new` leaves a program that runs."""

    file: str
    old: str
    new: str

    def removed_from(self, text: str) -> str:
        """The file without it. Raises ValueError where it is not what it was: then the entry must be brought up to date."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} holds {self.old!r} {text.count(self.old)} times, not once")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Guard(Removal):
    """A guard: with `new` in the place of `old` the `test` must fail. Where two stand behind each other, `also` goes with it."""

    test: str
    also: tuple[Removal, ...] = ()

    @property
    def removals(self) -> tuple[Removal, ...]:
        """All that is taken away together."""
        return (self, *self.also)


@dataclass(frozen=True)
class ByHand:
    """A guard that no program takes away, for that would take too long: when and how somebody did, and saw `test` fail."""

    file: str
    test: str
    tried: str
    how: str


def guards() -> list[Guard]:
    """Those that are taken away by a program."""
    return [_guard(**one) for one in tomllib.loads(TABLE.read_text("utf-8"))["guard"]]


def _guard(*, also: list[dict[str, str]] | None = None, **own: Any) -> Guard:
    return Guard(**own, also=tuple(Removal(**one) for one in also or ()))


def by_hand() -> list[ByHand]:
    """Those that were taken away by hand."""
    return [ByHand(**one) for one in tomllib.loads(TABLE.read_text("utf-8")).get("by_hand", [])]


def read(file: str) -> str:
    """A file of ours."""
    return (ROOT / file).read_text("utf-8")
