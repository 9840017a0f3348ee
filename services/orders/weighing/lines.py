"""The lines an order will have: the planned shares of a budget just recomputed, so that an order and its budget cannot differ.

A share is a quantity of an item on adjoining days at one price version. An item whose price changes on its way, or that is ordered
by the month, has several; their quantities come from the one cumulative rule (services/budgets/quantities.py) and add up to what was
planned. Each is rounded once, as every line of a budget is: months at a price in fractions of a cent may come to a cent more or less.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.orm import Session

from core.money import ZERO
from core.unit_conversion import conversion
from services.budgets.matching import CONVERSION, DENOMINATOR, NUMERATOR, figure, prices_for
from services.budgets.quantities import DEFAULT_STEP, share
from services.orders.weighing.items import Item
from services.orders.weighing.periods import cut

#: Quantities are kept with four decimals.
_SCALE = 10_000


@dataclass(frozen=True)
class Share:
    """One future order line. `amount` is the price of `base_quantity` units as `provider_id` lists it; `vat_rate` a fraction.

    `extra`: what comes beside the service, such as travel. A price in another unit than the plan's is told in the plan's, or, where that
    is no plain number, the quantity in the price's: an order has one unit for both. `catalogue`: the Peppol catalogue the price stands in.
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
    catalogue: str | None = None


@dataclass(frozen=True)
class Gap:
    """Days of an item on which no price of the chosen provider is in force, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Part:
    """Days of an item that one order holds: all, or those of the month that begins on `month`. With the contract that covers them.

    `replaces_id`: the order of them that was cancelled last.
    """

    item: Item
    period: "Range[date]"
    month: date | None
    shares: tuple[Share, ...]
    gap: Gap | None
    contract_id: int | None
    contract_number: str | None
    replaces_id: int | None

    @property
    def gross(self) -> Decimal:
        """What it comes to, euros."""
        return sum((share.gross for share in self.shares), ZERO)

    @property
    def first_day(self) -> date:
        """The first of its days."""
        if self.period.lower is None:
            raise ValueError(self.item.reference)
        return self.period.lower

    @property
    def day_after(self) -> date:
        """The day after the last of its days."""
        if self.period.upper is None:
            raise ValueError(self.item.reference)
        return self.period.upper


#: Common table expression. Rows in: one array per column, of pieces of planned services. Rows out: `piece`.
_PIECES = """
    WITH piece AS MATERIALIZED (
        SELECT position, plan_item_id, daterange(first, after) AS days
        FROM unnest(CAST(:positions AS bigint[]), CAST(:items AS bigint[]), CAST(:firsts AS date[]), CAST(:afters AS date[]))
            AS given(position, plan_item_id, first, after)
    )
"""

_PART = "budget_line.period * piece.days"
_SHARED = share("plan_item.quantity", "plan_item.period", _PART, f"coalesce(unit_rule.step, {DEFAULT_STEP})")
_OF_LINE = share(
    "plan_item.quantity", "plan_item.period", "budget_line.period", f"coalesce(unit_rule.step, {DEFAULT_STEP})"
)

#: Rows in: pieces of planned services. Rows out: their planned and priced shares in the present version of their decision's budget, by
#: day. A line of the budget that lies within a piece is taken as it is; of one that goes on, what falls on the piece's days, in its
#: proportion to the plan (of an extra, so many units to each planned one).
_SHARES = text(
    f"""
    {_PIECES}, part AS (
        SELECT piece.position, budget_line.plan_item_id, price_key.provider_id, budget_line.extra, {_PART} AS period,
               CASE WHEN budget_line.period <@ piece.days THEN budget_line.quantity
                    ELSE round(({_SHARED}) * budget_line.quantity / nullif({_OF_LINE}, 0), 4) END AS quantity,
               budget_line.period <@ piece.days AS whole,
               budget_line.unit, budget_line.price_id, price.amount, price_key.base_quantity, price_key.unit AS priced_unit,
               {NUMERATOR} AS numerator, {DENOMINATOR} AS denominator, price.vat_category, price.vat_rate, price.vat_inclusive, price_list.catalogue,
               budget_line.net, budget_line.vat, budget_line.gross
        FROM piece
        JOIN plan_item ON plan_item.id = piece.plan_item_id
        -- an item that moved to another decision may still stand in the budget it left
        JOIN budget ON budget.decision_id = plan_item.decision_id
        JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
        JOIN budget_line ON budget_line.version_id = budget_version.id AND budget_line.plan_item_id = plan_item.id
            AND budget_line.kind = 'planned' AND budget_line.period && piece.days
        JOIN price ON price.id = budget_line.price_id
        JOIN price_key ON price_key.id = price.price_key_id
        JOIN price_list ON price_list.id = price.price_list_id
        LEFT JOIN unit_rule ON unit_rule.unit = plan_item.unit
        LEFT JOIN {CONVERSION} ON conversion.unit = budget_line.unit AND conversion.priced_unit = price_key.unit AND price_key.extra = ''
    ), figured AS (
        SELECT *, {figure("quantity", "amount", "base_quantity", "numerator", "denominator")} AS figure FROM part WHERE quantity > 0
    )
    SELECT position, plan_item_id, provider_id, extra, period, quantity, unit, price_id, amount, base_quantity, priced_unit,
           vat_category, vat_rate, vat_inclusive, catalogue,
           CASE WHEN whole THEN net WHEN vat_inclusive THEN round(figure / (1 + vat_rate), 2) ELSE figure END AS net,
           CASE WHEN whole THEN vat WHEN vat_inclusive THEN figure - round(figure / (1 + vat_rate), 2) ELSE round(figure * vat_rate, 2) END AS vat,
           CASE WHEN whole THEN gross WHEN vat_inclusive THEN figure ELSE figure + round(figure * vat_rate, 2) END AS gross
    FROM figured
    ORDER BY position, extra, period
    """  # noqa: S608 - our own words
).columns(period=DATERANGE)

_ITEM_PRICES = prices_for(
    "plan_item.quantity",
    "plan_item.unit",
    whose="price_key.provider_id = choice.provider_id AND price_key.service_id = plan_item.service_id",
    during="price.valid && piece.days",
)

#: Rows in: pieces of planned services. Rows out: for each that lacks a price on some day, the first run of such days. Stricter than the
#: shares: a day on which no whole visit falls must have a price too, because the family may go on that day. Also what comes beside
#: the service and has no price.
_GAPS = text(
    f"""
    {_PIECES}
    SELECT piece.position, lower(gap.days) AS first, upper(gap.days) - 1 AS last
    FROM piece
    JOIN plan_item ON plan_item.id = piece.plan_item_id
    JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
    CROSS JOIN LATERAL (
        SELECT days FROM (
            SELECT unnest(datemultirange(piece.days) - coalesce(range_agg(price.valid), '{{}}')) AS days
            FROM (SELECT) AS one {_ITEM_PRICES}
            UNION ALL
            SELECT budget_line.period * piece.days
            FROM budget
            JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
            JOIN budget_line ON budget_line.version_id = budget_version.id AND budget_line.kind = 'unpriced' AND budget_line.extra <> ''
            WHERE budget.decision_id = plan_item.decision_id AND budget_line.plan_item_id = plan_item.id AND budget_line.period && piece.days
        ) AS lacking
        ORDER BY 1 LIMIT 1
    ) AS gap
    """  # noqa: S608 - our own words
)

#: Rows in: pieces of planned services. Rows out: for each the longest-running contract of the chosen provider that covers all its days, and
#: the order of some of them that was cancelled last and that no other replaces yet.
_RESTS_ON = text(
    f"""
    {_PIECES}
    SELECT piece.position, contract.id AS contract_id, contract.number AS contract_number, (
               SELECT max(cancelled.id)
               FROM order_coverage JOIN purchase_order AS cancelled ON cancelled.id = order_coverage.order_id
               WHERE order_coverage.plan_item_id = piece.plan_item_id AND NOT order_coverage.live AND order_coverage.period && piece.days
                 AND cancelled.state = 'cancelled' AND NOT EXISTS (SELECT FROM purchase_order AS newer WHERE newer.replaces_id = cancelled.id)
           ) AS replaces_id
    FROM piece
    LEFT JOIN choice ON choice.plan_item_id = piece.plan_item_id AND choice.ended_at IS NULL
    LEFT JOIN LATERAL (
        SELECT id, number FROM contract
        WHERE contract.provider_id = choice.provider_id AND contract.valid @> piece.days
        ORDER BY upper(valid) DESC NULLS FIRST, id LIMIT 1
    ) AS contract ON true
    """  # noqa: S608 - our own words
)


def load_parts(session: Session, items: Sequence[Item], *, begun_by: date | None) -> list[Part]:
    """What each order of the items would hold, in their order and by day: whole, or the months that begin by `begun_by` (None: all)."""
    pieces = [(item, days, month) for item in items for days, month in cut(item, begun_by=begun_by)]
    values = {
        "positions": list(range(len(pieces))),
        "items": [item.id for item, _, _ in pieces],
        "firsts": [days.lower for _, days, _ in pieces],
        "afters": [days.upper for _, days, _ in pieces],
    }
    shares: dict[int, list[Share]] = defaultdict(list)
    for row in session.execute(_SHARES, values).mappings():
        told = dict(row)
        shares[told.pop("position")].append(_in_one_unit(told))
    gaps = {row.position: Gap(row.first, row.last) for row in session.execute(_GAPS, values)}
    rests_on = {row.position: row for row in session.execute(_RESTS_ON, values)}
    return [
        Part(
            item,
            days,
            month,
            tuple(shares[position]),
            gaps.get(position),
            rests_on[position].contract_id,
            rests_on[position].contract_number,
            rests_on[position].replaces_id,
        )
        for position, (item, days, month) in enumerate(pieces)
    ]


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
