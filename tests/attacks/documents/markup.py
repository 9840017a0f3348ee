"""XML: other files and addresses, entities, encodings that hide them, size and depth."""

import re
from typing import Final

from tests.attacks.documents import Attack, Attacks

_DOCTYPE: Final = "DOCTYPE"
_DECLARATION: Final = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>")
_START: Final = re.compile(rb"<[A-Za-z_][^<>]*?(/?)>")


def _text(seed: bytes) -> str:
    declared = re.search(rb"encoding=[\"']([^\"']+)", seed[:100])
    return seed.decode(declared[1].decode() if declared else "utf-8")


def _bare(seed: bytes) -> bytes:
    """Without a declaration, in UTF-8."""
    return _DECLARATION.sub(b"", _text(seed).encode()).lstrip()


def _declared(dtd: str, inside: str = "&x;") -> Attack:
    """A document type before the root, and `inside` used within it."""

    def make(seed: bytes, trap: str) -> bytes:
        said = dtd.replace("{trap}", trap)
        return b'<?xml version="1.0"?>\n' + said.encode() + _inside(_bare(seed), inside.encode())

    return Attack(make, _DOCTYPE)


def _inside(document: bytes, more: bytes) -> bytes:
    """`more` as the first content of the root."""
    return _START.sub(lambda found: found[0] + (b"" if found[1] else more), document, count=1)


def _attribute(document: bytes, more: bytes) -> bytes:
    """`more` as attributes of the root."""
    return _START.sub(lambda found: found[0].rstrip(b"/>") + b" " + more + found[1] + b">", document, count=1)


def _with(more: bytes, says: str | None = None) -> Attack:
    return Attack(lambda seed, trap: _inside(_bare(seed), more.replace(b"{trap}", trap.encode())), says)


def _with_attributes(more: bytes, says: str | None = None) -> Attack:
    return Attack(lambda seed, trap: _attribute(_bare(seed), more.replace(b"{trap}", trap.encode())), says)


def _before(more: bytes, says: str | None = None) -> Attack:
    return Attack(lambda seed, trap: more.replace(b"{trap}", trap.encode()) + _bare(seed), says)


def _as(encoding: str, named: str, says: str | None) -> Attack:
    """A hidden document type: in another encoding than a search for ASCII sees."""

    def make(seed: bytes, trap: str) -> bytes:
        whole = (
            f'<?xml version="1.0" encoding="{named}"?><!DOCTYPE x [<!ENTITY x SYSTEM "{trap}">]>' + _bare(seed).decode()
        )
        return whole.encode(encoding)

    return Attack(make, says)


_LAUGHS: Final = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))

MARKUP: Final[Attacks] = {
    "a file as an entity": _declared('<!DOCTYPE x [<!ENTITY x SYSTEM "{trap}">]>'),
    "a file as an entity in an attribute": Attack(
        lambda seed, trap: f'<!DOCTYPE x [<!ENTITY x SYSTEM "{trap}">]>'.encode() + _attribute(_bare(seed), b'x="&x;"'), _DOCTYPE
    ),
    "a DTD elsewhere": _declared('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', ""),
    "a DTD by its public name": _declared('<!DOCTYPE x PUBLIC "-//X//X//EN" "http://127.0.0.1:9/x.dtd">', ""),
    "declarations from elsewhere": _declared('<!DOCTYPE x [<!ENTITY % p SYSTEM "{trap}"> %p;]>', ""),
    "entities of entities": _declared(f'<!DOCTYPE x [<!ENTITY e0 "ha">{_LAUGHS}]>', "&e9;"),
    "a long entity many times": _declared(f'<!DOCTYPE x [<!ENTITY x "{"A" * 50_000}">]>', "&x;" * 10_000),
    "an entity of itself": _declared('<!DOCTYPE x [<!ENTITY x "&y;"><!ENTITY y "&x;">]>'),
    "default attributes": _declared('<!DOCTYPE x [<!ATTLIST x y CDATA "z">]>', ""),
    "a document type in UTF-16": _as("utf-16", "utf-16", _DOCTYPE),
    "a document type in UTF-16 without a mark": _as("utf-16-le", "utf-16", "byte order mark"),
    "a document type in UTF-32": _as("utf-32", "utf-32", "UTF-32"),
    "a document type in UTF-7": Attack(
        lambda seed, _: b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE x+AD4-' + _bare(seed), "declares the encoding utf-7"
    ),
    "a document type in EBCDIC": _as("cp037", "cp037", "not XML|well-formed|not read"),
    "a document type after a mark and comments": _before(b"\xef\xbb\xbf<!-- <x> --><?p ?>\n<!DOCTYPE x>", _DOCTYPE),
    "a prolog without end": _before(b"<!--" + b"x" * 100_000 + b"-->", "no root element in its first"),
    "an inclusion": _with(b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{trap}"/>'),
    "a style sheet": _before(b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="{trap}"?>'),
    "a schema of its own": _with_attributes(
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {trap}" xsi:noNamespaceSchemaLocation="{trap}"'
    ),
    "a base elsewhere": _with_attributes(b'xml:base="{trap}"'),
    "depth": _with(b"<a>" * 100_000, "nested more than|well-formed"),
    "a huge attribute": _with_attributes(b'x="' + b"A" * 11_000_000 + b'"', "bytes"),
    "a huge text": _with(b"<a>" + b"A" * 11_000_000 + b"</a>", "bytes"),
    "many attributes": _with(b"<a " + b" ".join(b'a%d=""' % number for number in range(20_000)) + b"/>"),
    "the same attribute twice": _with_attributes(b'x="1" x="2"', "well-formed"),
    "many names": _with(b"".join(b"<a%d/>" % number for number in range(10_000))),
    "many name spaces": _with(b"".join(b'<a xmlns:n%d="urn:%d"/>' % (number, number) for number in range(5_000))),
    "a huge name": _with(b"<" + b"a" * 60_000 + b"/>", "well-formed"),
    "many instructions": _with(b"<?p?>" * 200_000),
    "hidden markup": _with(b"<![CDATA[<script>alert(1)</script>]]>"),
    "cut short": Attack(lambda seed, _: _bare(seed)[:-25], "cut short"),
    "two roots": Attack(lambda seed, _: _bare(seed) + _bare(seed), "well-formed"),
    "a NUL": _with(b"\0", "well-formed|characters of its encoding"),
    "a control character as a reference": _with(b"<a>&#27;</a>", "well-formed"),
    "half a character as a reference": _with(b"<a>&#xD800;</a>", "well-formed"),
    "an encoding that is another": Attack(lambda seed, _: b'<?xml version="1.0" encoding="utf-16"?>' + _bare(seed), "first bytes say otherwise"),
}  # fmt: skip
