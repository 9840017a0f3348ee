"""Hostile and broken documents, made by code: what every door must refuse.

Each maker returns bytes. Nothing here is larger on disk than a few hundred kilobytes, whatever it unpacks to.
"""

import gzip
import io
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, cast

MEBIBYTE = 1024 * 1024


def entity_bomb() -> bytes:
    """Billion laughs: ten levels of ten."""
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    return (
        f'<?xml version="1.0"?><!DOCTYPE cases [<!ENTITY e0 "ha">{entities}]><cases><case>&e9;</case></cases>'.encode()
    )


def external_entity(url: str) -> bytes:
    """XXE: the content of `url` asked for as text."""
    return f'<?xml version="1.0"?>\n<!DOCTYPE cases [<!ENTITY x SYSTEM "{url}">]>\n<cases><case>&x;</case></cases>'.encode()


def external_dtd(url: str) -> bytes:
    """A DTD to be loaded from `url`."""
    return f'<!DOCTYPE cases SYSTEM "{url}"><cases/>'.encode()


def parameter_entity(url: str) -> bytes:
    """A parameter entity that pulls declarations in from `url`."""
    return f'<!DOCTYPE cases [<!ENTITY % p SYSTEM "{url}"> %p;]><cases/>'.encode()


def hidden_doctypes() -> dict[str, bytes]:
    """DOCTYPEs dressed so that a search for the plain ASCII word at the start of a file does not see them."""
    doctype = '<!DOCTYPE cases [<!ENTITY x "y">]><cases>&x;</cases>'
    declared = '<?xml version="1.0" encoding="{}"?>'
    return {
        "after a comment": f"<?xml version='1.0'?><!-- <cases> --><?p <cases/>?>\n{doctype}".encode(),
        "after 1 MB of comments": ("<!--" + "x" * MEBIBYTE + "-->" + doctype).encode(),
        "after many blank lines": (declared.format("utf-8") + "\n" * 70_000 + doctype).encode(),
        "utf-8 with mark": ("\ufeff" + doctype).encode(),
        "utf-16 little end": ("\ufeff" + declared.format("utf-16") + doctype).encode("utf-16-le"),
        "utf-16 big end": ("\ufeff" + declared.format("UTF-16") + doctype).encode("utf-16-be"),
        "utf-16 without mark": (declared.format("utf-16") + doctype).encode("utf-16-le"),
        "utf-32": (declared.format("utf-32") + doctype).encode("utf-32"),
        "utf-7": (declared.format("utf-7") + doctype.replace("<", "+ADw-").replace(">", "+AD4-")).encode(),
        "ebcdic": (declared.format("cp037") + doctype).encode("cp037"),
        "utf-8 bytes said to be utf-16": (declared.format("utf-16") + doctype).encode(),
        "utf-16 bytes said to be utf-8": ("\ufeff" + declared.format("utf-8") + doctype).encode("utf-16-le"),
    }


def deep_xml(depth: int) -> bytes:
    """`depth` elements inside each other."""
    return b"<a>" * depth + b"</a>" * depth


def cut_short(records: int) -> bytes:
    """An export whose last record ends in the middle of a tag."""
    return b"<cases>\n" + b"".join(b"<case><id>%d</id></case>\n" % number for number in range(records)) + b"<case><id>1"


class Trickle(io.RawIOBase):
    """A file that hands out its bytes in pieces of `size`, as a pipe or a slow server does."""

    def __init__(self, data: bytes, size: int = 7) -> None:
        self._file, self._size = io.BytesIO(data), size

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, self._size) if size >= 0 else self._size)


def trickle(data: bytes, size: int = 7) -> BinaryIO:
    """`data` as such a file."""
    return cast("BinaryIO", Trickle(data, size))


def pieces(first: bytes, middle: bytes, times: int, last: bytes) -> BinaryIO:
    """A file of `first`, `middle` repeated and `last`, never held in memory as a whole."""

    def generate() -> Iterator[bytes]:
        yield first
        for _ in range(times):
            yield middle
        yield last

    class Pieces(io.RawIOBase):
        parts, rest = generate(), b""

        def read(self, size: int = -1) -> bytes:
            while len(self.rest) < size and (part := next(self.parts, b"")):
                self.rest += part
            given, self.rest = self.rest[:size], self.rest[size:]
            return given

    return cast("BinaryIO", Pieces())


def zip_of(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of `(name, content)` members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


@lru_cache  # packing it takes long, and several are made before the first test
def zip_bomb(unpacked: int = 64 * MEBIBYTE, name: str = "prices.csv") -> bytes:
    """One member of zeros: about a thousandth of `unpacked` on disk."""
    return zip_of((name, bytes(unpacked)))


@lru_cache
def gzip_bomb(unpacked: int = 64 * MEBIBYTE) -> bytes:
    """The same as gzip."""
    return gzip.compress(bytes(unpacked), mtime=0)


def zip_with_lying_directory(content: bytes, claimed: int) -> bytes:
    """A member whose directory says it unpacks to `claimed` bytes."""
    data = bytearray(zip_of(("prices.csv", content)))
    size = claimed.to_bytes(4, "little")
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    data[local + 22 : local + 26] = size
    data[central + 24 : central + 28] = size
    return bytes(data)


def zip_with_flags(content: bytes, flags: int) -> bytes:
    """A member with `flags` set in both headers; 1 says it is encrypted."""
    data = bytearray(zip_of(("prices.csv", content)))
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    data[local + 6] |= flags
    data[central + 8] |= flags
    return bytes(data)


def overlapping_zip(copies: int = 26) -> bytes:
    """Many directory entries that share one member's bytes (the non-recursive bomb's trick)."""
    whole = zip_of(("0.csv", bytes(MEBIBYTE)))
    central, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[central:end]
    entries = b"".join(entry.replace(b"0.csv", b"%c.csv" % (65 + number)) for number in range(copies))
    tail = bytearray(whole[end:])
    tail[8:10] = tail[10:12] = copies.to_bytes(2, "little")
    tail[12:16] = len(entries).to_bytes(4, "little")
    return whole[:central] + entries + bytes(tail)
