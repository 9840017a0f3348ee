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
from functools import partial
from typing import Final

from core.errors import Message
from core.i18n import N_
from documents.delimited import find_separator, open_text, read_rows
from documents.titled_rows import count_known, read_day, titled_rows

#: More rows than any county orders lines.
MOST_ROWS: Final = 100_000
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

_NO_TITLES: Final = N_(
    "The table does not have the columns that tell what was delivered: order, first day, last day, quantity."
)
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
        return _read(read_rows(text, find_separator(text, partial(count_known, columns=_COLUMNS)), whole=True))


def _read(table: Iterable[Sequence[str]]) -> DeliveredReport:
    rows: list[DeliveredRow] = []
    faults: list[Message] = []
    for number, cells in titled_rows(table, _COLUMNS, needed=_NEEDED, most=MOST_ROWS, lacking=_NO_TITLES):
        one = _row(number, cells)
        if isinstance(one, Message):
            faults.append(one)
        else:
            rows.append(one)
    return DeliveredReport(tuple(rows), tuple(faults))


def _row(number: int, cells: Mapping[str, str]) -> DeliveredRow | Message:
    """A row, or why it says nothing."""
    order, line = cells["order"].upper(), cells.get("line", "")
    first, last, quantity = read_day(cells["first"]), read_day(cells["last"]), _quantity(cells["quantity"])
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


def _quantity(text: str) -> Decimal | None:
    found = _QUANTITY.fullmatch(text)
    return Decimal(re.sub(r"\D", "", found[1]) + (f".{found[2]}" if found[2] else "")) if found else None
