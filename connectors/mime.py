"""An e-mail's bytes, written down directly (RFC 5322, 2045, 2047): 7-bit, CRLF, same parts, same bytes.

The library's own messages can hold anything and take 3 ms a letter to write; 20,000 reminders in a morning would take a minute of
nothing else. What is written here is what Avain sends: ASCII addresses, one subject, text, the same as HTML, files with names of ours.
"""

import hashlib
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterable, Sequence
from email.header import Header
from email.utils import encode_rfc2231
from functools import lru_cache

from core.steering import unsteered

_CRLF = "\r\n"
#: Longest line of an encoded body (RFC 2045, 6.8).
_BASE64_LINE = 76


@lru_cache(maxsize=1024)
def unstructured(value: str) -> str:
    """A header's words: as they are, or encoded (RFC 2047) and folded where they are not ASCII or long. Many letters share theirs."""
    if value.isascii() and len(value) <= 60 and "=?" not in value:
        return value
    return Header(value, "utf-8", maxlinelen=75, header_name="Subject").encode(linesep=_CRLF)


def part(content: str, subtype: str) -> str:
    """Text as a part, quoted-printable: not every server takes 8-bit. Without what would turn its letters around: names in it are others'."""
    body = _CRLF.join(map(unsteered, content.splitlines())) + _CRLF
    encoded = b2a_qp(body.encode(), istext=True).decode("ascii")
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"{_CRLF}Content-Transfer-Encoding: quoted-printable{_CRLF}{_CRLF}'
        f"{encoded}"
    )


def file_part(name: str, media_type: str, content: bytes) -> str:
    """A file as a part."""
    encoded = b64encode(content).decode("ascii")
    lines = _CRLF.join(encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE))
    plain = name.isascii() and name.isprintable() and not set('"\\') & set(name)
    named = f'filename="{name}"' if plain else f"filename*={encode_rfc2231(name, 'utf-8')}"
    return (
        f"Content-Type: {media_type}{_CRLF}Content-Transfer-Encoding: base64{_CRLF}"
        f"Content-Disposition: attachment; {named}{_CRLF}{_CRLF}{lines}{_CRLF}"
    )


def together(subtype: str, parts: Sequence[str], seed: str) -> str:
    """Several parts as one (`alternative`, `mixed`). `seed` makes the boundary, the same one every time; one part stays as it is.

    A boundary begins with `=_`, which neither encoding can write.
    """
    if len(parts) == 1:
        return parts[0]
    boundary = f"=_{hashlib.sha256(f'{seed}{subtype}'.encode()).hexdigest()[:32]}"
    opened = "".join(f"--{boundary}{_CRLF}{one}{_CRLF}" for one in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"{_CRLF}{_CRLF}{opened}--{boundary}--{_CRLF}'


def message(headers: Iterable[tuple[str, str]], body: str) -> bytes:
    """The whole: `headers` are ASCII already, `body` is a part."""
    head = "".join(f"{name}: {value}{_CRLF}" for name, value in headers)
    return f"{head}MIME-Version: 1.0{_CRLF}{body}".encode("ascii")
