"""The child that parses pieces: `python -m connectors.cases.xml.fast.child`, fed on standard input by reading.py.

Loads little, so that it costs little memory: no pydantic, no database. Messages are frames of a four-byte length and a body; the first
one tells how to read (JSON), each further one is a piece and is answered by one frame.
"""

import json
import mmap
import re
import struct
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final

from connectors.cases.rows import NULL, texts
from connectors.cases.xml.fast.converting import Remembered, are_harmless, converter, is_plain_id, is_short_text
from connectors.cases.xml.finding import steps_finder, xpath_finder
from documents import xml

#: position of the piece's first record, line, rank of the file; then the bytes.
PIECE: Final = struct.Struct("<QQI")
#: records met, then the lengths of cases, decisions, items, same, and doubtful ones.
ANSWER: Final = struct.Struct("<IIIIII")
#: position, line, length; then 16 bytes of hash and the bytes of the element.
DOUBT: Final = struct.Struct("<QQI")
LENGTH: Final = struct.Struct("<I")
HASH_BYTES: Final = 16
#: The length of an answer that says: not well-formed, or not cut as it seemed.
NOT_CUTTABLE: Final = 0xFFFFFFFF


class NotCutError(Exception):
    """The piece is not what the cutting took it for."""


class Reader:
    """Reads pieces as the first message says."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._prefix, self._suffix, begin, self._end = (
            told[name].encode("latin-1") for name in ("prefix", "suffix", "begin", "end")
        )
        # `<case` also begins `<caseCount`
        self._begin = re.compile(re.escape(begin) + rb"[\s/>]")
        self._record, self._gone, self._strict = told["record"], told["gone"], told["strict"]
        self._encoding = told["encoding"]
        self._hasher = blake2b(digest_size=HASH_BYTES, key=bytes.fromhex(told["key"]))
        self._known = _known(told["known"])
        names: dict[str, Any] = {
            "N": NULL,
            "texts": texts,
            "is_plain_id": is_plain_id,
            "is_short_text": is_short_text,
            "are_harmless": are_harmless,
        }
        for number, spec in enumerate(told["converters"]):
            names[f"f{number}"] = convert = converter(spec)
            names[f"r{number}"] = Remembered(convert)
        for number, spec in enumerate(told["finders"]):
            names[f"x{number}"] = (
                xpath_finder(spec["xpath"], spec["namespaces"])
                if "xpath" in spec
                else steps_finder(spec["up"], tuple(spec["steps"]), spec["attribute"])
            )
        exec(compile(told["source"], "<profile>", "exec"), names)  # noqa: S102 - compiling.py wrote it, from names and literals
        self._read: Callable[..., bool] = names["read"]

    def answer(self, first_position: int, line: int, file: int, content: bytes) -> bytes:
        """The rows of a piece, in the form of ANSWER. Raises NotCutError."""
        # what follows the last record ends the document itself
        suffix = self._suffix if content.endswith(self._end) else b""
        root = xml.fragment(self._encoding, self._prefix + content + suffix)
        if root is None:
            raise NotCutError
        first = line - self._prefix.count(b"\n") - 1
        slices = content.split(self._end)[:-1]  # a piece ends with a record, or has none
        cases: list[str] = []
        decisions: list[str] = []
        items: list[str] = []
        same: list[str] = []
        doubts: list[bytes] = []
        records, begin, known, index = 0, self._begin, self._known, -1
        for element in root:
            index += 1
            position = first_position + index
            if element.tag != self._record:
                if self._strict or element.tag == self._gone:
                    doubts.append(
                        _doubt(position, (element.sourceline or 0) + first, bytes(HASH_BYTES), _whole(element))
                    )
                continue
            if records == len(slices):
                raise NotCutError
            before = slices[records]
            found = begin.search(before)
            if found is None:
                raise NotCutError
            at = found.start()
            records += 1
            own = before[at:]
            hasher = self._hasher.copy()
            hasher.update(own)
            digest = hasher.digest()
            line += before.count(b"\n", 0, at)
            place = f"{file}\t{line}"
            if known is not None and _is_known(known, digest):
                same.append(f"{position}\t{place}\t\\\\x{digest.hex()}\n")
            elif not self._read(element, (str(position), place, f"\\\\x{digest.hex()}"), cases, decisions, items):
                doubts.append(_doubt(position, line, digest, own + self._end))
            line += before.count(b"\n", at)
        if records != len(slices):
            raise NotCutError
        blobs = ["".join(lines).encode() for lines in (cases, decisions, items, same)]
        blobs.append(b"".join(doubts))
        return ANSWER.pack(records, *map(len, blobs)) + b"".join(blobs)


def _known(path: str | None) -> "Sequence[int] | None":
    """The beginnings of all known hashes, sorted: a file that both children look into."""
    if path is None or not Path(path).stat().st_size:
        return None
    with Path(path).open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("Q")


def _is_known(known: "Sequence[int]", digest: bytes) -> bool:
    beginning = int.from_bytes(digest[:8], "big")
    at = bisect_left(known, beginning)
    return at < len(known) and known[at] == beginning


def _whole(element: Any) -> bytes:
    from lxml import etree  # noqa: PLC0415 - seldom

    return bytes(etree.tostring(element, encoding="us-ascii", with_tail=False))


def _doubt(position: int, line: int, digest: bytes, content: bytes) -> bytes:
    return DOUBT.pack(position, line, len(content)) + digest + content


def _frames(stream: BinaryIO) -> "Callable[[], bytes | None]":
    def next_frame() -> bytes | None:
        length = stream.read(LENGTH.size)
        return stream.read(LENGTH.unpack(length)[0]) if len(length) == LENGTH.size else None

    return next_frame


def main() -> None:
    """Answer pieces until the parent closes the pipe."""
    following, out = _frames(sys.stdin.buffer), sys.stdout.buffer
    told = following()
    if told is None:
        return
    reader = Reader(json.loads(told))
    while (frame := following()) is not None:
        first_position, line, file = PIECE.unpack_from(frame)
        try:
            answer = reader.answer(first_position, line, file, frame[PIECE.size :])
            out.write(LENGTH.pack(len(answer)))
            out.write(answer)
        except NotCutError:
            out.write(LENGTH.pack(NOT_CUTTABLE))
        out.flush()


if __name__ == "__main__":
    main()
