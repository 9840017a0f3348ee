"""The lines an order will have: the planned shares of a budget just recomputed, so that an order and its budget cannot differ.

A share is a quantity of an item on adjoining days at one price version. An item whose price changes on its way has several;
their quantities come from the one cumulative rule (services/budgets/quantities.py) and add up to what was planned.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.orm import Session

from core.unit_conversion import conversion
from services.budgets.matching import prices_for

#: Quantities are kept with four decimals.
_SCALE = 10_000


@dataclass(frozen=True)
class Share:
    """One future order line. `amount` is the price of `base_quantity` units as `provider_id` lists it; `vat_rate` a fraction.

    `extra`: what comes beside the service, such as travel. A price in another unit than the plan's is told in the plan's, or, where that
    is no plain number, the quantity in the price's: an order has one unit for both.
    """

    plan_item_id: int
    provider_id: int | None
    extra: str
    period: "Range[date]"
    quantity: Decimal
    unit: str
    price_id: int
    amount: Decimal
    base_quantity: Decimal
    vat_category: str
    vat_rate: Decimal
    vat_inclusive: bool
    net: Decimal
    vat: Decimal
    gross: Decimal


@dataclass(frozen=True)
class Gap:
    """Days of an item on which no price of the chosen provider is in force, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class BudgetNow:
    """What the decision has been charged with already, gross euros; `ceiling` None: not known."""

    ceiling: Decimal | None
    committed: Decimal
    state: str


#: Rows in: plan item ids. Rows out: their planned and priced shares in the present version of their decision's budget, by day.
_SHARES = text(
    """
    SELECT budget_line.plan_item_id, price_key.provider_id, budget_line.extra, budget_line.period, budget_line.quantity, budget_line.unit, budget_line.price_id,
           price.amount, price_key.base_quantity, price_key.unit AS priced_unit, price.vat_category, price.vat_rate, price.vat_inclusive,
           budget_line.net, budget_line.vat, budget_line.gross
    FROM budget_line
    JOIN budget_version ON budget_version.id = budget_line.version_id AND budget_version.superseded_at IS NULL
    JOIN budget ON budget.id = budget_version.budget_id
    -- an item that moved to another decision may still stand in the budget it left
    JOIN plan_item ON plan_item.id = budget_line.plan_item_id AND plan_item.decision_id = budget.decision_id
    JOIN price ON price.id = budget_line.price_id
    JOIN price_key ON price_key.id = price.price_key_id
    WHERE budget_line.plan_item_id = ANY(:ids) AND budget_line.kind = 'planned'
    ORDER BY budget_line.plan_item_id, budget_line.extra, budget_line.period
    """
).columns(period=DATERANGE)

_ITEM_PRICES = prices_for(
    "plan_item.quantity",
    "plan_item.unit",
    whose="price_key.provider_id = choice.provider_id AND price_key.service_id = plan_item.service_id",
    during="price.valid && plan_item.period",
)

#: Rows in: plan item ids. Rows out: for each that lacks a price on some day, the first run of such days. Stricter than the shares:
#: a day on which no whole visit falls must have a price too, because the family may go on that day. Also what comes beside the
#: service and has no price.
_GAPS = text(
    f"""
    SELECT plan_item.id, lower(gap.days) AS first, upper(gap.days) - 1 AS last
    FROM plan_item
    JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    CROSS JOIN LATERAL (
        SELECT days FROM (
            SELECT unnest(datemultirange(plan_item.period) - coalesce(range_agg(price.valid), '{{}}')) AS days
            FROM (SELECT) AS one {_ITEM_PRICES}
            UNION ALL
            SELECT budget_line.period
            FROM budget
            JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
            JOIN budget_line ON budget_line.version_id = budget_version.id AND budget_line.kind = 'unpriced' AND budget_line.extra <> ''
            WHERE budget.decision_id = plan_item.decision_id AND budget_line.plan_item_id = plan_item.id
        ) AS lacking
        ORDER BY 1 LIMIT 1
    ) AS gap
    WHERE plan_item.id = ANY(:ids)
    """  # noqa: S608 - our own words
)

#: Rows in: budget ids. Rows out: their current figures.
_BUDGETS = text(
    """
    SELECT budget_id, ceiling, invoiced + ordered AS committed, state FROM budget_version
    WHERE budget_id = ANY(:ids) AND superseded_at IS NULL
    """
)


def load_shares(session: Session, plan_item_ids: Collection[int]) -> dict[int, list[Share]]:
    """The shares of each item in the order of their days."""
    shares: dict[int, list[Share]] = defaultdict(list)
    for row in session.execute(_SHARES, {"ids": list(plan_item_ids)}).mappings():
        shares[row["plan_item_id"]].append(_in_one_unit(dict(row)))
    return shares


def _in_one_unit(values: dict[str, Any]) -> Share:
    """The share with quantity and price in the same unit; nothing is rounded."""
    unit, priced_unit = values["unit"], values.pop("priced_unit")
    each = conversion(unit, priced_unit) or Fraction(1)
    base = Fraction(values["base_quantity"]) / each
    if (base * _SCALE).denominator == 1:
        return Share(**{**values, "base_quantity": _decimal(base)})
    return Share(**{**values, "quantity": _decimal(Fraction(values["quantity"]) * each), "unit": priced_unit})


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def load_gaps(session: Session, plan_item_ids: Collection[int]) -> dict[int, Gap]:
    """The first days without a price of each item that has any."""
    return {row.id: Gap(row.first, row.last) for row in session.execute(_GAPS, {"ids": list(plan_item_ids)})}


def load_budgets(session: Session, budget_ids: Collection[int]) -> dict[int, BudgetNow]:
    """The present figures of budgets by id."""
    rows = session.execute(_BUDGETS, {"ids": list(budget_ids)})
    return {row.budget_id: BudgetNow(row.ceiling, row.committed, row.state) for row in rows}
