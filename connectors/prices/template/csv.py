"""The CSV form of the template: semicolons and a byte order mark, as a Finnish or Swedish spreadsheet program opens it with a double click."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

from documents.safe_cells import neutral


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of texts as UTF-8; none of them is a formula to whoever opens it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([neutral(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + text.getvalue().encode()
