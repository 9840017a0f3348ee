"""What comes of an order in the end: what providers say they delivered, and what they bill. Only what budgets need; nothing is posted."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    euros,
    period,
    primary_key,
    reference,
    text,
    timestamp,
)

#: How an invoice fits the orders it bills: within them, leaving something of them, or dearer than they allow.
INVOICE_MATCHES = ("matched", "partly", "over_price")


class Invoice(SQLModel, table=True):
    """An invoice or a credit note of a provider. `final`: no other will come for what it bills, so the order binds nothing any more.

    `match`: how it fits its orders; `credits`: the invoice a credit note gives back from, by its number. What fits no order at all is
    no row here but waits as an incoming document (models/answer.py).
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("provider_id", "number"),
        CheckConstraint("kind IN ('invoice', 'credit')", name="kind"),
        CheckConstraint("match IN ('" + "', '".join(INVOICE_MATCHES) + "')", name="match"),
    )

    id: int = primary_key()
    provider_id: int = reference("provider.id", index=False)
    number: str = text()
    kind: str = text(default="invoice")
    issue_date: date
    final: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    run_id: int | None = reference("run.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    incoming_id: int | None = reference("incoming_document.id", nullable=True)
    match: str = Field(default="matched", sa_type=Text, sa_column_kwargs={"server_default": "matched"})
    credits: str | None = text(nullable=True)


class InvoiceLine(SQLModel, table=True):
    """What an invoice bills, or a credit note gives back, of one line of an order; amounts as printed, never negative.

    `quantity` is in the unit of the order's line; None where the invoice does not say.
    """

    __tablename__ = "invoice_line"
    __table_args__ = (
        CheckConstraint("net >= 0 AND vat >= 0 AND gross >= 0", name="not_negative"),
        CheckConstraint("gross = net + vat", name="adds_up"),
    )

    id: int = primary_key()
    invoice_id: int = reference("invoice.id")
    order_line_id: int = reference("order_line.id")
    quantity: Decimal | None = amount_of_units(nullable=True)
    net: Decimal = euros()
    vat: Decimal = euros()
    gross: Decimal = euros()


class Delivered(SQLModel, table=True):
    """What a provider says it has delivered of an order's line, over which days. Corrected by superseding, never overwritten.

    `told_by`: the signed form (`form`) or a file (`csv`).
    """

    __tablename__ = "delivered"
    __table_args__ = (CheckConstraint("quantity >= 0", name="quantity_not_negative"),)

    id: int = primary_key()
    order_line_id: int = reference("order_line.id")
    period: DateRange = period()
    quantity: Decimal = amount_of_units()
    run_id: int | None = reference("run.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    incoming_id: int | None = reference("incoming_document.id", nullable=True)
    told_by: str = Field(default="csv", sa_type=Text, sa_column_kwargs={"server_default": "csv"})
    superseded_at: datetime | None = timestamp()
