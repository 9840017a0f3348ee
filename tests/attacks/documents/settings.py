"""TOML: what its reader stumbles over."""

from typing import Final

from tests.attacks.documents import Attack, Attacks

_REFUSED: Final = "."


def _line(line: bytes, says: str | None = _REFUSED) -> Attack:
    return Attack(lambda seed, _: line + b"\n" + seed, says)


SETTINGS: Final[Attacks] = {
    "lists in lists": _line(b"x = " + b"[" * 100_000, "brackets in brackets"),
    "tables in tables": _line(b"x = " + b"{a=" * 100_000, "brackets in brackets"),
    "a key of many parts": _line(b"a" + b".a" * 20_000 + b" = 1", "by the hundred"),
    "a number of 5,000 digits": _line(b"x = " + b"9" * 5_000),
    "a key twice": _line(b"x = 1\nx = 2"),
    "a year that is none": _line(b"x = 0000-00-00"),
    "not UTF-8": _line(b'x = "\xff"', "UTF-8"),
    "a NUL": _line(b"x = \0"),
    "no number": _line(b"x = nan"),
    "cut short": Attack(lambda seed, _: seed + b'\nx = "', _REFUSED),
}
