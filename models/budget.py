"""Budgets as versions: nothing is overwritten, every figure leads to its lines and each line to a price version."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    euros,
    json_list,
    json_object,
    period,
    primary_key,
    reference,
    text,
    timestamp,
    unit_price,
)


class Budget(SQLModel, table=True):
    """The personal budget of one decision. The ceiling is frozen with the price it came from (DESIGN "Budgets").

    `vouchers_removed_on`: its invoices were kept as long as they had to be and are gone (services/retention); it is not calculated any more.
    """

    __tablename__ = "budget"

    id: int = primary_key()
    decision_id: int = reference("decision.id", unique=True)
    ceiling: Decimal | None = euros(nullable=True)
    ceiling_price_id: int | None = reference("price.id", nullable=True)
    ceiling_basis: dict[str, Any] = json_object()
    vouchers_removed_on: date | None = None


#: From good to bad, then the two that are beside the scale.
BUDGET_STATES = ("ok", "near", "within_tolerance", "over", "unpriced", "ended")


class BudgetVersion(SQLModel, table=True):
    """The figures of a budget from `recorded_at` to `superseded_at`, all gross. `free` is None while a part is not known.

    `recorded_at` is business time, so that "as it was known on a day" can be asked for; the ceiling's price and basis are kept
    with it, because those of the budget move with the decision.
    """

    __tablename__ = "budget_version"
    __table_args__ = (
        Index("uq_budget_version_current", "budget_id", unique=True, postgresql_where=sql("superseded_at IS NULL")),
        # lists of cases begin with those that need attention
        Index("ix_budget_version_state", "state", "budget_id", postgresql_where=sql("superseded_at IS NULL")),
        CheckConstraint("state IN ('" + "', '".join(BUDGET_STATES) + "')", name="state"),
        CheckConstraint(
            "free IS NULL OR free = ceiling - invoiced - ordered - planned",
            name="adds_up",
        ),
    )

    id: int = primary_key()
    budget_id: int = reference("budget.id")
    ceiling: Decimal | None = euros(nullable=True)
    ceiling_price_id: int | None = reference("price.id", nullable=True, index=False)
    ceiling_basis: dict[str, Any] = json_object()
    invoiced: Decimal = euros()
    delivered: Decimal = euros()
    ordered: Decimal = euros()
    planned: Decimal = euros()
    free: Decimal | None = euros(nullable=True)
    state: str = text()
    reasons: list[dict[str, Any]] = json_list()
    cause: str = text()
    run_id: int | None = reference("run.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False)
    superseded_at: datetime | None = timestamp()


#: What a line can be. A `delivered` line is a part of what is ordered, told beside it and added to nothing.
LINE_KINDS = ("planned", "ordered", "delivered", "invoiced", "unpriced")


class BudgetLine(SQLModel, table=True):
    """One share of a plan item: a quantity over a period at one price version. Immutable.

    `extra` names what comes beside the service itself, such as travel; '' is the service. `quantity` and `unit` are the plan's (of an
    extra: its price's); a price may be in a unit that converts into it (core/unit_conversion.py). `invoices` are the numbers of those
    that an `invoiced` line adds up.
    """

    __tablename__ = "budget_line"
    __table_args__ = (CheckConstraint("kind IN ('" + "', '".join(LINE_KINDS) + "')", name="kind"),)

    id: int = primary_key()
    version_id: int = reference("budget_version.id")
    plan_item_id: int = reference("plan_item.id")
    kind: str = text()
    extra: str = text(default="")
    period: DateRange = period()
    quantity: Decimal = amount_of_units()
    unit: str = text()
    price_id: int | None = reference("price.id", nullable=True)
    order_line_id: int | None = reference("order_line.id", nullable=True)
    amount: Decimal | None = unit_price(nullable=True)
    net: Decimal | None = euros(nullable=True)
    vat: Decimal | None = euros(nullable=True)
    gross: Decimal | None = euros(nullable=True)
    invoices: list[str] | None = Field(default=None, sa_type=ARRAY(Text))


class BudgetDirty(SQLModel, table=True):
    """A budget somebody has touched. Recomputation takes these rows first, then calculates: a touch in between is kept.

    Without a budget it stands for the budgets of all cases that a run wrote: a first load notes one row, not one per decision.
    """

    __tablename__ = "budget_dirty"
    __table_args__ = (CheckConstraint("budget_id IS NOT NULL OR run_id IS NOT NULL", name="budget_or_run"),)

    id: int = primary_key()
    budget_id: int | None = reference("budget.id", nullable=True)
    cause: str = text()
    run_id: int | None = reference("run.id", nullable=True, index=False)
