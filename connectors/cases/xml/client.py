"""Reading XML case by case: the canonical format `urn:avain:cases:1`, or any other by a profile.

There are two ways. `read` is the one that knows what is wrong with a record; constant memory, whatever the file's length. `read_rows` is
the fast one (fast/): it hands out rows, and what it is not sure of goes through `read_doubt`, which is the first way for one record.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from connectors.cases.base import FileConnector, Found, IdentityMode
from connectors.cases.profile import Profile, load_profile
from connectors.cases.record import FoundGone, parse_record, readable_id
from connectors.cases.rows import Doubt, RowBatch, SlowWayNeededError
from connectors.cases.xml import wire
from connectors.cases.xml.fast.compiling import Compiled, compile_profile
from connectors.cases.xml.fast.placing import NotCompilableError
from connectors.cases.xml.fast.reading import read_rows
from connectors.cases.xml.foreign import ForeignXml
from connectors.cases.xml.mapping import to_record
from connectors.rejection import Rejection, quote
from connectors.transports.base import SourceFile
from core.errors import Message, RefusedInput
from documents import xml

if TYPE_CHECKING:
    from lxml import etree

_CANONICAL: Final = Path(__file__).with_name("canonical.toml")


class XmlCases(FileConnector):
    """The connector of kind `xml`. A record's position is the line its element begins on."""

    def __init__(self, profile: Profile | None = None) -> None:
        self._foreign = profile
        self._profile = profile or load_profile(_CANONICAL, "xml")
        self.version = self._profile.version
        self._compiled: Compiled | None = None
        with suppress(NotCompilableError):
            self._compiled = compile_profile(self._profile.without_identity(), strict=profile is None)

    def read_file(self, file: BinaryIO, *, identity: IdentityMode) -> Iterator[Found]:
        """See FileConnector.read_file."""
        if self._foreign is not None:
            yield from ForeignXml(self._foreign, keep_identity=identity == "sealed").read_file(file)
            return
        for element in xml.stream(file, root=wire.ROOT):
            yield _read_case(element, keep_identity=identity == "sealed")

    def can_read_rows(self, identity: IdentityMode) -> bool:
        """Whether there is a fast way: not for identity that is kept, nor for a profile with paths that only the slow way can follow."""
        return identity == "none" and self._compiled is not None

    def read_rows(
        self, files: Sequence[SourceFile], *, key: bytes, known: Path | None
    ) -> Iterator[tuple[SourceFile, RowBatch]]:
        """See RowReader."""
        if self._compiled is None or self._profile.xml is None:
            raise ValueError("there is no fast way: ask can_read_rows")
        yield from read_rows(files, self._profile.xml, self._compiled, key, known)

    def read_doubt(self, doubt: Doubt) -> Found | None:
        """See RowReader. Raises SlowWayNeededError for what is not one element after all: a comment can hold the beginning of a record."""
        try:
            (element,) = xml.parse(doubt.content).getroot()
        except (RefusedInput, ValueError) as error:
            raise SlowWayNeededError from error
        if self._foreign is None:
            return _read_case(element, keep_identity=False, line=doubt.line)
        return ForeignXml(self._foreign, keep_identity=False).read_element(element, str(doubt.line))


def _read_case(element: "etree._Element", *, keep_identity: bool, line: int | None = None) -> Found:
    position = str(element.sourceline if line is None else line)
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
