"""Tables that other systems export: titles stand in one of the first rows, in any order and language; the rows after them hold values.

What is no known title is passed over, so that a table may hold more than is asked of it. What the values mean is for the reader of each table
(absence_table.py, delivered_csv.py).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from core.errors import RefusedInput
from core.steering import unsteered
from documents.workbook import Cell

#: Titles stand in one of the first rows.
_TITLE_ROWS: Final = 20
_FINNISH_DAY: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", re.ASCII)
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?", re.ASCII)


def plain_title(title: str) -> str:
    """A title as it is compared: without case, spaces and punctuation."""
    return re.sub(r"[\s_.:\-]", "", title.casefold())


def count_known(rows: Sequence[Sequence[Cell]], columns: Mapping[str, str]) -> int:
    """How many known titles the first rows hold: for delimited.find_separator, and to choose among sheets."""
    return max((len(_places(row, columns)) for row in rows[:_TITLE_ROWS]), default=0)


def titled_rows(
    table: Iterable[Sequence[Cell]], columns: Mapping[str, str], *, needed: Collection[str], most: int, lacking: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row after the titles that is not empty: its number as a spreadsheet counts, and its cells as texts by column.

    `columns`: column by plain title; of two with one meaning the first counts. Raises RefusedInput: `lacking`, if no row has the titles of
    all `needed`, or for more rows than `most`.
    """
    places: dict[str, int] | None = None
    for number, cells in enumerate(table, 1):
        if number > most:
            raise RefusedInput("The file has more than {count} rows.", count=most)
        if places is None:
            found = _places(cells, columns)
            places = found if set(needed) <= found.keys() else None
            if places is None and number >= _TITLE_ROWS:
                break
        elif any(map(_text, cells)):
            yield number, {name: _text(cells[at]) if at < len(cells) else "" for name, at in places.items()}
    if places is None:
        raise RefusedInput(lacking)


def read_day(text: str) -> date | None:
    """A day written as 30.11.2026 or 2026-11-30, of the years 2000 to 2200; None for anything else."""
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


def _places(cells: Sequence[Cell], columns: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        column = columns.get(plain_title(cell)) if isinstance(cell, str) else None
        if column is not None:
            found.setdefault(column, place)
    return found


def _text(cell: Cell) -> str:
    """A cell as it would stand in a text: whole numbers of workbooks are no fractions, days are ISO."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return "" if cell is None else unsteered(str(cell)).strip()  # a cell of XLS may hold NUL
