"""A few records of a source as files of their own: as they are, for whoever sets a profile up, or with invented values, for everybody else.

The form stays that of the source: the same elements, attributes and namespaces, the same columns, the same keys. So what reads the source
reads the sample. Of a file in lines or rows those are taken that belong to the first cases the connector finds; of XML its first records.
"""

import random
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lxml import etree

from connectors.cases.base import CaseConnector
from connectors.cases.faking import Faker
from connectors.cases.packed import unpacked
from connectors.cases.record import FoundRecord
from connectors.cases.sampling.lines import some_lines
from connectors.cases.sampling.sample import Sample, Table
from connectors.cases.sampling.tables import Shape, peek, some_csv, some_rows
from connectors.transports.base import SourceFile
from core.errors import InputError, RefusedInput
from documents import archive, xml
from documents.workbook import read_workbook

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["Sample", "Table", "fake", "take_sample"]

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_ANY_DAY: Final = "2000-01-01"


def take_sample(connector: CaseConnector | None, files: Sequence[SourceFile], records: int) -> list[Sample]:
    """The first `records` cases of fetched files, file by file. Without a connector: the first records or rows of each.

    Raises InputError for a file whose form cannot be sampled, RefusedInput for one that cannot be read.
    """
    ids = _first_ids(connector, files, records) if connector is not None else set()
    shape = Shape(getattr(connector, "record_tag", None), getattr(connector, "headers", ()))
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


def _sample(content: BinaryIO, name: str, shape: Shape, ids: set[str], records: int) -> Sample:
    beginning = peek(content)
    if beginning.startswith(_OLE):
        raise InputError("A sample cannot be taken of a workbook in the old form (.xls); save it as .xlsx.")
    if beginning.startswith(_ZIP):
        tables = [some_rows(sheet, shape, ids, records) for sheet in read_workbook(content.read()) if sheet.rows]
        return Sample(f"{name.rpartition('.')[0] or name}.xlsx", tables)
    start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") or beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Sample(name, _some_elements(content, shape.tag, records))
    if start.startswith((b"{", b"[")):
        return some_lines(content, name, ids, records)
    return some_csv(content, name, shape, ids, records)


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
