"""A section of the first page: rows, and how many more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

#: So many rows of a section are shown, and so many when somebody asks for all of it.
FEW: Final = 8
MANY: Final = 100
#: Nobody reads on from here; beyond it is only said that there are more.
COUNTED: Final = 100


@dataclass(frozen=True)
class Section:
    """The most pressing rows, as mappings, and how many `more` there are; `at_least`: they were not counted to the end.

    `newest`: only what is newest was looked through.
    """

    rows: Sequence[Mapping[str, Any]]
    more: int = 0
    at_least: bool = False
    newest: bool = False


def first_of(statement: str) -> TextClause:
    """A statement (in order, `LIMIT :counted`) made to tell its first rows and how many it found."""
    return text(f"WITH found AS ({statement}) SELECT *, count(*) OVER () AS found FROM found LIMIT :shown")  # noqa: S608 - our own words


def section(session: Session, statement: TextClause, values: Mapping[str, Any], *, everything: bool) -> Section:
    """The rows of a section: the first few, or with `everything` as many as anybody reads."""
    shown = MANY if everything else FEW
    found_rows = session.execute(statement, {**values, "counted": COUNTED, "shown": shown}).mappings()
    rows: list[Mapping[str, Any]] = [dict(row) for row in found_rows]
    found = rows[0]["found"] if rows else 0
    return Section(rows, found - len(rows), at_least=found == COUNTED)
