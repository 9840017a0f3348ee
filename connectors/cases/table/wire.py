"""Rows of a table file with the columns a profile wants, in its order. CSV or a workbook: the content says which, not the name.

The header need not be the first row: reports begin with a title and a date. What comes out is text, whatever the cells were.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from connectors.cases.profile import TableShape
from connectors.cases.profile.section import not_known
from connectors.cases.table.cells import cell_text
from core.errors import InputError, Message, RefusedInput
from documents.delimited import WORKBOOKS, find_separator, open_text, read_rows
from documents.workbook import stream_workbook

#: Rows searched for the header.
_SEARCHED: Final = 50
_SHOWN_COLUMNS: Final = 30
_LONGEST_NAME: Final = 60
_LONGEST_COUNT: Final = 20

Cells = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A row as a person numbers it in the file, with the text of each wanted column; `fault` says what is wrong with the row itself."""

    number: int
    cells: list[str]
    fault: Message | None = None


def read_table(file: BinaryIO, shape: TableShape, wanted: Sequence[str]) -> Iterator[Row]:
    """The rows below the header; empty ones are left out.

    Raises RefusedInput for what cannot be read to its end, what seems cut short, and where a wanted column is missing or there twice.
    """
    file.seek(0)
    if file.read(len(max(WORKBOOKS, key=len))).startswith(WORKBOOKS):
        return _read_workbook(file, shape, wanted)
    return _read_text(file, shape, wanted)


def pick(header: Cells, wanted: Sequence[str]) -> list[int]:
    """Where the wanted columns stand in a header; case and spaces do not matter. Raises RefusedInput."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        places.setdefault(_key(name), []).append(place)
    for name in wanted:
        found = places.get(_key(name), [])
        if not found:
            there = [cell_text(one)[:_LONGEST_NAME] for one in header if cell_text(one)][:_SHOWN_COLUMNS]
            raise RefusedInput(
                "The file lacks a column that the profile reads: {reason}", reason=not_known(name, there)
            )
        if len(found) > 1:
            raise RefusedInput("The file has the column {name} more than once.", name=name)
    return [places[_key(name)][0] for name in wanted]


def _read_text(file: BinaryIO, shape: TableShape, wanted: Sequence[str]) -> Iterator[Row]:
    def most_known(rows: Sequence[Cells]) -> int:
        return max((_known(row, wanted) for row in rows), default=0)

    with open_text(file, shape.encoding) as text:
        separator = shape.separator or find_separator(text, most_known)
        whole = shape.line_break_at_end and shape.footer is None
        rows = enumerate(read_rows(text, separator, whole=whole), start=1)
        head, header = _find_header(rows, wanted)
        if header is None:
            raise _no_header(wanted)
        yield from _below(itertools.chain(head, rows), header, wanted, shape.footer)


def _read_workbook(file: BinaryIO, shape: TableShape, wanted: Sequence[str]) -> Iterator[Row]:
    """The rows of the sheet the profile names, else of the one sheet that has a header."""
    names: list[str] = []
    used: str | None = None
    for name, cells in _sheets(file):
        names.append(name)
        if shape.sheet is not None and name != shape.sheet:
            continue
        rows = enumerate(cells, start=1)
        head, header = _find_header(rows, wanted)
        if header is None:
            continue
        if used is not None:
            raise RefusedInput(
                "The sheets {one} and {other} both have columns of the profile. Say in it which is meant: sheet, under [table].",
                one=used,
                other=name,
            )
        used = name
        yield from _below(itertools.chain(head, rows), header, wanted, shape.footer)
    if shape.sheet is not None and shape.sheet not in names:
        raise RefusedInput(
            "The workbook lacks the sheet of the profile: {reason}", reason=not_known(shape.sheet, names)
        )
    if used is None:
        raise _no_header(wanted)


def _sheets(file: BinaryIO) -> Iterator[tuple[str, Iterator[Cells]]]:
    try:
        yield from stream_workbook(file)
    except RefusedInput:
        raise
    except InputError as error:  # a password, something else under a workbook's name: no row of it can be applied
        raise RefusedInput(error.message) from error


def header_place(rows: Sequence[Cells], wanted: Sequence[str]) -> int | None:
    """Which of the first rows is the header: the one that names most columns; None if none names half of them."""
    known = [_known(cells, wanted) for cells in rows[:_SEARCHED]]
    most = max(known, default=0)
    return known.index(most) if known and 2 * most >= len(wanted) else None


def _find_header(
    rows: Iterator[tuple[int, Cells]], wanted: Sequence[str]
) -> tuple[list[tuple[int, Cells]], Cells | None]:
    """The header and the rows after it that were taken from `rows` in looking for it: the one that names most columns.

    None if it names less than half of them: its cells may be data then, which no sentence may show.
    """
    first = list(itertools.islice(rows, _SEARCHED))
    place = header_place([cells for _, cells in first], wanted)
    return (first, None) if place is None else (first[place + 1 :], first[place][1])


def _below(
    rows: Iterable[tuple[int, Cells]], header: Cells, wanted: Sequence[str], footer: str | None
) -> Iterator[Row]:
    places, width, count = pick(header, wanted), _width([cell_text(cell) for cell in header]), 0
    ended = False
    for number, cells in rows:
        texts = [cell_text(cell) for cell in cells]
        if not any(texts):
            continue
        if ended:
            raise RefusedInput(
                "There are rows below the footer {footer}, from row {row} on.", footer=footer, row=number
            )
        if footer is not None and texts[0] == footer:
            _check_count(texts, count)
            ended = True
            continue
        count += 1
        yield _row(number, texts, places, width)
    if footer is not None and not ended:
        raise RefusedInput(
            "The last row is not the footer {footer}: the file seems to have been cut short.", footer=footer
        )


def _row(number: int, texts: list[str], places: list[int], width: int) -> Row:
    picked = [texts[place] if place < len(texts) else "" for place in places]
    if len(texts) < width or _width(texts) > width:
        return Row(
            number,
            picked,
            Message("The row has {found} cells; the header has {expected}.", found=len(texts), expected=width),
        )
    return Row(number, picked)


def _check_count(texts: list[str], count: int) -> None:
    """A footer may say beside its name how many rows there are."""
    said = texts[1] if len(texts) > 1 else ""
    if said.isdecimal() and said.lstrip("0") != (str(count) if count else ""):
        raise RefusedInput(
            "The footer says {said} rows; the file has {found}.", said=said[:_LONGEST_COUNT], found=count
        )


def _width(texts: Sequence[str]) -> int:
    """Cells up to the last that holds something."""
    return next((place for place in range(len(texts), 0, -1) if texts[place - 1]), 0)


def _known(cells: Cells, wanted: Sequence[str]) -> int:
    return len({_key(cell) for cell in cells} & {_key(name) for name in wanted})


def _key(name: Any) -> str:
    return " ".join(cell_text(name).split()).casefold()


def _no_header(wanted: Sequence[str]) -> RefusedInput:
    return RefusedInput(
        "No row names the columns of the profile ({columns}). Is it the right file?",
        columns=", ".join(wanted[:_SHOWN_COLUMNS]),
    )
