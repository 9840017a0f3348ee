"""Cutting a document into pieces that are well-formed between its head and its end, without parsing it.

Conditions: no DOCTYPE, an encoding that spells ASCII as ASCII, records that are children of the root. A cut that falls into a comment,
a CDATA section or a nested element makes a piece that is not well-formed, which its parser finds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from connectors.cases.profile import XmlShape
from connectors.cases.rows import SlowWayNeededError
from documents import xml
from documents.xml_prolog import look_at_prolog

_PIECE: Final = 256 * 1024
_HEAD: Final = 64 * 1024
#: A start tag; values may hold `>`.
_START_TAG: Final = re.compile(rb"""<([^\s<>/!?="']+)((?:\s+[^\s<>/="']+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*>""")


@dataclass(frozen=True)
class Cut:
    """How a document is cut: what goes before and after each piece, the bytes that begin and end a record, and its encoding."""

    prefix: bytes
    suffix: bytes
    begin: bytes
    end: bytes
    encoding: str


@dataclass(frozen=True)
class Piece:
    """Whole records and what stands between them; `line` is the line it begins on."""

    number: int
    line: int
    content: bytes


def prepare(file: BinaryIO, shape: XmlShape) -> tuple[Cut, int]:
    """How to cut the document, and where its first piece begins. Raises SlowWayNeededError, RefusedInput for an attack."""
    head = file.read(_HEAD)
    encoding, start = look_at_prolog(head)
    found = _START_TAG.match(head, start)
    if encoding.startswith("utf-16") or len(shape.record) != 1 or found is None:
        raise SlowWayNeededError
    suffix = b"</" + found[1] + b">"
    # no piece holds what stands before the root element, and none says whether this is the right one
    root = xml.fragment(encoding, head[: found.end()] + suffix)
    if root is None or shape.root not in {None, root.tag}:
        raise SlowWayNeededError
    name = _record_name(head, found.end(), shape.record[0])
    return Cut(found[0], suffix, b"<" + name, b"</" + name + b">", encoding), found.end()


def pieces(file: BinaryIO, cut: Cut, start: int) -> Iterator[Piece]:
    """The pieces of a document in order. What follows the last record is a piece too, with the document's end.

    Raises SlowWayNeededError when a record is larger than one may be.
    """
    file.seek(0)
    line = file.read(start).count(b"\n") + 1
    number, rest = 0, b""
    while chunk := file.read(_PIECE):
        rest += chunk
        end = rest.rfind(cut.end)
        if end < 0:
            if len(rest) > xml.ELEMENT_LIMIT:
                raise SlowWayNeededError
            continue
        content, rest = rest[: end + len(cut.end)], rest[end + len(cut.end) :]
        yield Piece(number, line, content)
        number += 1
        line += content.count(b"\n")
    yield Piece(number, line, rest)


def _record_name(head: bytes, start: int, record: str) -> bytes:
    """The record's name as it is written in this document, prefix included."""
    local = record.rpartition("}")[2].encode()
    found = re.compile(rb"<((?:[^\s<>/!?:]+:)?" + re.escape(local) + rb")[\s/>]").search(head, start)
    if found is None:
        raise SlowWayNeededError
    return found[1]
