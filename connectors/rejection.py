"""A record that is left out: where it stood, what is wrong with it. What every connector hands out instead of a bad record."""

import re
from dataclasses import dataclass
from typing import Final

from core.errors import Message
from core.logging import redact

_LONGEST_QUOTE: Final = 40
#: A word with a capital letter, or several: `Virtanen`, `Mäki-Niemi`, `Virtanen,Aino`. Codes are written in one case.
_NAME: Final = re.compile(r"[^\W\d_][^\W\d_A-ZÅÄÖ]*(?:[-'’.,/][^\W\d_][^\W\d_A-ZÅÄÖ]*)*")
#: A word of letters alone; of capitals it is how older systems write names: `VIRTANEN`, `MÄKI-NIEMI`.
_LETTERS: Final = re.compile(r"[^\W\d_]+(?:[-'’.,/][^\W\d_]+)*")
_SHORTEST_NAME: Final = 3
#: What no number or date has: letters, a plus and many digits, a leading zero and many, very many.
_NO_FIGURE: Final = re.compile(r"[^\W\d_]|\+\d{6}|(?<!\d)0\d{6}|\d{9}")
#: One that may stand in a figure: of a moment, of an exponent.
_LETTER: Final = re.compile(r"(?<=\d)(?:[TZ](?=\d|$)|[eE](?=[-+]?\d))")
_OF_MACHINES: Final = frozenset({"None", "NaN", "Infinity", "-Infinity", "True", "False"})


@dataclass(frozen=True)
class Rejection:
    """`position` finds the record in its file (a line, a row); `field` names what is wrong in our words, without indexes, so
    that equal faults can be counted as one; `external_id` is the source's id of the record, where that much could be read.

    The reason is kept and shown: it may quote codes, dates and numbers (`quote_code`, `quote_figure`), never names or free text.
    """

    position: str
    field: str | None
    external_id: str | None
    reason: Message

    def __post_init__(self) -> None:
        """An id may stand in a column that holds something else: nobody's henkilötunnus is kept as one."""
        if self.external_id is not None:
            object.__setattr__(self, "external_id", redact(self.external_id))


def quote(value: object) -> str:
    """`value` as a sentence may show it: short, one word, no henkilötunnus, and not written as names are. Anything else becomes `…`.

    A wrongly mapped column can hold a name or a personal code where a code was expected.
    """
    shown = str(value).strip()
    if shown in _OF_MACHINES:
        return shown
    harmless = (
        bool(shown)
        and len(shown) <= _LONGEST_QUOTE
        and not any(map(str.isspace, shown))
        and (shown.islower() or shown.isupper() or not _NAME.fullmatch(shown))
        and redact(shown) == shown
    )
    return shown if harmless and shown.isprintable() else "…"


def quote_code(value: object) -> str:
    """`value` as a sentence about a client's record may show it that expected a code: as `quote`, but for words of capitals alone. A column that was
    mapped wrongly may hold a surname in each, and thousands of sentences would be a list of clients.
    """
    shown = quote(value)
    name = len(shown) >= _SHORTEST_NAME and shown.isupper() and _LETTERS.fullmatch(shown)
    return "…" if name else shown


def quote_figure(value: object) -> str:
    """`value` as a sentence may show it that expected a number or a date: without letters, but for those of a moment (`2026-11-16T08:00Z`) or
    an exponent, and nothing that may be a telephone number, or a henkilötunnus without its mark.
    """
    shown = quote(value)
    return shown if shown in _OF_MACHINES or not _NO_FIGURE.search(_LETTER.sub("", shown)) else "…"
