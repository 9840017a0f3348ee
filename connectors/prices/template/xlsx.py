"""The workbook form of the template: the table with lists to choose from, and a sheet of instructions in Finnish and one in Swedish."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from connectors.prices.template.instructions import INSTRUCTIONS
from core.errors import Message

#: Rows that offer lists to choose from.
_ROWS: Final = 1000
#: Sheet of each language, by that language's own name for it.
_SHEETS: Final = {"fi": "Ohje", "sv": "Anvisning"}
_HEAD: Final = PatternFill("solid", fgColor="FFDDE6F0")


def write_xlsx(titles: Sequence[str], rows: Sequence[Sequence[str]], choices: Mapping[str, Sequence[str]]) -> bytes:
    """A workbook of texts: a name that looks like a formula stays a name."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Hinnasto"
    for at, row in enumerate((titles, *rows), start=1):
        for column, text in enumerate(row, start=1):
            _write(sheet.cell(at, column), text)
    for column, title in enumerate(titles, start=1):
        letter = get_column_letter(column)
        head = sheet.cell(1, column)
        head.font, head.fill, head.alignment = Font(bold=True), _HEAD, Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[letter].width = 34 if column == 2 else 18
        if title in choices:
            _offer(sheet, f"{letter}2:{letter}{_ROWS}", choices[title])
    sheet.freeze_panes = "A2"
    for language, name in _SHEETS.items():
        _instruct(book.create_sheet(name), language)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _write(cell: Any, text: str) -> None:
    """A text, whatever it begins with: openpyxl would make a formula of `=…`."""
    if not text:
        return
    cell.value = text
    cell.data_type = "s"
    cell.number_format = "@" if text.startswith(("=", "+", "-", "@")) else "General"


def _offer(sheet: Worksheet, cells: str, choices: Sequence[str]) -> None:
    """A list to choose from; another word is asked about, not forbidden: the reader knows more of them."""
    offered = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True, errorStyle="warning")
    offered.add(cells)
    sheet.add_data_validation(offered)


def _instruct(sheet: Worksheet, language: str) -> None:
    sheet.column_dimensions["A"].width = 100
    for at, sentence in enumerate(INSTRUCTIONS, start=1):
        cell = sheet.cell(at, 1)
        _write(cell, Message(sentence).text(language))
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if at == 1:
            cell.font = Font(bold=True, size=14)
