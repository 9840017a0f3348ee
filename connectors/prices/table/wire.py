"""Where a price table begins, and what its columns are.

A list rarely starts in row 1: a letterhead, a date, a greeting come first. The header is the row that names a service and a price, or
two rows: a title over several columns (`Hinta`), and under it what each of them is (`arki | ilta | lauantai`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Final

from connectors.prices.amounts import foreign_currency, read_number
from connectors.prices.table.words import bare_name, column_of, kind_of, unit_in_name
from connectors.prices.units import read_unit
from core.errors import RefusedInput
from documents.workbook import Cell

#: Rows searched for the header.
SEARCHED: Final = 50
#: No title is longer.
LONGEST_TITLE: Final = 80
_NO_TITLES: Final[Mapping[str, str]] = {}

_INCLUSIVE: Final = re.compile(r"\b(?:sis|sisältää|sisältäen|verollinen|inkl|incl|including|with)\b")
_EXCLUSIVE: Final = re.compile(
    r"\b(?:veroton|ilman|alv 0|moms 0|vat 0|0 alv|0 moms|exkl|excl|excluding|without|utan)\b"
)
_RATE: Final = re.compile(r"\b(?:alv|moms|vat)\.?\s*:?\s*(?P<rate>\d{1,2}(?:[.,]\d{1,2})?)\s*%")
_UNIT_HINT: Final = re.compile(r"(?:€|eur|euroa?)?\s*(?:/|\bper\b)\s*(?P<unit>[^\s/,;()]+(?:\s*min)?)", re.IGNORECASE)


@dataclass(frozen=True)
class PriceColumn:
    """A column of amounts: `kind` price, supplement, multiplier, travel or no_show, for one time class; and what its title says of them.

    `sign`: how a title writes supplements, `%` or `€`; '' where it says nothing. `label` tells it from the other ones of a row.
    """

    place: int
    kind: str
    time_class: str = "weekday"
    unit: str | None = None
    vat_inclusive: bool | None = None
    vat_rate: Decimal | None = None
    sign: str = ""
    label: str = ""


@dataclass(frozen=True)
class Header:
    """The header's last row (0 = first); where each column stands that a table has once; its columns of amounts; titles nobody
    knows, and where each stands first.
    """

    row: int
    columns: dict[str, int]
    amounts: tuple[PriceColumn, ...]
    unknown: tuple[str, ...] = ()
    unknown_places: tuple[int, ...] = ()

    def cell(self, row: Sequence[Cell], column: str) -> Cell:
        """The cell of one of our columns; None where the list has no such column or the cell is blank."""
        place = self.columns.get(column)
        return None if place is None else cell_at(row, place)


def cell_at(row: Sequence[Cell], place: int) -> Cell:
    """A cell of a row that may be short; None for a blank one."""
    value = row[place] if place < len(row) else None
    return None if isinstance(value, str) and not value.strip() else value


@dataclass(frozen=True)
class _Title:
    """A title as it is shown (`Hinta arki`), and the columns it means: none, or several for `la–su`."""

    place: int
    text: str
    columns: tuple[str, ...] | None


def known_columns(rows: Sequence[Sequence[Cell]], known: Mapping[str, str] = _NO_TITLES) -> int:
    """How many of our columns the best row among the first ones names; 0 if none could be a header."""
    found = (_single(row, known) for row in rows[:SEARCHED])
    two = (_double(*pair, known) for pair in pairwise(rows[:SEARCHED]))
    candidates = [*found, *(titles for titles in two if titles is not None)]
    return max((sum(1 for one in titles if one.columns) for titles in candidates if _is_header(titles)), default=0)


def find_header(rows: Sequence[Sequence[Cell]], known: Mapping[str, str] = _NO_TITLES) -> Header | None:
    """The first row, or pair of rows, that names a service and a price; `known` are the provider's own titles.

    Raises RefusedInput where two columns claim to be the same, or prices are in another currency.
    """
    for number, row in enumerate(rows[:SEARCHED]):
        if number + 1 < len(rows):
            titles = _double(row, rows[number + 1], known)
            if titles is not None:
                return _header(number + 1, titles)
        titles = _single(row, known)
        if _is_header(titles):
            return _header(number, titles)
    return None


def _text(cell: Cell) -> str:
    return " ".join(cell.split()) if isinstance(cell, str) and len(cell) <= LONGEST_TITLE else ""


def _means(title: str, known: Mapping[str, str]) -> tuple[str, ...] | None:
    column = column_of(title, known)
    return None if column is None else tuple(filter(None, column.split("+")))


def _single(row: Sequence[Cell], known: Mapping[str, str]) -> list[_Title]:
    return [_Title(place, text, _means(text, known)) for place, cell in enumerate(row) if (text := _text(cell))]


def _double(above: Sequence[Cell], below: Sequence[Cell], known: Mapping[str, str]) -> list[_Title] | None:
    """Two rows as one header; None unless the upper one says something of the titles below it, and both are titles."""
    if any(cell is not None and not isinstance(cell, str) for cell in (*above, *below)):
        return None
    titles: list[_Title] = []
    group, told = "", False
    for place in range(max(len(above), len(below))):
        upper, lower = (_text(row[place]) if place < len(row) else "" for row in (above, below))
        group = upper or (group if lower else "")
        if not lower:
            if upper:
                titles.append(_Title(place, upper, _means(upper, known)))
            continue
        columns, together = _under(group, lower, known)
        told = told or together
        titles.append(_Title(place, f"{group} {lower}" if together else lower, columns))
    if not told or not _is_header(titles):
        return None
    # A row under what is a header by itself may be the first prices: it is a part of the header if all of it is titles.
    further = (one for one in titles if one.place < len(below) and _text(below[one.place]))
    return titles if not _is_header(_single(above, known)) or all(one.columns is not None for one in further) else None


def _under(group: str, title: str, known: Mapping[str, str]) -> tuple[tuple[str, ...] | None, bool]:
    """What a title under a group's title means, and whether the group has a part in it."""
    own, over = _means(title, known), _means(group, known) if group else None
    kind = kind_of(group) or ("price" if over == ("price",) else None)
    both = _means(f"{bare_name(group)} {title}", known)
    if own and own[0].startswith("price"):
        if kind in ("supplement", "multiplier"):
            swapped = tuple(f"{kind}_{one.partition('_')[2]}" for one in own if "_" in one)
            return swapped or ("price",), True
        return (own, True) if kind == "price" else (None, False) if over else (own, False)
    if both is not None and (kind or over) and own is None:
        return both, True
    return own, False


def _is_header(titles: list[_Title]) -> bool:
    columns = {column for one in titles for column in one.columns or ()}
    return any(one.startswith("price") for one in columns) and bool({"service_code", "service_name"} & columns)


def _header(row: int, titles: list[_Title]) -> Header:
    columns: dict[str, _Title] = {}
    amounts: list[tuple[PriceColumn, _Title]] = []
    for one in titles:
        for column in one.columns or ():
            kind, _, time_class = column.partition("_") if column != "no_show" else (column, "", "")
            if kind in ("price", "supplement", "multiplier", "travel", "no_show"):
                _add_amount(row, amounts, _amount(kind, time_class or "weekday", one), one)
            elif column in columns:
                raise _twice(row, column, columns[column], one)
            else:
                columns[column] = one
    places = {column: one.place for column, one in columns.items()}
    unknown: dict[str, int] = {}
    for one in titles:
        if one.columns is None:
            unknown.setdefault(one.text, one.place)
    labelled = _labelled([amount for amount, _ in amounts])
    return Header(row, places, labelled, tuple(unknown), tuple(unknown.values()))


def _add_amount(row: int, amounts: list[tuple[PriceColumn, _Title]], new: PriceColumn, title: _Title) -> None:
    for other, before in amounts:
        if (other.kind, other.time_class, other.unit) == (new.kind, new.time_class, new.unit):
            raise _twice(row, new.kind, before, title)
    amounts.append((new, title))


def _twice(row: int, column: str, *titles: _Title) -> RefusedInput:
    return RefusedInput(
        "Row {row} has two columns for the same thing ({column}): {names}. Leave one.",
        row=row + 1,
        column=column,
        names=", ".join(one.text for one in titles),
    )


def _amount(kind: str, time_class: str, title: _Title) -> PriceColumn:
    text = title.text.casefold()
    currency = foreign_currency(text)
    if currency is not None:
        raise RefusedInput(
            "The column {name} is not in euros ({currency}); only euros are accepted.",
            name=title.text,
            currency=currency,
        )
    hint, rate = _UNIT_HINT.search(text), _RATE.search(text)
    number = read_number(rate["rate"]) if rate else None
    unit = hint["unit"] if hint and read_unit(hint["unit"]) else unit_in_name(title.text)
    return PriceColumn(
        title.place,
        kind,
        time_class,
        unit,
        True
        if _INCLUSIVE.search(text)
        else False
        if _EXCLUSIVE.search(" ".join(re.sub(r"[^\w]+", " ", text).split()))
        else None,
        number / 100 if isinstance(number, Decimal) and number > 0 else None,
        "%" if "%" in text and not rate else "€" if re.search("€|eur", text) else "",
    )


def _labelled(amounts: list[PriceColumn]) -> tuple[PriceColumn, ...]:
    """Each with the word that tells its prices from the others of a row: nothing for the first, else its time, extra or unit."""
    labelled: list[PriceColumn] = []
    for one in amounts:
        words = [one.time_class] if one.time_class != "weekday" else []
        words += [one.kind] if one.kind in ("travel", "no_show") else []
        label = "/".join(words)
        if any(label == other.label for other in labelled):
            label = "/".join((*words, one.unit or "price"))
        labelled.append(replace(one, label=label))
    return tuple(labelled)
