"""The XML door: the only place in Avain that makes lxml parsers.

Foreign XML is where entity bombs, files that read other files, and quietly cut exports come in. So every document passes
one set of rules: no DOCTYPE at all, no network, no recovery from errors, and caps on size, depth and text.

Two things decide that a DOCTYPE cannot slip through. Avain itself settles the encoding, from a short list, and tells
libxml2 to use that one: so the prolog Avain reads is the prolog libxml2 reads. And the built tree is asked again whether it
has a document type. `resolve_entities=False` alone is not enough: it silently turns a text into an empty one.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

from lxml import etree

from core.errors import ConfigurationError, InputError, Message, RefusedInput
from core.i18n import N_
from documents.xml_prolog import PROLOG, look_at_prolog

MEBIBYTE: Final = 1024 * 1024
#: Largest document held in memory as a whole, bytes.
DOCUMENT_LIMIT: Final = 64 * MEBIBYTE
#: Largest file read as a stream, bytes: a million cases of 2 KB.
STREAM_LIMIT: Final = 4096 * MEBIBYTE
#: Largest element handed out from a stream, bytes of source.
ELEMENT_LIMIT: Final = 16 * MEBIBYTE
#: libxml2 refuses deeper nesting and longer text by itself unless `huge_tree` is set; stated here for the sentences and tests.
MAX_DEPTH: Final = 256
MAX_TEXT: Final = 10_000_000
#: No document of ours has an element with so many. A schema would object to each of them, with a sentence that is kept: 2 KB an attribute.
MAX_ATTRIBUTES: Final = 256
_TOO_MANY_ATTRIBUTES: Final = etree.XPath(f"boolean(//*[@*[{MAX_ATTRIBUTES + 1}]])")

#: libxml2's codes (xmlerror.h), and what they mean to people.
_LIMIT_PASSED: Final = etree.ErrorTypes.ERR_RESOURCE_LIMIT
_SENTENCES: Final = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: N_(
        "The file is not XML: at line {line} an element should begin, and none does."
    ),
    etree.ErrorTypes.ERR_INVALID_ENCODING: N_(
        "The XML file has bytes at line {line} that are no characters of its encoding: the one it declares, else UTF-8."
    ),
}

_CHUNK: Final = 64 * 1024
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What every parser is told.
_RULES: Final[dict[str, Any]] = {
    "no_network": True, "load_dtd": False, "huge_tree": False, "recover": False, "resolve_entities": False, "remove_comments": True,
    "remove_pis": True,
}  # fmt: skip
_Events = tuple[Literal["start", "end"], ...]
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"


@dataclass(frozen=True)
class XmlFinding:
    """One objection of a schema: the line in the document, libxml2's sentence, which may quote the document's values, and the XPath."""

    line: int
    message: str
    path: str


def parse(data: bytes, *, limit: int = DOCUMENT_LIMIT) -> "etree._ElementTree":
    """The tree of a whole document of at most `limit` bytes. Comments and processing instructions are left out.

    Raises RefusedInput, with the line where there is one, for anything but a complete, well-formed, plain document.
    """
    parser, chunks = _open(io.BytesIO(data), limit, events=())
    for chunk in chunks:
        _feed(parser, chunk)
    tree = _close(parser).getroottree()
    _refuse_document_type(tree)
    if _TOO_MANY_ATTRIBUTES(tree):
        raise RefusedInput(
            "The XML file has an element with more than {limit} attributes; that is refused as an attack.",
            limit=MAX_ATTRIBUTES,
        )
    return tree


def fragment(encoding: str, content: bytes) -> "etree._Element | None":
    """The root element of a document that was put together around a piece of a larger one; None if it is not well-formed.

    The larger document's prolog has been judged (`look_at_prolog`); this one has the same or none.
    """
    try:
        return etree.fromstring(content, etree.XMLParser(encoding=encoding, **_RULES))
    except etree.XMLSyntaxError:
        return None


def stream(
    file: BinaryIO,
    *tags: str,
    root: str | None = None,
    limit: int = STREAM_LIMIT,
    element_limit: int = ELEMENT_LIMIT,
) -> Iterator["etree._Element"]:
    """Elements named in `tags` (`name`, `{namespace}name` or `{*}name`), outermost ones, in document order.

    Without tags, every child of the root element, so that none is passed over in silence. A document whose root element is not
    `root` is refused at its first tag.

    `sourceline` is exact up to line 65,534 and then at most a few lines too high (libxml2 keeps it in 16 bits and asks the text nodes).
    Memory stays constant: an element is valid until the next one is asked for; everything finished outside of the named
    elements is dropped at once. Ancestors keep their attributes and can be asked through `getparent()`.

    A file that was cut short hands out thousands of elements BEFORE the RefusedInput: publish nothing until the iterator has ended.
    """
    parser, chunks = _open(file, limit)
    wanted = frozenset(tags)
    current: etree._Element | None = None
    begun_at = position = 0
    first = True
    for size in _fed(parser, chunks):
        for event, element in _elements(parser):
            if first:
                _refuse_document_type(element.getroottree())
                if root is not None and element.tag != root:
                    raise RefusedInput(
                        "The XML file's root element is {found}; expected is {root}.",
                        found=element.tag[:200],
                        root=root,
                    )
                first = False
            if event == "start":
                if current is None and (_is_wanted(element.tag, wanted) if wanted else _is_child_of_root(element)):
                    current, begun_at = element, position
            elif current is None:
                _forget(element)
            elif element is current:
                yield element
                current = None
                _forget(element)
        position += size
        if current is not None and position - begun_at > element_limit:
            raise RefusedInput(
                "The element at line {line} of the XML file is larger than {limit} bytes.",
                line=current.sourceline,
                limit=element_limit,
            )


def _fed(parser: "etree.XMLPullParser", chunks: Iterable[bytes]) -> Iterator[int]:
    """Feed the parser; yields the size of each chunk, and 0 at the end: libxml2 keeps the last bytes back until it is closed."""
    for chunk in chunks:
        _feed(parser, chunk)
        yield len(chunk)
    _close(parser)
    yield 0


@lru_cache(maxsize=16)
def schema(path: Path) -> "etree.XMLSchema":
    """The XML schema at `path`, compiled once per process. It and all it includes must be files on this disk.

    Raises ConfigurationError if it or an included file is missing, is named by a URL, or is not a schema.
    """
    _refuse_remote_includes(path)
    try:
        return etree.XMLSchema(etree.parse(str(path), _parser("utf-8", trusted=True)))
    except (etree.LxmlError, OSError) as error:
        raise ConfigurationError(
            "The XML schema {path} cannot be used ({detail})", path=str(path), detail=str(error)
        ) from error


def validate(tree: "etree._ElementTree | etree._Element", against: "etree.XMLSchema") -> list[XmlFinding]:
    """What the schema objects to, in document order; empty if the document is valid."""
    if against.validate(tree):
        return []
    entries = cast("Iterable[etree._LogEntry]", against.error_log)  # noqa: SLF001 - nor has this one
    return [XmlFinding(entry.line, entry.message, entry.path or "") for entry in entries]


def serialize(element: "etree._Element | etree._ElementTree", *, indent: bool = False) -> bytes:
    """UTF-8 with an XML declaration; equal trees give equal bytes."""
    return bytes(etree.tostring(element, xml_declaration=True, encoding="UTF-8", pretty_print=indent))


def xml_text(value: str) -> str:
    """`value` unchanged, if XML 1.0 can carry it; raises InputError for control characters and lone surrogates (XML 1.0, 2.2)."""
    illegal = _ILLEGAL.search(value)
    if illegal:
        raise InputError(
            "The text has a character that XML cannot carry (U+{code}) at position {position}.",
            code=f"{ord(illegal.group()):04X}",
            position=illegal.start() + 1,
        )
    return value


def _parser(encoding: str, *, trusted: bool = False, events: _Events = ("start", "end")) -> "etree.XMLPullParser":
    """`trusted` is for schemas that come with Avain: their encoding is their own affair. Events that nobody reads cost more than parsing."""
    return etree.XMLPullParser(
        events=() if trusted else events,
        encoding=None if trusted else encoding,
        **_RULES,
    )


def _open(
    file: BinaryIO, limit: int, *, events: _Events = ("start", "end")
) -> tuple["etree.XMLPullParser", Iterator[bytes]]:
    """A parser for the file's encoding and the file's bytes in chunks; the prolog has been judged when this returns."""
    beginning = _read_fully(file, PROLOG)
    encoding, _ = look_at_prolog(beginning)
    return _parser(encoding, events=events), _chunks(beginning, file, limit)


def _read_fully(file: BinaryIO, size: int) -> bytes:
    """`size` bytes unless the file ends before: one read of a compressed or network file may give less."""
    parts = bytearray()
    while len(parts) < size and (part := file.read(size - len(parts))):
        parts += part
    return bytes(parts)


def _chunks(beginning: bytes, file: BinaryIO, limit: int) -> Iterator[bytes]:
    total = 0
    chunk = beginning
    while chunk:
        total += len(chunk)
        if total > limit:
            raise RefusedInput("The XML file is larger than {limit} bytes.", limit=limit)
        yield chunk
        chunk = file.read(_CHUNK)


def _refuse_document_type(tree: "etree._ElementTree") -> None:
    """The second look, at what libxml2 understood."""
    if tree.docinfo.internalDTD is not None or tree.docinfo.doctype:
        raise RefusedInput(
            "The XML file has a DOCTYPE (line {line}). Such files are refused, because they can make a reader load other files.",
            line=1,
        )


def _elements(parser: "etree.XMLPullParser") -> Iterator[tuple[str, "etree._Element"]]:
    """The parser's finished events; with comments and instructions removed, only elements start and end."""
    for event, item in parser.read_events():
        if isinstance(item, etree._Element):  # noqa: SLF001 - the class has no public name
            yield event, item


def _feed(parser: "etree.XMLPullParser", chunk: bytes) -> None:
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        raise _refusal(parser, error) from error


def _close(parser: "etree.XMLPullParser") -> "etree._Element":
    try:
        return parser.close()
    except etree.XMLSyntaxError as error:
        raise _refusal(parser, error) from error


def _refusal(parser: "etree.XMLPullParser", error: "etree.XMLSyntaxError") -> RefusedInput:
    """What is wrong and in which line: a sentence of ours for what is often met, else libxml2's own. The exception sometimes knows less than
    the parser's log.
    """
    line, detail = error.lineno or 0, error.msg or str(error)
    entries = [entry for entry in parser.feed_error_log if entry.level_name in ("ERROR", "FATAL")]
    if not line and entries:
        line, detail = entries[0].line, entries[0].message
    if not line:
        return RefusedInput(Message("The XML file is empty or has no root element."))
    codes = [entry.type for entry in entries]
    if _LIMIT_PASSED in codes:
        if any("depth" in said for said in (detail, *(entry.message for entry in entries))):
            return RefusedInput(
                "The XML file has elements nested more than {limit} deep (line {line}); that is refused as an attack.",
                limit=MAX_DEPTH,
                line=line,
            )
        return RefusedInput(
            "The XML file has a text of more than {limit} bytes (line {line}); that is refused as an attack.",
            limit=MAX_TEXT,
            line=line,
        )
    if codes and codes[0] in _SENTENCES:
        return RefusedInput(_SENTENCES[codes[0]], line=line)
    detail = re.sub(r", line \d+, column \d+(?: \(<string>, line \d+\))?$", "", detail.strip()).replace(
        ", try XML_PARSE_HUGE", ""
    )
    return RefusedInput(
        Message(
            "The XML file is not well-formed or was cut short, line {line} ({detail})", line=line, detail=detail.strip()
        )
    )


def _is_wanted(tag: str, wanted: frozenset[str]) -> bool:
    return tag in wanted or "{*}" + tag.rpartition("}")[2] in wanted


def _is_child_of_root(element: "etree._Element") -> bool:
    parent = element.getparent()
    return parent is not None and parent.getparent() is None


def _forget(element: "etree._Element") -> None:
    """Empty a finished element and drop its finished siblings. Itself it stays until the next one ends: libxml2 may still add its tail."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while parent[0] is not element:
            del parent[0]


def _refuse_remote_includes(path: Path) -> None:
    """Walk a schema's includes before libxml2 does, so that none leads off this disk."""
    seen: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        try:
            root = etree.parse(str(current), _parser("utf-8", trusted=True)).getroot()
        except (etree.LxmlError, OSError) as error:
            raise ConfigurationError(
                "The XML schema {path} cannot be used ({detail})", path=str(current), detail=str(error)
            ) from error
        for element in root.iterchildren(f"{_XS}include", f"{_XS}import", f"{_XS}redefine", f"{_XS}override"):
            location = element.get("schemaLocation")
            if location is None:
                continue
            if ":" in location or location.startswith("//"):
                raise ConfigurationError(
                    "The XML schema {path} includes {location}; only files on this disk may be included.",
                    path=str(current),
                    location=location,
                )
            waiting.append((current.parent / location).resolve())
