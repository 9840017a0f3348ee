"""The guards of docs/security.md, and how each is taken away: guards.toml says which text of which file is put out of action, and which test
must fail then. `python -m tests.security.removals` does it.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.settings import ROOT

TABLE: Final = Path(__file__).with_name("guards.toml")


@dataclass(frozen=True)
class Guard:
    """A guard: `old` stands exactly once in `file`; with `new` in its place `test` must fail. `new` leaves a program that runs."""

    file: str
    old: str
    new: str
    test: str

    def removed_from(self, text: str) -> str:
        """The file without its guard. Raises ValueError where the guard is not what it was: then the entry must be brought up to date."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} holds the guard of {self.test} {text.count(self.old)} times, not once")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class ByHand:
    """A guard that a text cannot take away: when and how somebody did, and saw `test` fail."""

    file: str
    test: str
    tried: str
    how: str


def guards() -> list[Guard]:
    """Those that are taken away by a program."""
    return [Guard(**one) for one in tomllib.loads(TABLE.read_text("utf-8"))["guard"]]


def by_hand() -> list[ByHand]:
    """Those that were taken away by hand."""
    return [ByHand(**one) for one in tomllib.loads(TABLE.read_text("utf-8")).get("by_hand", [])]


def read(file: str) -> str:
    """A file of ours."""
    return (ROOT / file).read_text("utf-8")
