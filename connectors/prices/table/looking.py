"""What the columns of a table are, for a person who says what those mean that nobody knows: their titles, with a few cells of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from connectors.prices.amounts import shown
from connectors.prices.forms import form_of
from connectors.prices.row import Reading
from connectors.prices.table.client import open_tables
from connectors.prices.table.wire import LONGEST_TITLE, SEARCHED, find_header, known_columns
from connectors.prices.table.words import column_of
from core.errors import RefusedInput
from documents.workbook import Cell

#: So many cells of a column are shown, and so many columns.
_SAMPLES: Final = 3
_MOST: Final = 40

Row = Sequence[Cell]


@dataclass(frozen=True)
class Seen:
    """A column: its title, the first of its cells, and what it is taken for already (one of `words.COLUMNS`, '': nothing; None: nobody knows)."""

    title: str
    samples: tuple[str, ...]
    meaning: str | None = None


def columns_of(content: bytes, reading: Reading) -> list[Seen]:
    """The columns nobody knows, by their titles; of a table whose header cannot be told, all columns of the row that looks most like one.

    Nothing for a file that is no table, or cannot be read.
    """
    try:
        return _columns_of(content, reading) if form_of(content) == "table" else []
    except RefusedInput:
        return []


def _columns_of(content: bytes, reading: Reading) -> list[Seen]:
    found: dict[str, Seen] = {}
    likely: list[Seen] = []
    for table in open_tables(content, reading.encoding, partial(known_columns, known=reading.columns)):
        rows = list(islice(table.rows, SEARCHED + 10))
        header = find_header(rows, reading.columns)
        if header is not None:
            for title, place in zip(header.unknown, header.unknown_places, strict=True):
                found.setdefault(title, Seen(title, _samples(rows[header.row + 1 :], place)))
        elif not likely:
            likely = _guessed(rows, reading)
        for _ in table.rows:  # a table is read before the next is asked for
            pass
    return list(found.values())[:_MOST] or likely[:_MOST]


def _guessed(rows: Sequence[Row], reading: Reading) -> list[Seen]:
    """The row with the most titles Avain knows, then with the most texts, the first of several."""
    titled = [{place: title for place, cell in enumerate(row) if (title := _title(cell))} for row in rows[:SEARCHED]]

    def likeness(number: int) -> tuple[int, int]:
        titles = titled[number].values()
        return sum(column_of(one, reading.columns) is not None for one in titles), len(titles)

    best = max(range(len(titled)), key=likeness, default=None)
    if best is None or len(titled[best]) < 2:
        return []
    return list(
        {
            title: Seen(title, _samples(rows[best + 1 :], place), column_of(title, reading.columns))
            for place, title in titled[best].items()
        }.values()
    )


def _title(cell: Cell) -> str:
    text = " ".join(cell.split()) if isinstance(cell, str) and len(cell) <= LONGEST_TITLE else ""
    return text if any(letter.isalpha() for letter in text) else ""


def _samples(rows: Sequence[Row], place: int) -> tuple[str, ...]:
    cells = (row[place] for row in rows if place < len(row))
    return tuple(shown(cell)[1:-1] for cell in islice((one for one in cells if one not in (None, "")), _SAMPLES))
