"""Reading budgets back as tests want them."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from models.budget import BudgetLine, BudgetVersion
from services.budgets.recompute import CHUNK, Recomputed, Sweep

_CURRENT = text(
    "SELECT budget_version.* FROM budget_version JOIN budget ON budget.id = budget_id"
    " WHERE decision_id = :decision AND superseded_at IS NULL"
)
_LINES = text("SELECT * FROM budget_line WHERE version_id = :version ORDER BY period, plan_item_id, id")


def current_version(session: Session, decision_id: int) -> BudgetVersion:
    """The one current version of a decision's budget, as the database has it now."""
    statement = select(BudgetVersion).from_statement(_CURRENT).execution_options(populate_existing=True)
    version: BudgetVersion = session.scalars(statement, {"decision": decision_id}).one()
    return version


def lines_of(session: Session, version: BudgetVersion) -> list[BudgetLine]:
    """The lines of a version by days."""
    return list(session.scalars(select(BudgetLine).from_statement(_LINES), {"version": version.id}))


def recompute_dirty(
    session: Session, *, now: datetime, settings: Budgets, run_id: int | None = None, limit: int = CHUNK
) -> Recomputed:
    """Calculate the first of the touched budgets, up to `limit`, in the test's own transaction."""
    return Sweep(settings, run_id, limit).chunk(session, now) or Recomputed()
