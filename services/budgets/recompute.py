"""Recompute what was noted as touched: take the notes, freeze ceilings, write what changed, tell workers.

The notes are deleted first and the calculation runs in later statements, which therefore see every change whose note was taken;
a note written meanwhile stays and is taken next time. A budget's row lock is held from its notes to its commit, so that two
recomputations, or one and an approval, never write the same budget at once; those who take many pass over locked ones.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.faults import fault_point
from services.budgets.ceiling import freeze_ceilings
from services.budgets.dirty import spread_notes
from services.budgets.news import tell_workers
from services.budgets.writing import Result, Touched, write_changed

#: Budgets calculated in one transaction: enough that planning and committing cost little beside it, and a killed process loses a second.
CHUNK = 2_000


@dataclass(frozen=True)
class Recomputed:
    """How many budgets were calculated, how many of them changed, and how many are unpriced or over now."""

    recomputed: int = 0
    changed: int = 0
    unpriced: int = 0
    over: int = 0

    def __add__(self, other: "Recomputed") -> "Recomputed":
        return Recomputed(
            self.recomputed + other.recomputed,
            self.changed + other.changed,
            self.unpriced + other.unpriced,
            self.over + other.over,
        )


#: Rows in: a budget and how many. Rows out: budgets after it that have notes, in order, found by so many notes: counting budgets instead
#: would read all notes there are whenever the planner thinks them few.
_NOTED = text(
    """
    SELECT DISTINCT budget_id
    FROM (SELECT budget_id FROM budget_dirty WHERE budget_id > :after ORDER BY budget_id LIMIT :limit) AS noted ORDER BY budget_id
    """
)

#: Rows in: budgets. Rows out: those among them that nobody else has locked, locked.
_LOCK_FREE = text("SELECT id FROM budget WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED")

#: Rows in: decision ids. Rows out: their budgets, created where missing and locked; waits for those locked by others.
_MAKE = text(
    """
    INSERT INTO budget (decision_id, ceiling_basis) SELECT id, '{}' FROM decision
    WHERE id = ANY(:decision_ids) ORDER BY id ON CONFLICT (decision_id) DO NOTHING
    """
)
_LOCK = text(
    "SELECT id FROM budget WHERE decision_id = ANY(:decision_ids) AND vouchers_removed_on IS NULL ORDER BY id FOR NO KEY UPDATE"
)

#: Rows in: locked budgets. Rows out: their notes, deleted; the latest of a budget tells its cause. None of one whose vouchers were kept long
#: enough and are gone: it stays as it was with them (services/retention).
_TAKE = text(
    """
    WITH taken AS (DELETE FROM budget_dirty WHERE budget_id = ANY(:ids) RETURNING id, budget_id, cause, run_id)
    SELECT DISTINCT ON (budget_id) budget_id, cause, run_id FROM taken
    WHERE NOT EXISTS (SELECT FROM budget WHERE budget.id = budget_id AND vouchers_removed_on IS NOT NULL)
    ORDER BY budget_id, id DESC
    """
)

#: How the planner goes about the statements below; without values, as the server is set up.
_PLANNING = text(
    "SELECT set_config('join_collapse_limit', CAST(:joins AS text), true), set_config('random_page_cost', CAST(:random AS text), true),"
    " set_config('jit', CAST(:compiled AS text), true)"
)


@dataclass
class Sweep:
    """One process's way through the noted budgets, in the order of their ids; any number of them may go side by side.

    It goes on where its last chunk ended: what was taken before need not be looked at again, and budgets that others have locked hold
    up nobody. Past the last note it begins anew, for notes may have been written behind it, and ends when a whole round brought nothing.
    `run_id` is noted on new versions whose note names no run of its own.
    """

    settings: Budgets
    run_id: int | None = None
    limit: int = CHUNK
    _after: int = field(default=0, init=False)
    _idle: bool = field(default=True, init=False)

    def chunk(self, session: Session, now: datetime) -> Recomputed | None:
        """Calculate up to `limit` touched budgets in the caller's transaction. None: none is left that is free."""
        spread_notes(session)
        touched = self._take(session)
        if not touched:
            return None
        fault_point("budgets.taken")
        return _calculate(session, touched, now=now, settings=self.settings)

    def _take(self, session: Session) -> list[Touched]:
        """The next budgets, locked, their notes gone."""
        while True:
            noted = list(session.execute(_NOTED, {"after": self._after, "limit": self.limit}).scalars())
            if not noted:
                self._after, idle, self._idle = 0, self._idle, True
                if idle:
                    return []
                continue
            self._after = noted[-1]
            ids = list(session.execute(_LOCK_FREE, {"ids": noted}).scalars())
            taken = session.execute(_TAKE, {"ids": ids}).all() if ids else ()
            if taken:
                self._idle = False
                return [Touched(row.budget_id, row.cause, row.run_id or self.run_id) for row in taken]


def recompute_now(
    session: Session,
    decision_ids: Collection[int],
    *,
    cause: str,
    now: datetime,
    settings: Budgets,
    run_id: int | None = None,
) -> Recomputed:
    """Calculate the budgets of decisions at once and keep them locked until the caller's transaction ends.

    For whoever decides on the figures, such as an approval: nobody can order against them meanwhile. Any number of them: they are locked
    at once, in one order for all who lock, and calculated in chunks.
    """
    session.execute(_MAKE, {"decision_ids": list(decision_ids)})
    ids = list(session.execute(_LOCK, {"decision_ids": list(decision_ids)}).scalars())
    session.execute(_TAKE, {"ids": ids})
    done = Recomputed()
    for start in range(0, len(ids), CHUNK):
        touched = [Touched(id, cause, run_id) for id in ids[start : start + CHUNK]]
        done += _calculate(session, touched, now=now, settings=settings)
    return done


def anything_noted(session: Session) -> bool:
    """Whether notes are left, perhaps of budgets another process has locked."""
    return bool(session.execute(text("SELECT EXISTS (SELECT FROM budget_dirty)")).scalar_one())


def noted_up_to(session: Session, most: int) -> int:
    """How many notes wait, but no more than `most` are counted."""
    counted = text("SELECT count(*) FROM (SELECT FROM budget_dirty LIMIT :most) AS noted")
    return int(session.execute(counted, {"most": most}).scalar_one())


@contextmanager
def _planned_as_written(session: Session) -> Iterator[None]:
    """In the block the planner keeps to what is right whether tables were counted or, as just after a first load, not.

    Joins in the order in which they are written, for else it may try every price for every item; rows by index rather than whole tables
    for a few of each; and no compiling, to which its high estimates of days and shares would lead it, for seconds each time (ADR 0008).
    """
    session.execute(_PLANNING, {"joins": "1", "random": "1.1", "compiled": "off"})
    yield
    session.execute(_PLANNING, {"joins": None, "random": None, "compiled": None})


def _calculate(session: Session, touched: list[Touched], *, now: datetime, settings: Budgets) -> Recomputed:
    with _planned_as_written(session):
        freeze_ceilings(session, [one.budget_id for one in touched])
        results = write_changed(session, touched, now=now, settings=settings)
        tell_workers(session, results)
    return Recomputed(
        recomputed=len(results),
        changed=_count(results, changed=True),
        unpriced=_count(results, state="unpriced"),
        over=_count(results, state="over"),
    )


def _count(results: list[Result], *, state: str | None = None, changed: bool = False) -> int:
    return sum(1 for one in results if (one.state == state or state is None) and (one.version_id or not changed))
