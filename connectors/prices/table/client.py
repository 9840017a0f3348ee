"""Bytes of a table file to rows of cells: CSV in whatever dialect, or a workbook. Which it is, the content says, not the name.

No guessing of character sets: UTF-8 (UTF-16 where a byte order mark says so), else the encoding the source is configured with. A
guess once took cp1250 for cp1252, and every `ä` still looked right.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Final

import clevercsv

from core.errors import InputError, Message, RefusedInput
from core.i18n import N_
from documents.workbook import Cell, Sheet, read_workbook

LARGEST_FILE: Final = 64 * 1024 * 1024
#: Longer than any row of a price list; a file beyond it is something else, or made to take the machine down.
LONGEST_LINE: Final = 100_000
SEPARATORS: Final = (";", "\t", ",")

_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_SAMPLE_ROWS: Final = 60
_NOT_TEXT: Final = N_("The file is not a price list: it is neither text (CSV) nor a workbook (XLSX, XLS, ODS).")

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
    if content.startswith(_WORKBOOKS):
        return _open_workbook(content)
    text = _decode(content, encoding)
    return [Sheet("", _split(text, _separator(text, recognise)))]


def _open_workbook(content: bytes) -> list[Sheet]:
    try:
        return read_workbook(content)
    except RefusedInput:
        raise
    except InputError as error:  # a password, something else under a workbook's name: no row of it can be applied
        raise RefusedInput(error.message) from error


def _decode(content: bytes, encoding: str) -> str:
    if not content.strip():
        raise RefusedInput("The file is empty.")
    for candidate in ("utf-16",) if content.startswith(_UTF16) else ("utf-8-sig", encoding):
        try:
            text = content.decode(candidate)
        except UnicodeDecodeError:
            continue
        except LookupError as error:
            raise RefusedInput("The encoding {encoding} of this source is not known.", encoding=encoding) from error
        break
    else:
        raise RefusedInput("The file is neither UTF-8 nor {encoding} text.", encoding=encoding)
    if any(character < " " and character not in "\t\r\n\f" for character in set(text)):
        raise RefusedInput(_NOT_TEXT)
    if text.lstrip().startswith("<"):
        raise RefusedInput("The file is a web page or XML, not a price list. The address may show an error or a login.")
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            raise RefusedInput(
                "Line {line} has {length} characters; at most {limit} are accepted.",
                line=number,
                length=len(line),
                limit=LONGEST_LINE,
            )
    return text


def _separator(text: str, recognise: Callable[[Rows], int]) -> str:
    """The separator under which most column names are known; clevercsv decides where no usual one shows any."""
    start = "".join(text.splitlines(keepends=True)[:_SAMPLE_ROWS])
    found = {separator: recognise(_split(start, separator, strict=False)) for separator in SEPARATORS}
    best = max(found, key=lambda separator: found[separator])
    if found[best] > 0:
        return best
    dialect = clevercsv.Detector().detect(start)
    return dialect.delimiter if dialect is not None and dialect.delimiter else best


def _split(text: str, separator: str, *, strict: bool = True) -> list[list[Cell]]:
    """Rows as a spreadsheet would number them: empty lines count, a quoted line break does not."""
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)]
    except csv.Error as error:
        raise RefusedInput(Message("The file is not a whole CSV file ({error}).", error=str(error))) from error
