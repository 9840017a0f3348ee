"""JSON, whole and in lines: depth, numbers beyond measure, names twice, what Python takes for JSON and others do not."""

from typing import Final

from tests.attacks.documents import Attack, Attacks


def _member(more: bytes, says: str | None = None) -> Attack:
    """One member more, before all others."""
    return Attack(lambda seed, _: seed.replace(b"{", b"{" + more + b",", 1), says)


_REFUSED: Final = "."

JSON: Final[Attacks] = {
    "lists in lists": Attack(lambda *_: b"[" * 500_000, _REFUSED),
    "objects in objects": Attack(lambda *_: b'{"a":' * 100_000 + b"1" + b"}" * 100_000, _REFUSED),
    "depth in a member": _member(b'"x":' + b"[" * 100_000 + b"]" * 100_000, _REFUSED),
    "a name twice": _member(b'"x":1,"x":2', _REFUSED),
    "NaN": _member(b'"x":NaN', _REFUSED),
    "infinity": _member(b'"x":-Infinity', _REFUSED),
    "an exponent beyond measure": _member(b'"x":1E99999999999999999999'),
    "a number of 5,000 digits": _member(b'"x":' + b"9" * 5_000),
    "half a character": _member(rb'"x":"\ud800"'),
    "half a character in UTF-8": _member(b'"x":"\xed\xa0\x80"'),
    "a NUL": _member(rb'"x":"\u0000"'),
    "a NUL as it is": _member(b'"x":"\0"', _REFUSED),
    "a prototype": _member(b'"__proto__":{"admin":true},"__class__":"x"'),
    "members without number": _member(b",".join(b'"k%d":0' % number for number in range(30_000))),
    "UTF-16": Attack(lambda seed, _: seed.decode().encode("utf-16")),
    "UTF-32": Attack(lambda seed, _: seed.decode().encode("utf-32")),
    "a mark before it": Attack(lambda seed, _: b"\xef\xbb\xbf" + seed),
    "more behind it": Attack(lambda seed, _: seed + b'{"x":1}', _REFUSED),
    "cut short": Attack(lambda seed, _: seed[: len(seed) // 2], _REFUSED),
    "a comment": Attack(lambda seed, _: b"/* x */" + seed, _REFUSED),
    "nothing": Attack(lambda *_: b"", _REFUSED),
    "another kind of value": Attack(lambda *_: b'"text"', _REFUSED),
}

LINES: Final[Attacks] = {
    "lists in lists": Attack(lambda seed, _: b"[" * 500_000 + b"\n" + seed, _REFUSED),
    "depth in a later line": Attack(lambda seed, _: seed.replace(b"\n", b"\n" + b"[" * 100_000 + b"\n", 1), _REFUSED),
    "a line without end": Attack(lambda seed, _: seed.replace(b"\n", b"\n" + b'"' + b"x" * 30_000_000, 1), _REFUSED),
    "cut short": Attack(lambda seed, _: seed[: seed.rindex(b"\n", 0, -1)], _REFUSED),
    "more behind it": Attack(lambda seed, _: seed + b"{}\n", _REFUSED),
    "nothing": Attack(lambda *_: b"", _REFUSED),
}
