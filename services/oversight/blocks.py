"""What may be told of many cases together: blocks of whole months with at least five cases in each.

A group (a unit's budgets; a provider's service) is cut into blocks from its first month on: months are put together until there are five
different cases in them, and the next month begins a new block. Where the cuts are has nothing to do with who asks or for which period:
a period tells the blocks that lie in it as a whole, and its totals add up those and nothing else. So whatever two periods, tables or
files are subtracted from each other, what comes out is made of whole blocks again. What is in no block yet is told by nobody.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, Self

from services.compare.market import ENOUGH_FAMILIES

#: Fewer cases than this are never told of, not even how many they are. The same number as in comparisons.
ENOUGH: Final = ENOUGH_FAMILIES

#: Names a group within its unit and subject: ids and codes, '' for what is told together as others.
Group = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A group's figures of one month. `few`: the cases where they are too few to be told, None where they are enough."""

    month: date
    few: frozenset[int] | None
    cases: int
    sums: Mapping[str, Decimal]
    values: tuple[int, ...] = ()

    def beside(self, other: Self) -> Self:
        """The same month of two groups as one."""
        few, cases = _together(self, other)
        sums = {
            name: self.sums.get(name, Decimal(0)) + other.sums.get(name, Decimal(0))
            for name in {*self.sums, *other.sums}
        }
        return type(self)(self.month, few, cases, sums, (*self.values, *other.values))


def _together(one: Cell, other: Cell) -> tuple[frozenset[int] | None, int]:
    """The different cases of two cells, as far as they are known; where they are not, at least the larger number."""
    if one.few is None or other.few is None:
        return None, max(one.cases, other.cases)
    both = one.few | other.few
    return (both, len(both)) if len(both) < ENOUGH else (None, len(both))


@dataclass(frozen=True)
class Block:
    """What may be told: from the month `first` to the month `last` (their first days). `cases`: None where it is not known that no case
    is in two of the months.
    """

    group: Group
    first: date
    last: date
    cases: int | None
    sums: Mapping[str, Decimal]
    values: tuple[int, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "group": list(self.group),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "cases": self.cases,
            "sums": {name: str(figure) for name, figure in sorted(self.sums.items())},
            "values": list(self.values),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was kept."""
        return cls(
            tuple(kept["group"]),
            date.fromisoformat(kept["first"]),
            date.fromisoformat(kept["last"]),
            kept["cases"],
            {name: Decimal(figure) for name, figure in kept["sums"].items()},
            tuple(kept["values"]),
        )


def blocks(group: Group, cells: Iterable[Cell], *, only_alone: Iterable[str] = ()) -> list[Block]:
    """The blocks of a group, from its cells in any order. Sums called `only_alone` are told of blocks of a single month."""
    made: list[Block] = []
    waiting: list[Cell] = []
    parts = set(only_alone)
    for cell in _by_month(cells):
        waiting.append(cell)
        if not _enough(waiting):
            continue
        alone = len(waiting) == 1
        names = {name for one in waiting for name in one.sums if alone or name not in parts}
        made.append(
            Block(
                group,
                waiting[0].month,
                cell.month,
                cell.cases if alone else _cases(waiting),
                {name: sum((one.sums.get(name, Decimal(0)) for one in waiting), Decimal(0)) for name in names},
                tuple(sorted(value for one in waiting for value in one.values)),
            )
        )
        waiting = []
    return made


def folded(groups: Mapping[Group, list[Cell]], parent: Callable[[Group], Group | None]) -> dict[Group, list[Cell]]:
    """Groups that have too few cases in all their months, put together as `parent` says, as often as it does."""
    kept: dict[Group, list[Cell]] = {}
    small: dict[Group, list[Cell]] = {}
    for group, cells in groups.items():
        into = parent(group)
        if into is None or _enough(cells):
            kept[group] = _by_month([*kept.get(group, []), *cells])
        else:
            small.setdefault(into, []).extend(cells)
    if not small:
        return kept
    for group, cells in small.items():
        kept[group] = _by_month([*kept.get(group, []), *cells])
    return folded(kept, parent)


def within(told: Iterable[Block], first: date, last: date) -> list[Block]:
    """The blocks that lie as a whole in the months from `first` to `last`."""
    return [one for one in told if first <= one.first and one.last <= last]


def _by_month(cells: Iterable[Cell]) -> list[Cell]:
    """One cell a month, in their order."""
    months: dict[date, Cell] = {}
    for cell in cells:
        same = months.get(cell.month)
        months[cell.month] = cell if same is None else same.beside(cell)
    return [months[month] for month in sorted(months)]


def _enough(cells: Iterable[Cell]) -> bool:
    few: set[int] = set()
    for cell in cells:
        if cell.few is None:
            return True
        few |= cell.few
    return len(few) >= ENOUGH


def _cases(cells: Iterable[Cell]) -> int | None:
    """How many different cases, where that is known."""
    different: set[int] = set()
    for cell in cells:
        if cell.few is None:
            return None
        different |= cell.few
    return len(different)
