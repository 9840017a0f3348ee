"""Asking every check, all of the same moment: one snapshot of the database, read only. The audit trail alone is verified as it stands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.clock import business_today
from core.errors import Message
from core.settings import Settings
from services.consistency.budgets import budgets
from services.consistency.findings import Looked, Result
from services.consistency.keeping import latest
from services.consistency.numbering import numbering
from services.consistency.orders import orders
from services.consistency.scope import Scope
from services.consistency.shape import shape
from services.consistency.trail import BROKEN as TRAIL_BROKEN
from services.consistency.trail import trail
from services.consistency.works import works

#: Every check of the snapshot, in the order in which they are told.
CHECKS: Final[tuple[Callable[[Scope], Looked], ...]] = (budgets, orders, works, numbering, shape)


def _nobody(_what: Message, _count: int) -> None:
    """Nobody is told."""


def examine(
    engine: Engine, settings: Settings, *, whole: bool = False, tell: Callable[[Message, int], None] = _nobody
) -> Result:
    """Ask every check. `whole`: of all budgets and the whole audit trail instead of a sample and the newest month. Writes nothing.

    `tell` hears what is being examined and how much of it was.
    """
    with _snapshot(engine) as session:
        started = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        before = latest(session)
        again = before.names() if before is not None else {}
        drawn = None if whole else settings.consistency.budgets
        scope = Scope(session, business_today(session), settings.budgets, drawn, again, tell)
        looked = [check(scope) for check in CHECKS]
    with engine.connect() as connection:
        bare = connection.execution_options(isolation_level="AUTOCOMMIT")
        with Session(bare) as session:
            everything = whole or TRAIL_BROKEN.name in again
            looked.append(trail(session, settings.audit_anchors, whole=everything, tell=tell))
            finished = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return Result(started, finished, scope.day, whole, tuple(looked))


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Session]:
    """A session that sees the database as it is at its first statement, and cannot change it."""
    with engine.connect() as connection:
        fixed = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(fixed) as session:
            yield session
