"""A record that is left out: where it stood, what is wrong with it. What every connector hands out instead of a bad record."""

from dataclasses import dataclass
from typing import Final

from core.errors import Message
from core.logging import redact

_LONGEST_QUOTE: Final = 40


@dataclass(frozen=True)
class Rejection:
    """`position` finds the record in its file (a line, a row); `field` names what is wrong in our words, without indexes, so
    that equal faults can be counted as one; `external_id` is the source's id of the record, where that much could be read.

    The reason is kept and shown: it may quote codes, dates and numbers (`quote`), never names or free text.
    """

    position: str
    field: str | None
    external_id: str | None
    reason: Message


def quote(value: object) -> str:
    """`value` as a sentence may show it: short, one word, no henkilötunnus. Anything else becomes `…`.

    A wrongly mapped column can hold a name or a personal code where a date was expected.
    """
    shown = str(value).strip()
    harmless = (
        bool(shown) and len(shown) <= _LONGEST_QUOTE and not any(map(str.isspace, shown)) and redact(shown) == shown
    )
    return shown if harmless and shown.isprintable() else "…"
