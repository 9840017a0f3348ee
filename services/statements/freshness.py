"""What is printed is never older than what is known: budgets somebody has touched are calculated before they are read.

Between a choice and its recomputation a worker's second passes, or a night without workers: a paper of that moment would name one
provider and the other's price.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from services.budgets.recompute import recompute_now

#: Rows in: case numbers or ids. Rows out: the decisions of those cases whose budgets have a note, by the cause and run their latest one tells.
#: A note without a budget stands for all cases its run wrote.
_TOUCHED = text(
    """
    SELECT cause, run_id, array_agg(decision_id ORDER BY decision_id) AS decisions
    FROM (
        SELECT DISTINCT ON (decision.id) decision.id AS decision_id, noted.cause, noted.run_id
        FROM client_case
        JOIN decision ON decision.case_id = client_case.id
        LEFT JOIN budget ON budget.decision_id = decision.id
        JOIN budget_dirty AS noted
            ON noted.budget_id = budget.id OR noted.budget_id IS NULL AND noted.run_id = client_case.synced_run_id
        WHERE client_case.number = ANY(:numbers) OR client_case.id = ANY(:ids)
        ORDER BY decision.id, noted.id DESC
    ) AS latest
    GROUP BY cause, run_id
    ORDER BY min(decision_id)
    """
)

#: Who looks at a page waits no longer than this for a budget that somebody else is calculating.
_PATIENCE: Final = "400ms"
_WAIT: Final = text("SELECT set_config('lock_timeout', CAST(:wait AS text), true)")


def make_fresh(
    session: Session, *, numbers: Collection[str] = (), ids: Collection[int] = (), now: datetime, settings: Budgets
) -> None:
    """Calculate the touched budgets of these cases at once, in the caller's transaction, which keeps them locked until it ends."""
    for row in session.execute(_TOUCHED, {"numbers": list(numbers), "ids": list(ids)}).all():
        recompute_now(session, row.decisions, cause=row.cause, now=now, settings=settings, run_id=row.run_id)


def make_fresh_soon(session: Session, number: str, *, now: datetime, settings: Budgets) -> bool:
    """The same for one case and somebody who waits at a page. One query where nothing was touched, which is nearly always.

    False: somebody else has its budget in hand and does not let go of it soon; the figures are those from before.
    """
    if not session.execute(_TOUCHED, {"numbers": [number], "ids": []}).all():
        return True
    try:
        with session.begin_nested():
            session.execute(_WAIT, {"wait": _PATIENCE})
            make_fresh(session, numbers=[number], now=now, settings=settings)
            session.execute(_WAIT, {"wait": None})
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        return False
    return True
