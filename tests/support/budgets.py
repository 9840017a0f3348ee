"""Reading budgets back as tests want them."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.budget import BudgetLine, BudgetVersion

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
