"""A sample as a value: a file of a few records, which can be written and whose values can be replaced."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from documents import xml
from documents.safe_cells import neutral
from documents.workbook import Cell

if TYPE_CHECKING:
    from lxml.etree import _Element

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
#: Keys of FHIR whose values name a vocabulary or a place in it: the standard's own words, nobody's data.
_VOCABULARY: Final = frozenset(
    {"resourceType", "system", "url", "profile", "status", "intent", "use", "mode", "type", "active", "unit"}
)
_NUMBER: Final = re.compile(r"[-+]?[0-9][0-9 .,]*")
#: The first line of what our own transports write (fhir/lines.py, sql/wire.py), and the name under which its last line counts the others.
_FRAMES: Final = {"form": "end", "columns": "rows"}


@dataclass(frozen=True)
class Table:
    """Rows of a table; `sheet` where it is one of a workbook. The row `header` has the columns' names: all others may hold anybody's data,
    also titles above it. None where no row does.
    """

    rows: list[list[Cell]]
    sheet: str = ""
    header: int | None = 0


@dataclass(frozen=True)
class Sample:
    """A file of a few records. `content` is a tree (XML), a list of JSON values (a line each), or tables. `head` is the line before them,
    where there is to be one: it says how they are read and is no value of a source.
    """

    name: str
    content: "_Element | list[Any] | list[Table]"
    separator: str = ";"
    encoding: str = "utf-8"
    head: dict[str, Any] | None = None

    def to_bytes(self) -> bytes:
        """The file."""
        if isinstance(self.content, etree._Element):  # noqa: SLF001 - the class has no public name
            return xml.serialize(self.content)
        if any(isinstance(one, Table) for one in self.content):
            return _workbook(self.content) if self.name.endswith(".xlsx") else self._lines(self.content[0].rows)
        lines = (
            [*self.content]
            if self.head is None
            else [self.head, *self.content, {counting(self.head): len(self.content)}]
        )
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines).encode()

    def _lines(self, rows: list[list[Cell]]) -> bytes:
        written = io.StringIO()
        harmless = ([_harmless(cell) for cell in row] for row in rows)
        csv.writer(written, delimiter=self.separator, lineterminator="\r\n").writerows(harmless)
        return written.getvalue().encode(self.encoding)

    def values(self) -> Iterator[str]:
        """Every value in it."""
        found: list[str] = []

        def note(value: Any) -> Any:
            found.append(str(value).strip())
            return value

        self.map(note, note)
        return iter(found)

    def map(self, value: Callable[[Any], Any], reference: Callable[[Any], Any]) -> "Sample":
        """The same file with every value replaced; names of elements, columns and keys stay. `reference` is for values of JSON."""
        if isinstance(self.content, etree._Element):  # noqa: SLF001
            tree = deepcopy(self.content)
            _map_tree(tree, value)
            return replace(self, content=tree)
        mapped = [
            replace(
                one,
                rows=[
                    row if place == one.header else [_map_cell(cell, value) for cell in row]
                    for place, row in enumerate(one.rows)
                ],
            )
            if isinstance(one, Table)
            else _map_json(one, value, reference)
            for one in self.content
        ]
        return replace(self, content=mapped)


def _map_tree(tree: "_Element", value: Callable[[Any], Any]) -> None:
    for element in tree.iter():
        for name, found in element.attrib.items():
            if not str(name).startswith(_XSI):
                element.set(name, value(found))
        if element.text and element.text.strip():
            element.text = value(element.text)
        if element.tail and element.tail.strip():
            element.tail = value(element.tail)


def _map_json(data: Any, value: Callable[[Any], Any], reference: Callable[[Any], Any], key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _map_json(one, value, reference, name) for name, one in data.items()}
    if isinstance(data, list):
        return [_map_json(one, value, reference, key) for one in data]
    if data is None or isinstance(data, bool) or key in _VOCABULARY:
        return data
    return reference(data)


def _map_cell(cell: Cell, value: Callable[[Any], Any]) -> Cell:
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return float(value(int(cell)))
    mapped: Cell = value(cell) if isinstance(cell, str | int | float | date | datetime) else value(str(cell))
    return mapped


def _harmless(cell: Cell) -> Cell:
    """A cell as it may stand in a text that somebody opens in a spreadsheet program; a number stays one, whatever its sign."""
    return neutral(cell) if isinstance(cell, str) and not _NUMBER.fullmatch(cell) else cell


def _text_cell(sheet: Any, text: str) -> Any:
    """A text that is one: openpyxl takes what begins with = for a formula."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    return cell


def counting(first: Any) -> str | None:
    """Under which name the last line counts the others, where a first line such as this says that one does."""
    return next((last for head, last in _FRAMES.items() if isinstance(first, dict) and head in first), None)


def _workbook(tables: list[Any]) -> bytes:
    made, written = Workbook(write_only=True), io.BytesIO()
    for table in tables:
        sheet = made.create_sheet(table.sheet or None)
        for row in table.rows:
            sheet.append([_text_cell(sheet, cell) if isinstance(cell, str) else cell for cell in row])
    made.save(written)
    return written.getvalue()
