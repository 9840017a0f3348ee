"""Delimited text: formulas, rows without end, what is no text, encodings that do not fit together."""

import random
from typing import Final

from tests.attacks.documents import Attack, Attacks


def _odd(letters: str, length: int) -> bytes:
    """Lines in which no separator can be recognised: whoever tries all of them will be long about it."""
    dice = random.Random(1)
    return "\n".join("".join(dice.choices(letters, k=length)) for _ in range(60)).encode() + b"\n"


TABLES: Final[Attacks] = {
    "formulas": Attack(lambda seed, _: seed.replace(b";", b";=cmd|' /C calc'!A1\t", 20)),
    "a quotation without end": Attack(lambda seed, _: seed + b'"' + b"x;" * 200_000, "longer than|whole CSV"),
    "a row without end": Attack(lambda seed, _: seed + b"x;" * 2_000_000 + b"\n", "longer than"),
    "empty rows without number": Attack(lambda seed, _: seed + b"\n" * 200_000),
    "separators without number": Attack(lambda seed, _: seed + (b";" * 99_000 + b"\n") * 3),
    "a NUL": Attack(lambda seed, _: seed.replace(b";", b";\0", 1).replace(b"\t", b"\t\0", 1), "neither text"),
    "columns without number": Attack(lambda seed, _: seed + b"x;" * 40_000 + b"x\n", "columns"),
    "what a terminal obeys": Attack(lambda seed, _: seed + b"\x1b[2J;\x07\n", "neither text"),
    "UTF-7": Attack(lambda seed, _: seed + b"+ADw-script+AD4-;+AD0-cmd;\n"),
    "half of UTF-16": Attack(lambda seed, _: (seed.decode("utf-8") + "x").encode("utf-16")[:-1], "neither"),
    "two encodings": Attack(lambda seed, _: seed + "ää\n".encode() + "ä\n".encode("cp1252"), "mix"),
    "a web page": Attack(lambda *_: b"<!DOCTYPE html><html><body>login</body></html>", "web page"),
    "nothing": Attack(lambda *_: b"", "empty"),
    "only spaces": Attack(lambda *_: b" \n" * 100_000, "empty"),
    "letters of everywhere": Attack(lambda *_: _odd("".join(map(chr, range(0x100, 0x2000))), 3_000), "."),
    "separators of all kinds": Attack(lambda *_: _odd("abc;:|~^!?#'*/, .$%&", 3_000), "."),
    "quotation marks of all kinds": Attack(lambda *_: _odd("a\"'`;,\t", 3_000), "."),
    "the same columns twice": Attack(
        lambda seed, _: seed.replace(b"\n", b";" + seed.partition(b"\n")[0].strip() + b"\n", 1)
    ),
}
