"""Free words on a family's page, and a worker's answer to it: what is accepted, and the sentence for what is not.

Contact details never enter Avain (services/orders/replies/hand_over.py), so e-mail addresses and telephone numbers are refused as a
henkilötunnus is: the worker has them. What is refused is shown to its writer again, and kept nowhere.
"""

import re
import unicodedata
from typing import Final

from core.errors import InputError
from core.logging import CHECK_MARKS

#: Characters; a wish is a few sentences. What is longer is talked about.
LONGEST: Final = 1_000
LONGEST_REASON: Final = 500

#: A henkilötunnus however it is spaced, with its mark or without: day, month, year, individual number, check mark.
_HENKILOTUNNUS: Final = re.compile(
    r"(?<![0-9])(0[1-9]|[12][0-9]|3[01])[ .]{0,2}(0[1-9]|1[0-2])[ .]{0,2}([0-9]{2})\s{0,2}[-+/A-FU-Y]?\s{0,2}([0-9]{3})\s{0,2}([0-9A-FHJ-NPR-Y])(?![0-9A-Z])",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"[^\s@]{1,64}\s?(?:@|\(at\)|\[at\])\s?[^\s@]{1,64}\.[a-z]{2,}", re.IGNORECASE)
#: As Finland writes them, from seven digits on: +358 40 123 4567, 040-1234567, 09 123 4567.
_TELEPHONE: Final = re.compile(r"(?<![0-9.,])(?:\+|00|0(?=[1-9]))(?:[ ()/-]{0,2}[0-9]){6,14}(?![0-9])")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")


def wished(text: str) -> str:
    """A family's own words as they are kept, '' for none. Raises InputError."""
    said = _readable(text)
    if len(said) > LONGEST:
        raise InputError("Say it shorter, in at most {count} characters.", count=LONGEST)
    if _has_henkilotunnus(said):
        raise InputError("That holds a henkilötunnus. Leave it out.")
    plain = _plain(said)
    if _ADDRESS.search(plain) or _TELEPHONE.search(plain):
        raise InputError("Leave e-mail addresses and telephone numbers out. Your worker has them, or asks you.")
    return said


def answered(text: str) -> str:
    """A worker's answer that the family reads. Raises InputError when there is none, or for what does not belong there."""
    said = " ".join(_readable(text).split())
    if not said:
        raise InputError("Say why, in words for the family: they read it.")
    if len(said) > LONGEST_REASON:
        raise InputError("Write the reason in at most {count} characters.", count=LONGEST_REASON)
    if _has_henkilotunnus(said):
        raise InputError("That holds a henkilötunnus. Leave it out.")
    return said


def _readable(text: str) -> str:
    """Lines end in one way; what cannot be printed is refused: PostgreSQL takes no NUL, and nobody reads the rest."""
    said = "\n".join(line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    if not said.replace("\n", "").replace("\t", "").replace("\u00a0", "").replace("\u200d", "").isprintable():
        raise InputError("That holds characters that cannot be printed. Write it again with the keyboard.")
    return said


def _plain(text: str) -> str:
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text))


def _has_henkilotunnus(text: str) -> bool:
    return any(
        CHECK_MARKS[int("".join(found.group(1, 2, 3, 4))) % len(CHECK_MARKS)] == found[5].upper()
        for found in _HENKILOTUNNUS.finditer(_plain(text))
    )
