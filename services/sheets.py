"""Tables as a workbook (XLSX), a sheet for each subject, to work on with. No text becomes what a spreadsheet program would take for a formula."""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from documents.safe_cells import neutral as harmless

_HEAD: Final = PatternFill("solid", fgColor="FFDDE6F0")
_EUROS, _DAY, _PERCENT, _PLAIN = "#,##0.00", "d.m.yyyy", "0.0%", "General"
_CENTS: Final = -2
#: What a workbook cannot hold.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST: Final = 32_000

Row = Sequence[Any]


class Share(NamedTuple):
    """A part of one, written as per cent."""

    fraction: Decimal


class Sheet(NamedTuple):
    """A table: its name, a heading for each column, rows of texts, numbers, days (date) and `Share`s; None leaves a cell empty."""

    title: str
    heads: Row
    rows: Iterable[Row]


def write_sheets(sheets: Iterable[Sheet]) -> bytes:
    """The workbook. Bytes of XLSX."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, heads, rows in sheets:
        sheet = book.create_sheet(title)
        for at, row in enumerate((heads, *rows), start=1):
            for column, value in enumerate(row, start=1):
                _write(sheet.cell(at, column), value)
        for column, head in enumerate(heads, start=1):
            cell = sheet.cell(1, column)
            cell.font, cell.fill, cell.alignment = Font(bold=True), _HEAD, Alignment(wrap_text=True, vertical="top")
            sheet.column_dimensions[get_column_letter(column)].width = max(14, min(48, len(head) + 4))
        sheet.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _write(cell: Any, value: Any) -> None:
    """A number, a day, or a text, which is never a formula."""
    if value is None:
        return
    if isinstance(value, str):
        cell.value = harmless(_UNPRINTABLE.sub(" ", value)[:_LONGEST])
        cell.data_type = "s"
    elif isinstance(value, date) and not isinstance(value, datetime):
        cell.value, cell.number_format = value, _DAY
    elif isinstance(value, Share):
        cell.value, cell.number_format = value.fraction, _PERCENT
    elif isinstance(value, Decimal):
        cell.value, cell.number_format = value, _EUROS if value.as_tuple().exponent == _CENTS else _PLAIN
    else:
        cell.value = value
