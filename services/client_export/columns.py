"""What a section of a copy is made of: its columns, what they are called, and how what they hold reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import Message
from services.family.wishes import tick_label
from services.follow_ups.findings import QUESTIONS, answer_label


@dataclass(frozen=True)
class Column:
    """`key` names it in JSON, `label` on the page, where `say` puts a code into words. `actor`: holds who acted, as the trail calls them;
    `place`: tells where somebody can be met, or may, being free words; `own`: is for the one of the family who said it.
    """

    key: str
    label: str
    say: Callable[[Any], str] | None = None
    actor: bool = False
    place: bool = False
    own: bool = False


@dataclass(frozen=True)
class Section:
    """`rows`: SQL over `:cases` (ids) and `:language`, a column for each of `columns`; what is sealed stands in columns of its own."""

    name: str
    title: str
    rows: str
    columns: tuple[Column, ...]


def ticks_in_words(ticks: Any) -> str:
    """What a family ticked of its wishes."""
    return ", ".join(tick_label(one) for one in ticks)


def findings_in_words(findings: Any) -> str:
    """What was found in a follow-up: question and answer."""
    return "; ".join(
        f"{Message(QUESTIONS[name]).text()} {answer_label(answer)}" if name in QUESTIONS else f"{name}: {answer}"
        for name, answer in findings.items()
    )


def message_in_words(message: Any) -> str:
    """A kept sentence, in the language of the copy."""
    return Message.from_json(message).text() if message.get("msgid") else ""
