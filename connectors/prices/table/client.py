"""Bytes of a price list to rows of cells: CSV in whatever dialect, or a workbook. Which it is, the content says, not the name."""

import io
from collections.abc import Callable, Sequence
from typing import Final

from core.errors import InputError, RefusedInput
from documents.delimited import WORKBOOKS, find_separator, open_text, read_rows
from documents.workbook import Cell, Sheet, read_workbook

LARGEST_FILE: Final = 64 * 1024 * 1024

Rows = Sequence[Sequence[Cell]]


def open_tables(content: bytes, encoding: str, recognise: Callable[[Rows], int]) -> list[Sheet]:
    """The file's tables: a workbook's sheets, or one nameless table for CSV.

    `recognise` says how many known column names the first rows hold; the separator that yields most is the file's.
    Raises RefusedInput for whatever cannot be read to its end.
    """
    if len(content) > LARGEST_FILE:
        raise RefusedInput(
            "The file has {size} bytes; at most {limit} are accepted.", size=len(content), limit=LARGEST_FILE
        )
    if content.startswith(WORKBOOKS):
        return _open_workbook(content)
    with open_text(io.BytesIO(content), encoding) as text:
        return [Sheet("", [list(row) for row in read_rows(text, find_separator(text, recognise))])]


def _open_workbook(content: bytes) -> list[Sheet]:
    try:
        return read_workbook(content)
    except RefusedInput:
        raise
    except InputError as error:  # a password, something else under a workbook's name: no row of it can be applied
        raise RefusedInput(error.message) from error
