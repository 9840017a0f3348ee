"""Reading a file of `urn:avain:cases:1` case by case: constant memory, whatever the file's length."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from connectors.cases.base import FileConnector, Found, IdentityMode
from connectors.cases.record import FoundGone, parse_record, readable_id
from connectors.cases.xml import wire
from connectors.cases.xml.mapping import to_record
from connectors.rejection import Rejection, quote
from core.errors import Message
from documents import xml

if TYPE_CHECKING:
    from lxml import etree


class XmlCases(FileConnector):
    """The connector of kind `xml`. A record's position is the line its element begins on."""

    def read_file(self, file: BinaryIO, *, identity: IdentityMode) -> Iterator[Found]:
        """See FileConnector.read_file."""
        for element in xml.stream(file, root=wire.ROOT):
            yield _read_case(element, keep_identity=identity == "sealed")


def _read_case(element: "etree._Element", *, keep_identity: bool) -> Found:
    position = str(element.sourceline)
    if element.tag == wire.GONE:
        return _read_gone(element, position)
    if element.tag != wire.RECORD:
        name = quote(str(element.tag).removeprefix(f"{{{wire.NAMESPACE}}}"))
        return Rejection(position, None, None, Message("The element {name} is not part of the format.", name=name))
    if not keep_identity:  # before anything is looked at that could end up in a sentence
        for parent in element.findall(wire.CLIENT):
            for who in parent.findall(wire.IDENTITY):
                parent.remove(who)
    try:
        case = wire.read(element, wire.CASE, "case")
    except wire.ShapeError as error:
        return Rejection(position, error.path, readable_id(element.get("id")), error.message)
    return parse_record(to_record(case), position)


def _read_gone(element: "etree._Element", position: str) -> Found:
    try:
        gone = wire.read(element, wire.ONLY_ID, "gone")
    except wire.ShapeError as error:
        return Rejection(position, error.path, readable_id(element.get("id")), error.message)
    external_id = readable_id(gone.get("id"))
    if external_id is None:
        return Rejection(position, "external_id", None, Message("A value that must be there is missing."))
    return FoundGone(position, external_id)
