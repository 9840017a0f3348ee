"""Of a table, the rows that belong to the first cases; below the header, whatever stands above it."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, Final

from connectors.cases.sampling.sample import Sample, Table
from connectors.cases.table.wire import header_place
from documents.workbook import Cell, Sheet

#: A case rarely has more rows than this; the rest of a file full of look-alikes is not needed.
ROWS_A_CASE: Final = 50
_SEPARATORS: Final = ";\t,|"
#: So far down a header is looked for (table/wire.py).
_HEAD_ROWS: Final = 50


@dataclass(frozen=True)
class Shape:
    """What a connector may say of its files: the tag of XML's records, and the columns of each kind of table."""

    tag: str | None
    headers: tuple[tuple[str, ...], ...]

    def header(self, rows: Sequence[Sequence[Cell]]) -> int | None:
        """Which row has the columns' names; the first where nobody says what they are."""
        if not self.headers:
            return 0
        places = (header_place(rows, wanted) for wanted in self.headers)
        return next((place for place in places if place is not None), None)


def peek(content: BinaryIO) -> bytes:
    """The beginning of a file, which is not moved on."""
    beginning = content.read(64 * 1024)
    content.seek(0)
    return beginning


def some_csv(content: BinaryIO, name: str, shape: Shape, ids: set[str], records: int) -> Sample:
    """Of a CSV file what stands down to its header, and the rows that name one of `ids`; the first ones where there are none."""
    beginning = peek(content)
    encoding = _encoding(beginning)
    start = beginning.decode(encoding, "replace").splitlines()[:_HEAD_ROWS]
    separator = _separator(start, shape)
    with io.TextIOWrapper(content, encoding, errors="replace", newline="") as text:
        rows = csv.reader(text, delimiter=separator)
        head, header = _head(rows, shape)
        chosen = (row for row in rows if not ids or ids.intersection(map(str.strip, row)))
        first = [row for row in head[(header or 0) + 1 :] if not ids or ids.intersection(map(str.strip, row))]
        kept = islice(chain(first, chosen), records * (ROWS_A_CASE if ids else 1))
        table: list[list[Cell]] = [[*row] for row in (*head[: (header or 0) + 1], *kept)]
        return Sample(name, [Table(table, header=header)], separator, encoding)


def _head(rows: Iterator[list[str]], shape: Shape) -> tuple[list[list[str]], int | None]:
    """The rows among which the header is, taken from `rows`, and its place."""
    head = list(islice(rows, _HEAD_ROWS if shape.headers else 1))
    return head, shape.header(head)


def _separator(start: list[str], shape: Shape) -> str:
    """The one under which there is a header; where nobody says what a header is, the most frequent one in the first line."""
    if shape.headers:
        for separator in _SEPARATORS:
            if shape.header(list(csv.reader(start, delimiter=separator))) is not None:
                return separator
    return max(_SEPARATORS, key=(start or [""])[0].count)


def _encoding(beginning: bytes) -> str:
    if beginning.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    try:
        beginning[:-4].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def some_rows(sheet: Sheet, shape: Shape, ids: set[str], records: int) -> Table:
    """The same of a workbook's sheet."""
    header = shape.header(sheet.rows)
    below = (header or 0) + 1
    chosen = [row for row in sheet.rows[below:] if not ids or ids.intersection(_as_text(cell) for cell in row)]
    return Table([*sheet.rows[:below], *chosen[: records * (ROWS_A_CASE if ids else 1)]], sheet.name, header)


def _as_text(cell: Cell) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
