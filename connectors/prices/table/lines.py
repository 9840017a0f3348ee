"""Lines of a list that are about all its prices: `Iltalisä 15 %`, `Lauantaisin ×1,2`, `Peruuttamaton käynti 50 %`.

Such a line is no service. What it says becomes a price of its own of every service in the list, beside the ordinary one, unless the list
states that price itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from connectors.prices.row import PriceRow
from connectors.prices.table.cells import Supplement, is_supplement
from connectors.prices.table.words import column_of, compared, kind_of, times_of
from connectors.prices.units import read_unit
from connectors.rejection import Rejection
from core.errors import Message

_NONE_KNOWN: Final[Mapping[str, str]] = {}
#: Longer names are those of services.
_LONGEST: Final = 80
#: `Iltalisä 15 %`, `Lauantaisin: ×1,2`, `Matkakorvaus 0,57 €/km`
_WITH_VALUE: Final = re.compile(
    r"(?P<name>[^\d×*+]+?)\s*[:=–]?\s*(?P<value>(?:[×*]|\bx)\s*\d[\d.,]*|\+?\s*\d[\d.,]*\s*(?:%|€|eur)\s*\D*)"
)


@dataclass(frozen=True)
class Line:
    """What a row's name says: `kind` supplement, multiplier, price (a time alone), travel, no_show, or `over` (a row of multipliers
    under columns of times: then `times` holds its kind). `value`: what the name itself states.
    """

    kind: str
    times: tuple[str, ...] = ()
    value: str | None = None


@dataclass(frozen=True)
class ListLine:
    """What becomes of every ordinary price of the list at a time, or when nobody came (`extra` no_show); with days of its own, or None."""

    time_class: str
    supplement: Supplement
    position: str
    extra: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


def line_of(name: str) -> Line | None:
    """Which line about all prices a row without a code is by its name; None for the name of a service."""
    return _line_of(name) if len(name) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _line_of(name: str) -> Line | None:
    parts = _WITH_VALUE.fullmatch(name)
    named = _named(parts["name"], parts["value"].strip()) if parts else None
    if named is None or (named.kind == "price" and not is_supplement(named.value)):
        return _named(name, None)
    return named


def _named(name: str, value: str | None) -> Line | None:
    column = column_of(name, _NONE_KNOWN)
    if column in ("travel", "no_show"):
        return Line(column, value=value)
    if column is not None and column.startswith(("supplement_", "multiplier_", "price_")):
        kinds = [one.partition("_") for one in column.split("+")]
        return Line(kinds[0][0], tuple(time for _, _, time in kinds), value)
    if column is None and value is None and (kind := kind_of(name)) not in (None, "price"):
        words = compared(name).split()
        if all(kind_of(word) or times_of(word) for word in words):
            return Line("over", (str(kind),))
    return None


def changed(base: PriceRow, supplement: Supplement, *, time_class: str = "weekday", extra: str = "") -> PriceRow:
    """The price that `base` is at another time, or when nobody came. Raises TooLargeError."""
    amount = supplement.of(base.amount)
    if isinstance(amount, Message):
        raise TooLargeError(amount)
    return replace(base, amount=amount, time_class=time_class, extra=extra)


class TooLargeError(ValueError):
    """The price with its supplement is larger than a price can be."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason.msgid)
        self.reason = reason


def spread(lines: Sequence[ListLine], rows: list[PriceRow]) -> tuple[list[PriceRow], list[Rejection]]:
    """What lines make of the ordinary prices among `rows`, which stay as they are; and lines that nothing could be made of."""
    if not lines:
        return [], []
    made: list[PriceRow] = []
    rejections: list[Rejection] = []
    said: set[tuple[str, str, date | None]] = set()
    stated = {(_thing(row), row.time_class, row.extra) for row in rows}
    for line in lines:
        if (key := (line.time_class, line.extra, line.valid_from)) in said:
            rejections.append(_refused(line, Message("The list says this twice.")))
            continue
        said.add(key)
        applied = False
        for row in rows:
            if not _concerns(line, row):
                continue
            applied = True
            if (_thing(row), line.time_class, line.extra) in stated:
                continue
            label = line.extra or line.time_class
            try:
                price = changed(row, line.supplement, time_class=line.time_class, extra=line.extra)
            except TooLargeError as error:
                rejections.append(Rejection(f"{row.position}/{label}", "price", row.service, error.reason))
                continue
            first, last = _days(line, row)
            if not (first and last and last < first):
                made.append(replace(price, position=f"{row.position}/{label}", valid_from=first, valid_to=last))
        if not applied:
            rejections.append(_refused(line, Message("There is no price in the list that this could be about.")))
    return made, rejections


def _refused(line: ListLine, reason: Message) -> Rejection:
    return Rejection(line.position, "price", None, reason)


def _thing(row: PriceRow) -> tuple[object, ...]:
    return row.service, row.unit, row.base_quantity, row.minimum_quantity, row.territory


def _concerns(line: ListLine, row: PriceRow) -> bool:
    """Whether a row is an ordinary price that a line is about: euros more per hour are not for a price per month."""
    unit = line.supplement.unit
    return (
        row.time_class == "weekday"
        and not row.extra
        and (unit is None or read_unit(unit) == (row.unit, row.base_quantity))
    )


def _days(line: ListLine, row: PriceRow) -> tuple[date | None, date | None]:
    """The days that both hold."""
    firsts = [one for one in (line.valid_from, row.valid_from) if one]
    lasts = [one for one in (line.valid_to, row.valid_to) if one]
    return max(firsts, default=None), min(lasts, default=None)
