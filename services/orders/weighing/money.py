"""What a decision is bound to already, and what its services are still to cost: the figures an approval is decided on."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.money import ZERO, round_half_up


@dataclass(frozen=True)
class BudgetNow:
    """What the decision has been charged with already, gross euros: invoiced, ordered, and what may be ordered by the month without
    asking again. `ceiling` None: not known.
    """

    ceiling: Decimal | None
    committed: Decimal
    state: str

    def with_(self, gross: Decimal) -> "BudgetNow":
        """The same when so much more is ordered."""
        return replace(self, committed=self.committed + gross)


@dataclass(frozen=True)
class Expected:
    """What is still to be ordered of a service, gross euros; days that have no price yet count as the others do on average."""

    budget_id: int
    plan_item_id: int
    gross: Decimal
    standing: bool


#: Rows in: budget ids. Rows out: their current figures.
_BUDGETS = text(
    """
    SELECT budget_id, ceiling, invoiced + ordered AS committed, state FROM budget_version
    WHERE budget_id = ANY(:ids) AND superseded_at IS NULL
    """
)

#: Rows in: budget ids. Rows out: for each of their services that is planned and has a price: what its priced days come to, how much of
#: it they are and how much has no price, and whether it may be ordered by the month.
_EXPECTED = text(
    """
    SELECT budget_version.budget_id, budget_line.plan_item_id,
           sum(budget_line.gross) FILTER (WHERE kind = 'planned') AS gross,
           sum(budget_line.quantity) FILTER (WHERE kind = 'planned' AND extra = '') AS priced,
           coalesce(sum(budget_line.quantity) FILTER (WHERE kind = 'unpriced' AND extra = ''), 0) AS unpriced,
           EXISTS (
               SELECT FROM order_approval
               JOIN choice ON choice.id = order_approval.choice_id AND choice.ended_at IS NULL
               WHERE order_approval.plan_item_id = budget_line.plan_item_id AND order_approval.ended_at IS NULL
           ) AS standing
    FROM budget_version
    JOIN budget ON budget.id = budget_version.budget_id
    JOIN budget_line ON budget_line.version_id = budget_version.id AND budget_line.kind IN ('planned', 'unpriced')
    JOIN plan_item ON plan_item.id = budget_line.plan_item_id AND plan_item.decision_id = budget.decision_id
    WHERE budget_version.budget_id = ANY(:ids) AND budget_version.superseded_at IS NULL
    GROUP BY budget_version.budget_id, budget_line.plan_item_id
    HAVING sum(budget_line.quantity) FILTER (WHERE kind = 'planned' AND extra = '') > 0
    """
)


def load_expected(session: Session, budget_ids: Collection[int]) -> dict[int, Expected]:
    """What is still to be ordered of each service of the budgets, by plan item. One that has no price on any day is left out."""
    found = {}
    for row in session.execute(_EXPECTED, {"ids": list(budget_ids)}):
        gross = round_half_up(row.gross * (row.priced + row.unpriced) / row.priced)
        found[row.plan_item_id] = Expected(row.budget_id, row.plan_item_id, gross, row.standing)
    return found


def load_budgets(
    session: Session, budget_ids: Collection[int], expected: Iterable[Expected] = ()
) -> dict[int, BudgetNow]:
    """The present figures of budgets by id; of what is `expected`, that which may be ordered by the month is taken for bound."""
    rows = session.execute(_BUDGETS, {"ids": list(budget_ids)})
    found = {row.budget_id: BudgetNow(row.ceiling, row.committed, row.state) for row in rows}
    for one in expected:
        if one.standing and one.budget_id in found:
            found[one.budget_id] = found[one.budget_id].with_(one.gross)
    return found


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts of euros."""
    return sum(amounts, ZERO)
