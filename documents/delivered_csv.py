"""Reads what providers say they have delivered: a CSV file with a row for each order's line and period, from bytes to values.

Columns, by their titles (Finnish, Swedish or English, in any order; others are passed over): the order's number, its line (may be empty
where the order has one line), first and last day, quantity in the order's unit. The separator is found; the text is UTF-8, else cp1252.
A row that cannot be understood is told with its number and stops no other.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from core.errors import Message, RefusedInput
from core.i18n import N_
from documents.delimited import find_separator, open_text, read_rows

#: More rows than any county orders lines.
MOST_ROWS: Final = 100_000
#: Titles stand in one of the first rows.
_TITLE_ROWS: Final = 20
_ENCODING: Final = "cp1252"

_TITLES: Final[dict[str, tuple[str, ...]]] = {
    "order": (
        "tilaus", "tilausnumero", "tilausnro", "tilauksennumero", "palvelutilaus", "order", "ordernumber", "orderno", "beställning",
        "beställningsnummer", "ordernummer",
    ),
    "line": ("rivi", "rivinumero", "rivinro", "tilausrivi", "line", "linenumber", "rad", "radnummer"),
    "first": ("alku", "alkaa", "alkupäivä", "alkaen", "ensimmäinenpäivä", "from", "start", "firstday", "från", "startdatum", "förstadag"),
    "last": ("loppu", "päättyy", "loppupäivä", "asti", "viimeinenpäivä", "to", "end", "lastday", "till", "slutdatum", "sistadag"),
    "quantity": ("määrä", "toteutunut", "toteutunutmäärä", "quantity", "delivered", "deliveredquantity", "antal", "mängd", "utfört"),
}  # fmt: skip
_COLUMNS: Final = {title: column for column, titles in _TITLES.items() for title in titles}
_NEEDED: Final = ("order", "first", "last", "quantity")
#: The county's own order numbers.
_NUMBER: Final = re.compile(r"T-\d{4}-\d{6,12}", re.ASCII)
_QUANTITY: Final = re.compile(r"(\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d{1,8})(?:[.,](\d{1,4}))?", re.ASCII)
_FINNISH_DAY: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", re.ASCII)
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)

_NO_ORDER: Final = N_("Row {row}: the order's number is missing, or is not like T-2026-000001.")
_NO_LINE: Final = N_("Row {row}: the line is not a number.")
_NO_DAY: Final = N_("Row {row}: the first or the last day is missing, or is not like 30.11.2026.")
_BACKWARDS: Final = N_("Row {row}: the last day is before the first.")
_NO_QUANTITY: Final = N_("Row {row}: the quantity is missing, or is not a number like 12,5.")


@dataclass(frozen=True)
class DeliveredRow:
    """So much of a line of an order on these days, both included. `row` as a spreadsheet numbers it; `line` None: the order's only one."""

    row: int
    order: str
    line: int | None
    first: date
    last: date
    quantity: Decimal


@dataclass(frozen=True)
class DeliveredReport:
    """What a file says: its rows, and a sentence for each row that says nothing that could be understood."""

    rows: tuple[DeliveredRow, ...]
    faults: tuple[Message, ...]


def read_delivered(content: bytes) -> DeliveredReport:
    """The rows of a file. Raises RefusedInput for what is no such table, was cut short, or is too long."""
    with open_text(io.BytesIO(content), _ENCODING) as text:
        return _read(read_rows(text, find_separator(text, _known), whole=True))


def _read(table: Iterable[Sequence[str]]) -> DeliveredReport:
    columns: dict[str, int] | None = None
    rows: list[DeliveredRow] = []
    faults: list[Message] = []
    for number, cells in enumerate(table, 1):
        if number > MOST_ROWS:
            raise RefusedInput("The file has more than {count} rows.", count=MOST_ROWS)
        if columns is None:
            found = _columns(cells)
            columns = found if _enough(found) else None
            if columns is None and number >= _TITLE_ROWS:
                break
        elif any(cell.strip() for cell in cells):
            one = _row(number, {name: _cell(cells, place) for name, place in columns.items()})
            if isinstance(one, Message):
                faults.append(one)
            else:
                rows.append(one)
    if columns is None:
        raise RefusedInput(
            "The table does not have the columns that tell what was delivered: order, first day, last day, quantity."
        )
    return DeliveredReport(tuple(rows), tuple(faults))


def _row(number: int, cells: Mapping[str, str]) -> DeliveredRow | Message:
    """A row, or why it says nothing."""
    order, line = cells["order"].upper(), cells.get("line", "")
    first, last, quantity = _day(cells["first"]), _day(cells["last"]), _quantity(cells["quantity"])
    wrong = None
    if not _NUMBER.fullmatch(order):
        wrong = _NO_ORDER
    elif line and not (line.isascii() and line.isdecimal() and len(line) <= 4):
        wrong = _NO_LINE
    elif first is None or last is None:
        wrong = _NO_DAY
    elif last < first:
        wrong = _BACKWARDS
    elif quantity is None:
        wrong = _NO_QUANTITY
    else:
        return DeliveredRow(number, order, int(line) if line else None, first, last, quantity)
    return Message(wrong, row=number)


def _known(rows: Sequence[Sequence[str]]) -> int:
    """How many known titles the first rows hold (`find_separator`)."""
    return max((len(_columns(row)) for row in rows[:_TITLE_ROWS]), default=0)


def _columns(titles: Sequence[str]) -> dict[str, int]:
    """The place of each known column; of two with one meaning the first."""
    found: dict[str, int] = {}
    for place, title in enumerate(titles):
        column = _COLUMNS.get(re.sub(r"[\s_.:\-]", "", title.casefold()))
        if column is not None:
            found.setdefault(column, place)
    return found


def _enough(columns: Mapping[str, int]) -> bool:
    return all(name in columns for name in _NEEDED)


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if place < len(cells) else ""


def _quantity(text: str) -> Decimal | None:
    found = _QUANTITY.fullmatch(text)
    return Decimal(re.sub(r"\D", "", found[1]) + (f".{found[2]}" if found[2] else "")) if found else None


def _day(text: str) -> date | None:
    if found := _FINNISH_DAY.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif found := _ISO_DAY.fullmatch(text):
        year, month, day = map(int, found.groups())
    else:
        return None
    try:
        return date(year, month, day) if 2000 <= year <= 2200 else None
    except ValueError:
        return None
