"""Everything that bytes may say to somebody who looks closely: as they are, decoded, unpacked, and both again.

What a mail program, a browser, an archiver, a PDF reader or a curious person with a terminal would read. Letters come out folded: without
case and accents, so that `Pyrstötiainen` is found as `PYRSTO\u0308TIAINEN` and as `pyrstotiainen`.
"""

import base64
import binascii
import email
import gzip
import html
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.header import decode_header
from email.policy import default
from functools import partial
from typing import Final
from urllib.parse import unquote_plus

from pypdf import PdfReader
from pypdf.errors import PyPdfError

#: A parcel in a parcel in a parcel; nobody packs deeper by accident.
_DEPTH: Final = 4
#: More than anything here unpacks to.
_LARGEST: Final = 64 * 2**20
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{56,}[\r\n]+[ \t]*)*[A-Za-z0-9+/_-]{11,}={0,2}")
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){6,}")
_STREAM: Final = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_HEADERS: Final = re.compile(rb"\A(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}\r?\n")
_QUOTED: Final = re.compile(rb"=[0-9A-F]{2}|=\r?\n")
_WORDS: Final = re.compile(r"=\?[A-Za-z0-9-]+\?[BbQq]\?[^?]*\?=(?:\s+=\?[A-Za-z0-9-]+\?[BbQq]\?[^?]*\?=)*")
_ESCAPED: Final = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_JSON_ESCAPED: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_OCTAL: Final = re.compile(r"(?:\\[0-3][0-7]{2})+")
#: Set between letters where a line may be broken; nobody sees them.
_UNSEEN: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))


def folded(text: str) -> str:
    """Without case, accents and what nobody sees."""
    plain = unicodedata.normalize("NFKD", text.translate(_UNSEEN)).casefold()
    return "".join(sign for sign in plain if not unicodedata.combining(sign)) if not plain.isascii() else plain


def readings(content: bytes | str) -> Iterator[str]:
    """Every reading of `content`, folded."""
    seen: set[bytes] = set()
    yield from _read(content.encode() if isinstance(content, str) else content, 0, seen)


def _read(content: bytes, depth: int, seen: set[bytes]) -> Iterator[str]:
    if content in seen:
        return
    seen.add(content)
    for text in _texts(content):
        yield folded(text)
        for decode in _DECODINGS:
            decoded = decode(text)
            if decoded != text:
                yield folded(decoded)
    if depth < _DEPTH:
        for inner in _parcels(content):
            yield from _read(inner, depth + 1, seen)


def _texts(content: bytes) -> Iterator[str]:
    """In the encodings that text has here: UTF-8, what it may be else, and UTF-16 of either order, from either byte on."""
    try:
        yield content.decode("utf-8")
    except UnicodeDecodeError:
        yield content.decode("utf-8", "replace")
        yield content.decode("cp1252", "replace")
    if content.count(b"\0") * 4 > len(content):
        for start in (0, 1):
            yield content[start:].decode("utf-16-le", "replace")
            yield content[start:].decode("utf-16-be", "replace")


def _escapes(text: str) -> str:
    def of_bytes(found: re.Match[str]) -> str:
        return bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "replace")

    def octal(found: re.Match[str]) -> str:
        return bytes(int(one, 8) for one in found[0].split("\\")[1:]).decode("utf-8", "replace")

    def of_json(found: re.Match[str]) -> str:
        return bytes.fromhex(found[0].replace("\\u", "")).decode("utf-16-be", "replace")

    return _JSON_ESCAPED.sub(of_json, _OCTAL.sub(octal, _ESCAPED.sub(of_bytes, text)))


def _encoded_words(text: str) -> str:
    """Header values as RFC 2047 writes what is not ASCII."""

    def words(found: re.Match[str]) -> str:
        with suppress(LookupError, ValueError, binascii.Error):
            parts = decode_header(found[0])
            return "".join(
                part.decode(charset or "ascii", "replace") if isinstance(part, bytes) else part
                for part, charset in parts
            )
        return found[0]

    return _WORDS.sub(words, text)


_DECODINGS: Final[tuple[Callable[[str], str], ...]] = (
    html.unescape,
    unquote_plus,
    partial(unquote_plus, encoding="latin-1"),
    _escapes,
    _encoded_words,
)


def _parcels(content: bytes) -> Iterator[bytes]:
    """What is packed or encoded in it."""
    if content.startswith(b"PK"):
        yield from _zipped(content)
    if content.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error), gzip.open(io.BytesIO(content)) as opened:
            yield opened.read(_LARGEST)
    if content.startswith(b"%PDF"):
        yield from _printed(content)
    if _HEADERS.match(content):
        message = email.message_from_bytes(content, policy=default)
        yield "\n".join(f"{name}: {value}" for name, value in message.items()).encode("utf-8", "replace")
        for part in message.walk():
            body = part.get_payload(decode=True)
            yield from (one for one in (body, (part.get_filename() or "").encode()) if isinstance(one, bytes) and one)
    if _QUOTED.search(content):
        yield binascii.a2b_qp(content)
    for run in _BASE64.findall(content):
        plain = re.sub(rb"[\r\n \t=]", b"", run).translate(bytes.maketrans(b"-_", b"+/"))
        with suppress(binascii.Error):
            yield base64.b64decode(plain + b"=" * (-len(plain) % 4) if len(plain) % 4 != 1 else plain[:-1])
    for run in _HEX.findall(content):
        yield bytes.fromhex(run.decode("ascii"))


def _zipped(content: bytes) -> Iterator[bytes]:
    """The parts that can be unpacked. A dialect or a password that is not read here is an error: whoever plants one has to teach it to this."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:  # it only begins like one, or was cut short; its bytes are read as they are
        return
    with archive:
        yield archive.comment
        for part in archive.infolist():
            yield part.filename.encode()
            # one that is damaged hides none of the others
            with suppress(zipfile.BadZipFile, zlib.error, EOFError), archive.open(part) as opened:
                yield opened.read(_LARGEST)


def _printed(content: bytes) -> Iterator[bytes]:
    """A PDF as it is read, what it says of itself, and its streams as they are written."""
    with suppress(PyPdfError, ValueError, KeyError):
        pdf = PdfReader(io.BytesIO(content))
        yield "\n".join(page.extract_text() for page in pdf.pages).encode()
        yield repr(pdf.metadata).encode()
    for stream in _STREAM.findall(content):
        with suppress(zlib.error):
            yield zlib.decompress(stream)
