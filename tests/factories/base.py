"""What the factories share: adding a row so that its id is known, and texts that are unique in a test run."""

from itertools import count
from typing import TypeVar

from sqlalchemy.orm import Session
from sqlmodel import SQLModel

Row = TypeVar("Row", bound=SQLModel)
_numbers = count(1)


def unique(prefix: str) -> str:
    """A text no other row of this test run has."""
    return f"{prefix}-{next(_numbers)}"


def added(session: Session, row: Row) -> Row:
    """Insert a row so that its id is known."""
    session.add(row)
    session.flush()
    return row
