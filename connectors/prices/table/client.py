"""Bytes of a price list to rows of cells: CSV in whatever dialect, or a workbook. Which it is, the content says, not the name."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import InputError, RefusedInput
from documents.delimited import WORKBOOKS, find_separator, open_text, read_rows
from documents.workbook import Cell, read_workbook

LARGEST_FILE: Final = 64 * 1024 * 1024

Rows = Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Table:
    """One table of a file: `place` is what stands before a row's number in a position; `typed`: cells are not texts alone."""

    place: str
    rows: Iterator[Sequence[Cell]]
    typed: bool


def open_tables(content: bytes, encoding: str, recognise: Callable[[Rows], int]) -> Iterator[Table]:
    """The file's tables: a workbook's sheets, or one nameless table for CSV. A table must be read before the next is asked for.

    `recognise` says how many known column names the first rows hold; the separator that yields most is the file's.
    Raises RefusedInput for whatever cannot be read to its end, also in the midst of the rows: use nothing before that.
    """
    if len(content) > LARGEST_FILE:
        raise RefusedInput(
            "The file has {size} bytes; at most {limit} are accepted.", size=len(content), limit=LARGEST_FILE
        )
    if content.startswith(WORKBOOKS):
        yield from _workbook(content)
        return
    with open_text(io.BytesIO(content), encoding) as text:
        yield Table("", read_rows(text, find_separator(text, recognise)), typed=False)


def _workbook(content: bytes) -> Iterator[Table]:
    try:
        sheets = read_workbook(content)
    except RefusedInput:
        raise
    except InputError as error:  # a password, something else under a workbook's name: no row of it can be applied
        raise RefusedInput(error.message) from error
    for sheet in sheets:
        yield Table(f"{sheet.name}:" if len(sheets) > 1 else "", iter(sheet.rows), typed=True)
