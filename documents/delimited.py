"""Delimited text (CSV) in whatever dialect, read row by row: the file's length costs nothing but time.

No guessing of character sets: UTF-8 (UTF-16 where a byte order mark says so), else the encoding that was agreed. A guess once took
cp1250 for cp1252, and every `ä` still looked right.
"""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final, TextIO

import clevercsv

from core.errors import Message, RefusedInput
from core.i18n import N_

SEPARATORS: Final = (";", "\t", ",")
#: Characters in a row. A row beyond it is something else than a row, or made to take the machine down.
LONGEST_ROW: Final = 100_000
#: Columns that hold something, as many as a workbook may have: every reader looks at every cell of the first rows.
MOST_COLUMNS: Final = 512
#: The first bytes of XLSX and ODS, and of XLS.
WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")

_CHUNK: Final = 1024 * 1024
_SAMPLE_ROWS: Final = 60
#: Characters that clevercsv may look at: the time it takes grows with the square of the longest word, 20 seconds for 70,000 letters.
_DETECTED: Final = 4096
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: What text does not hold; tabs, line breaks and form feeds it does.
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
#: å, ä and ö, large and small, in UTF-8. In no other encoding do these pairs of letters make a word.
_NORDIC: Final = re.compile(rb"\xc3[\xa5\xa4\xb6\x85\x84\x96]")
_CUT_OFF: Final = N_("The file does not end with a line break: it seems to have been cut short.")


@contextmanager
def open_text(file: BinaryIO, encoding: str) -> Iterator[TextIO]:
    """The text of a seekable `file`, after the whole of it was looked at: UTF-8 if it is, else `encoding`. The file stays open.

    Raises RefusedInput if it is empty, neither, a mix of both, no text, or a web page.
    """
    file.seek(0)
    beginning = file.read(4)
    if beginning.startswith(_UTF16):
        used = _checked(file, "utf-16", fallback="utf-16")
    elif beginning.startswith(codecs.BOM_UTF8):
        used = _checked(file, "utf-8-sig", fallback="utf-8-sig")
    else:
        used = _checked(file, "utf-8", fallback=encoding)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=used, newline="")
    try:
        yield text
    finally:
        if not file.closed:  # the wrapper would close it when it is forgotten
            text.detach()


def find_separator(text: TextIO, recognise: Callable[[Sequence[Sequence[str]]], int]) -> str:
    """The separator of a text, which is left at its start.

    `recognise` says how many known column names the first rows hold: the separator under which most are known is the file's.
    clevercsv decides where no usual one shows any.
    """
    text.seek(0)
    start = "".join(itertools.islice(_lines(text), _SAMPLE_ROWS))
    text.seek(0)
    found = {one: recognise(_sample(start, one)) for one in SEPARATORS}
    best = max(found, key=lambda separator: found[separator])
    if found[best] > 0:
        return best
    dialect = clevercsv.Detector().detect(start[:_DETECTED])
    return dialect.delimiter if dialect is not None and dialect.delimiter else best


def _sample(start: str, separator: str) -> list[list[str]]:
    """The first rows under a separator that may be a wrong one; no more of each than a row may have."""
    return [row[:MOST_COLUMNS] for row in _split(io.StringIO(start, newline=""), separator, strict=False)]


def read_rows(text: TextIO, separator: str, *, whole: bool = False) -> Iterator[list[str]]:
    """Rows as a spreadsheet would number them: empty lines count (as rows without cells), a quoted line break does not.

    `whole`: the last row must end with a line break, which is all that shows that a file was not cut. Raises RefusedInput for a row
    that is too long or has too many columns, a quotation mark that is never closed, and text after a closing one.
    """
    for number, row in enumerate(_split(text, separator, strict=True, whole=whole), start=1):
        yield row if len(row) <= MOST_COLUMNS else _narrowed(row, number)


def _narrowed(row: list[str], number: int) -> list[str]:
    """A row without the empty cells that some programs write up to their own last column."""
    if any(row[MOST_COLUMNS:]):
        raise RefusedInput("Row {row} has more than {limit} columns.", row=number, limit=MOST_COLUMNS)
    return row[:MOST_COLUMNS]


def _checked(file: BinaryIO, encoding: str, fallback: str) -> str:
    """`encoding` if the whole file is text in it, else `fallback` if it is that."""
    file.seek(0)
    decoder = _decoder(encoding)
    at, first = 0, ""
    nordic = False
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            if encoding == fallback:
                raise RefusedInput("The file is neither UTF-8 nor {encoding} text.", encoding=encoding) from error
            if nordic or _NORDIC.search(chunk):
                raise RefusedInput(
                    "The file is a mix of UTF-8 and something else, near byte {position}. It must be exported anew.",
                    position=at + error.start,
                ) from error
            return _checked(file, fallback, fallback)
        if encoding == "utf-8":
            nordic = nordic or _NORDIC.search(chunk) is not None
        if _NOT_TEXT.search(text):
            raise RefusedInput("The file is neither text (CSV) nor a workbook (XLSX, XLS, ODS).")
        first = first or text.lstrip()[:1]
        at += len(chunk)
        if not chunk:
            break
    if not first:
        raise RefusedInput("The file is empty.")
    if first == "<":
        raise RefusedInput("The file is a web page or XML, not a table. The address may show an error or a login.")
    return encoding


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise RefusedInput("The encoding {encoding} of this source is not known.", encoding=encoding) from error


def _split(text: TextIO, separator: str, *, strict: bool, whole: bool = False) -> Iterator[list[str]]:
    lines = _Lines(text)
    try:
        for row in csv.reader(lines, delimiter=separator, strict=strict):
            lines.row_ends()
            yield row
    except csv.Error as error:
        raise RefusedInput(Message("The file is not a whole CSV file ({error}).", error=str(error))) from error
    if whole and not lines.last.endswith(("\n", "\r")):
        raise RefusedInput(_CUT_OFF)


def _lines(text: TextIO) -> Iterator[str]:
    """Lines, none longer than a row may be: what is longer comes in pieces."""
    while line := text.readline(LONGEST_ROW + 1):
        yield line


class _Lines:
    """The lines of a text as csv wants them; counts how long the present row has become before csv gathers it."""

    def __init__(self, text: TextIO) -> None:
        self._lines = _lines(text)
        self._length, self._rows, self.last = 0, 0, ""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.last = line
            self._length += len(line)
            if self._length > LONGEST_ROW:
                raise RefusedInput(
                    "Row {row} is longer than {limit} characters. Perhaps a quotation mark is never closed.",
                    row=self._rows + 1,
                    limit=LONGEST_ROW,
                )
            yield line

    def row_ends(self) -> None:
        """The lines so far are rows; the next one begins another."""
        self._length = 0
        self._rows += 1
