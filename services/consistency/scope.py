"""What checks are handed: the snapshot they look at, what they are to look at, and whom they tell how far they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import Message


def _nobody(_what: Message, _count: int) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Scope:
    """`session` reads one snapshot. `budgets`: so many are drawn by `day`, None: all; `again`: names of things that were broken the last time, by
    the sort's name: those that a sample might miss are looked at again. `tell`: what is being examined, and how much of it was.
    """

    session: Session
    day: date
    settings: Budgets
    budgets: int | None = 200
    again: dict[str, frozenset[str]] = field(default_factory=dict)
    tell: Callable[[Message, int], None] = _nobody
