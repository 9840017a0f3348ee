"""A few records of a source as files of their own: as they are, for whoever sets a profile up, or with invented values, for everybody else.

The form stays that of the source: the same elements, attributes and namespaces, the same columns, the same keys. So what reads the source
reads the sample. Of a file in lines or rows those are taken that belong to the first cases the connector finds; of XML its first records.
"""

import csv
import io
import json
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lxml import etree
from openpyxl import Workbook

from connectors.cases.base import CaseConnector
from connectors.cases.faking import Faker
from connectors.cases.packed import unpacked
from connectors.cases.record import FoundRecord
from connectors.cases.table.wire import header_place
from connectors.transports.base import SourceFile
from core.errors import InputError, RefusedInput
from documents import archive, xml
from documents.workbook import Cell, Sheet, read_workbook

if TYPE_CHECKING:
    from lxml.etree import _Element

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
#: Keys of FHIR whose values name a vocabulary or a place in it: the standard's own words, nobody's data.
_VOCABULARY: Final = frozenset(
    {"resourceType", "system", "url", "profile", "status", "intent", "use", "mode", "type", "active", "unit"}
)
#: A case rarely has more rows than this; the rest of a file full of look-alikes is not needed.
_ROWS_A_CASE: Final = 50
#: The first line of what our own transports write (fhir/lines.py, sql/wire.py), and the name under which its last line counts the others.
_FRAMES: Final = {"form": "end", "columns": "rows"}
#: What a reference of FHIR looks like.
_REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]+")
_ANY_DAY: Final = "2000-01-01"
_SEPARATORS: Final = ";\t,|"
#: So far down a header is looked for (table/wire.py).
_HEAD_ROWS: Final = 50


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
            else [self.head, *self.content, {_counting(self.head): len(self.content)}]
        )
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines).encode()

    def _lines(self, rows: list[list[Cell]]) -> bytes:
        written = io.StringIO()
        csv.writer(written, delimiter=self.separator, lineterminator="\r\n").writerows(rows)
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


@dataclass(frozen=True)
class _Shape:
    """What a connector may say of its files: the tag of XML's records, and the columns of each kind of table."""

    tag: str | None
    headers: tuple[tuple[str, ...], ...]

    def header(self, rows: Sequence[Sequence[Cell]]) -> int | None:
        """Which row has the columns' names; the first where nobody says what they are."""
        if not self.headers:
            return 0
        places = (header_place(rows, wanted) for wanted in self.headers)
        return next((place for place in places if place is not None), None)


def take_sample(connector: CaseConnector | None, files: Sequence[SourceFile], records: int) -> list[Sample]:
    """The first `records` cases of fetched files, file by file. Without a connector: the first records or rows of each.

    Raises InputError for a file whose form cannot be sampled, RefusedInput for one that cannot be read.
    """
    ids = _first_ids(connector, files, records) if connector is not None else set()
    shape = _Shape(getattr(connector, "record_tag", None), getattr(connector, "headers", ()))
    samples = []
    for file in files:
        with file.path.open("rb") as content:
            for name, inner in _unpacked(content, file.name):
                samples.append(_sample(inner, name, shape, ids, records))
    return samples


def fake(samples: Sequence[Sample], kept: Collection[str], draw: random.Random | None = None) -> list[Sample]:
    """The samples with invented values. `kept`: words that stay, such as those of a profile's code maps."""
    real = {value for one in samples for value in one.values()}
    faker = Faker(kept, real, draw)

    def value(found: Any) -> Any:
        if isinstance(found, datetime | date):
            try:
                return type(found).fromisoformat(faker.value(found.isoformat()))
            except ValueError:  # so long ago, or so far ahead, that it is no date to the faker
                return type(found).fromisoformat(_ANY_DAY)
        return faker.value(found) if isinstance(found, str) else faker.number(found)

    def reference(found: Any) -> Any:
        return faker.reference(found) if isinstance(found, str) else value(found)

    return [one.map(value, reference) for one in samples]


def _first_ids(connector: CaseConnector, files: Sequence[SourceFile], records: int) -> set[str]:
    """Ids of the first cases and their clients; empty when the connector can read none.

    Not of workers or of parts: others have the same worker, and numbers of decisions may begin anew in each case.
    """
    ids: set[str] = set()
    try:
        for _, found in islice(connector.read(unpacked(files), identity="none"), records):
            if isinstance(found, FoundRecord):
                ids.update({found.record.external_id, found.record.client.external_id})
            elif found.external_id is not None:
                ids.add(found.external_id)
    except RefusedInput:
        return set()  # it may be the very file that is to be looked into
    return ids


def _unpacked(content: BinaryIO, name: str) -> Iterator[tuple[str, BinaryIO]]:
    beginning = content.read(4)
    content.seek(0)
    packed = beginning.startswith(_GZIP) or (
        beginning == _ZIP and "[Content_Types].xml" not in archive.check_directory(content)
    )
    content.seek(0)
    if not packed:
        yield name, content
        return
    for member in archive.members(content, name):
        with tempfile.TemporaryFile() as unpacked:  # its form is looked at first, and a stream cannot go back
            shutil.copyfileobj(member.file, unpacked)
            unpacked.seek(0)
            yield member.name, unpacked


def _sample(content: BinaryIO, name: str, shape: _Shape, ids: set[str], records: int) -> Sample:
    beginning = _peek(content)
    if beginning.startswith(_OLE):
        raise InputError("A sample cannot be taken of a workbook in the old form (.xls); save it as .xlsx.")
    if beginning.startswith(_ZIP):
        tables = [_some_rows(sheet, shape, ids, records) for sheet in read_workbook(content.read()) if sheet.rows]
        return Sample(f"{name.rpartition('.')[0] or name}.xlsx", tables)
    start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") or beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Sample(name, _some_elements(content, shape.tag, records))
    if start.startswith((b"{", b"[")):
        return _some_lines(content, name, ids, records)
    return _some_csv(content, name, shape, ids, records)


def _peek(content: BinaryIO) -> bytes:
    beginning = content.read(64 * 1024)
    content.seek(0)
    return beginning


def _some_elements(content: BinaryIO, tag: str | None, records: int) -> "_Element":
    """The root and what leads to the records, with the first of them."""
    top: _Element | None = None
    inner: _Element | None = None
    reading = xml.stream(content, *([tag] if tag is not None else []))
    for element in islice(reading, records):
        if top is None or inner is None:
            for above in reversed(list(element.iterancestors())):
                made = _like(above)
                if inner is not None:
                    inner.append(made)
                inner = made
                top = made if top is None else top
        if inner is not None:
            inner.text = inner.text or "\n"
            copied = deepcopy(element)
            copied.tail = "\n"
            inner.append(copied)
    if top is None:
        raise InputError("There is no record in the file that a sample could be taken of.")
    return top


def _like(element: Any) -> "_Element":
    """An empty element with the same name, attributes and namespaces."""
    return etree.Element(element.tag, element.attrib, element.nsmap)


def _map_tree(tree: "_Element", value: Callable[[Any], Any]) -> None:
    for element in tree.iter():
        for name, found in element.attrib.items():
            if not str(name).startswith(_XSI):
                element.set(name, value(found))
        if element.text and element.text.strip():
            element.text = value(element.text)
        if element.tail and element.tail.strip():
            element.tail = value(element.tail)


def _some_lines(content: BinaryIO, name: str, ids: set[str], records: int) -> Sample:
    """JSON values, one a line, that speak of one of `ids`; the first ones where there are none."""
    limit = records * (_ROWS_A_CASE if ids else 1)
    try:
        found = (json.loads(line) for line in content if line.strip())
        first = next(found, None)
        counting = _counting(first)
        head = None if counting is None else first
        values = chain([first], found) if head is None else (one for one in found if not _counts(one, counting))
        chosen = list(islice((one for one in values if not ids or _speaks_of(one, ids)), limit))
        return Sample(name, chosen + _pointed_at(content, chosen), head=head)
    except ValueError as error:
        raise InputError(
            "The file is neither a table nor one JSON value a line: no sample can be taken of it."
        ) from error


def _pointed_at(content: BinaryIO, chosen: Sequence[Any]) -> list[Any]:
    """The resources (of FHIR) that the chosen ones point at, and those that these point at: without them no case can be read."""
    found: list[Any] = []
    there = {_key(one) for one in chosen}
    while wanted := {text for one in (*chosen, *found) for text in _texts(one) if _REFERENCE.fullmatch(text)} - there:
        content.seek(0)
        found += (one for line in content if line.strip() and _key(one := json.loads(line)) in wanted)
        there |= wanted
    return found


def _key(line: Any) -> str:
    return f"{line.get('resourceType')}/{line.get('id')}" if isinstance(line, dict) else ""


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _texts(one)
    elif isinstance(data, str):
        yield data


def _counting(first: Any) -> str | None:
    """Under which name the last line counts the others, where a first line such as this says that one does."""
    return next((last for head, last in _FRAMES.items() if isinstance(first, dict) and head in first), None)


def _counts(line: Any, name: str | None) -> bool:
    return isinstance(line, dict) and line.keys() == {name}


def _speaks_of(data: Any, ids: set[str]) -> bool:
    if isinstance(data, dict):
        return any(_speaks_of(one, ids) for one in data.values())
    if isinstance(data, list):
        return any(_speaks_of(one, ids) for one in data)
    return str(data).rpartition("/")[2] in ids


def _map_json(data: Any, value: Callable[[Any], Any], reference: Callable[[Any], Any], key: str = "") -> Any:
    if isinstance(data, dict):
        return {name: _map_json(one, value, reference, name) for name, one in data.items()}
    if isinstance(data, list):
        return [_map_json(one, value, reference, key) for one in data]
    if data is None or isinstance(data, bool) or key in _VOCABULARY:
        return data
    return reference(data)


def _some_csv(content: BinaryIO, name: str, shape: _Shape, ids: set[str], records: int) -> Sample:
    beginning = _peek(content)
    encoding = _encoding(beginning)
    start = beginning.decode(encoding, "replace").splitlines()[:_HEAD_ROWS]
    separator = _separator(start, shape)
    with io.TextIOWrapper(content, encoding, errors="replace", newline="") as text:
        rows = csv.reader(text, delimiter=separator)
        head, header = _head(rows, shape)
        chosen = (row for row in rows if not ids or ids.intersection(map(str.strip, row)))
        first = [row for row in head[(header or 0) + 1 :] if not ids or ids.intersection(map(str.strip, row))]
        kept = islice(chain(first, chosen), records * (_ROWS_A_CASE if ids else 1))
        table: list[list[Cell]] = [[*row] for row in (*head[: (header or 0) + 1], *kept)]
        return Sample(name, [Table(table, header=header)], separator, encoding)


def _head(rows: Iterator[list[str]], shape: _Shape) -> tuple[list[list[str]], int | None]:
    """The rows among which the header is, taken from `rows`, and its place."""
    head = list(islice(rows, _HEAD_ROWS if shape.headers else 1))
    return head, shape.header(head)


def _separator(start: list[str], shape: _Shape) -> str:
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


def _some_rows(sheet: Sheet, shape: _Shape, ids: set[str], records: int) -> Table:
    header = shape.header(sheet.rows)
    below = (header or 0) + 1
    chosen = [row for row in sheet.rows[below:] if not ids or ids.intersection(_as_text(cell) for cell in row)]
    return Table([*sheet.rows[:below], *chosen[: records * (_ROWS_A_CASE if ids else 1)]], sheet.name, header)


def _as_text(cell: Cell) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _map_cell(cell: Cell, value: Callable[[Any], Any]) -> Cell:
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return float(value(int(cell)))
    mapped: Cell = value(cell) if isinstance(cell, str | int | float | date | datetime) else value(str(cell))
    return mapped


def _workbook(tables: list[Any]) -> bytes:
    made, written = Workbook(write_only=True), io.BytesIO()
    for table in tables:
        sheet = made.create_sheet(table.sheet or None)
        for row in table.rows:
            sheet.append(row)
    made.save(written)
    return written.getvalue()
