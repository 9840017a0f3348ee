"""What became of a budget, in the order of events: each version with its cause, and what it changed from the one before."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

#: Figures that are compared, in the order they are told.
FIGURES: Final = ("ceiling", "invoiced", "ordered", "delivered", "planned", "free")
#: So many of the newest are told.
NEWEST: Final = 100

#: Rows in: a decision. Rows out: the versions of its budget, newest first, one more than are told.
_VERSIONS = text(
    """
    SELECT version.id, version.recorded_at, version.cause, version.run_id, version.state, version.ceiling, version.invoiced,
           version.ordered, version.delivered, version.planned, version.free
    FROM budget JOIN budget_version AS version ON version.budget_id = budget.id
    WHERE budget.decision_id = :decision
    ORDER BY version.recorded_at DESC, version.id DESC LIMIT :limit
    """
)


@dataclass(frozen=True)
class Change:
    """A figure that is another than before; None: not known."""

    figure: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class Event:
    """A version of a budget: since when, why, and what it changed. The first one changed nothing: `first`.

    `state_before` is None where the state stayed. No changes at all: only the lines or the reasons became others.
    """

    recorded_at: datetime
    cause: str
    run_id: int | None
    state: str
    state_before: str | None
    changes: tuple[Change, ...]
    first: bool


@dataclass(frozen=True)
class History:
    """Newest first; `more`: there are older ones that are not told."""

    events: tuple[Event, ...]
    more: bool


def history_of(session: Session, decision_id: int, *, limit: int = NEWEST) -> History:
    """The newest versions of the budget of a decision. One query."""
    rows = session.execute(_VERSIONS, {"decision": decision_id, "limit": limit + 1}).all()
    told = [_event(row, before) for row, before in pairwise(rows)]
    if rows and len(rows) <= limit:
        told.append(_event(rows[-1], None))
    return History(tuple(told), more=len(rows) > limit)


def _event(row: Row[Any], before: Row[Any] | None) -> Event:
    changes: tuple[Change, ...] = ()
    if before is not None:
        pairs = ((name, getattr(before, name), getattr(row, name)) for name in FIGURES)
        changes = tuple(Change(name, old, new) for name, old, new in pairs if old != new)
    return Event(
        recorded_at=row.recorded_at,
        cause=row.cause,
        run_id=row.run_id,
        state=row.state,
        state_before=None if before is None or before.state == row.state else before.state,
        changes=changes,
        first=before is None,
    )
