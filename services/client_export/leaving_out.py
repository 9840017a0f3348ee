"""What is not the asker's to have is left out, and it is said that it was: nothing is silently missing."""

from collections.abc import Iterator

from core.errors import Message
from core.i18n import N_
from services.client_export.asking import Asked
from services.client_export.reading import Rows
from services.client_export.sections import SECTIONS

WORDS_OF_OTHERS = N_("What others of the family said here is theirs: {count} entries show only that they are there.")
WHEREABOUTS = N_(
    "The client is under non-disclosure (turvakielto): who provides services, which unit and workers look after the client, and what was written about it in free words, is left out, and so are the orders themselves."
)
NOTES = N_(
    "Workers' own words about follow-ups are left out: {count}. They may tell of others; ask for them separately."
)


def hides_whereabouts(asked: Asked, *, non_disclosure: bool) -> bool:
    """Under non-disclosure a copy that somebody else than the client asks for must not tell where the client can be met."""
    return non_disclosure and asked.by == "parent"


def leave_out(rows: Rows, asked: Asked, *, non_disclosure: bool, notes: int) -> list[Message]:
    """Empty what the asker may not have; what is said of it on the page and in the JSON. `notes`: so many were not opened."""
    said = []
    others = sum(_empty(rows, asked))
    if others:
        said.append(Message(WORDS_OF_OTHERS, count=others))
    if hides_whereabouts(asked, non_disclosure=non_disclosure):
        for section in SECTIONS:
            for row in rows[section.name]:
                row.update({column.key: None for column in section.columns if column.place or column.actor})
        said.append(Message(WHEREABOUTS))
    if notes:
        said.append(Message(NOTES, count=notes))
    return said


def _empty(rows: Rows, asked: Asked) -> Iterator[int]:
    """One for each entry of another voice, which is emptied."""
    for section in SECTIONS:
        own = [column.key for column in section.columns if column.own]
        for row in rows[section.name] if own else ():
            if row["voice"] != asked.by:
                row.update(dict.fromkeys(own))
                yield 1
