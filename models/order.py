"""Purchase orders: what was ordered, from whom, on which decision, and the very bytes that were sent."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    euros,
    period,
    primary_key,
    rate,
    reference,
    text,
    timestamp,
    unit_price,
)

ORDER_STATES = (
    "approved",
    "sending",
    "sent",
    "received",
    "accepted",
    "changed",
    "rejected",
    "failed",
    "cancelled",
    "closed",
)


class PurchaseOrder(SQLModel, table=True):
    """One order per decision, provider and order period. `document` and its sha256 never change once stored.

    `client_reference` is random per order: the provider learns nothing from it and cannot join two orders by it.
    `unclear_sends` counts sends of which nobody knows whether they arrived (services/orders/delivery.py).
    """

    __tablename__ = "purchase_order"
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(ORDER_STATES) + "')", name="state"),
        CheckConstraint("total_gross = total_net + total_vat", name="adds_up"),
    )

    id: int = primary_key()
    number: str = text(unique=True)
    decision_id: int = reference("decision.id")
    provider_id: int = reference("provider.id")
    contract_id: int | None = reference("contract.id", nullable=True)
    period: DateRange = period()
    issue_date: date
    state: str = text(index=True)
    channel: str = text()
    client_reference: str = text(unique=True)
    total_net: Decimal = euros()
    total_vat: Decimal = euros()
    total_gross: Decimal = euros()
    document: bytes = Field(sa_type=LargeBinary)
    document_sha256: str = text()
    chosen_by: str = text()
    approved_by: str = text()
    approved_at: datetime = timestamp(nullable=False)
    approval_reason: str = text(default="")
    sent_at: datetime | None = timestamp()
    unclear_sends: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    handed_over_at: datetime | None = timestamp()
    handed_over_by: str | None = text(nullable=True)


class OrderLine(SQLModel, table=True):
    """A line of an order: a quantity of a plan item at one price version, or (`extra`) what comes beside it, such as travel."""

    __tablename__ = "order_line"
    __table_args__ = (UniqueConstraint("order_id", "line_number"),)

    id: int = primary_key()
    order_id: int = reference("purchase_order.id", index=False)
    line_number: int
    plan_item_id: int = reference("plan_item.id")
    price_id: int = reference("price.id")
    extra: str = text(default="")
    period: DateRange = period()
    quantity: Decimal = amount_of_units()
    unit: str = text()
    amount: Decimal = unit_price()
    base_quantity: Decimal = amount_of_units()
    vat_category: str = text()
    vat_rate: Decimal = rate()
    net: Decimal = euros()
    vat: Decimal = euros()
    gross: Decimal = euros()


class OrderCoverage(SQLModel, table=True):
    """Which days of a plan item an order covers. No two live ones overlap (`ex_order_coverage_live`): nothing is ordered twice."""

    __tablename__ = "order_coverage"

    id: int = primary_key()
    order_id: int = reference("purchase_order.id")
    plan_item_id: int = reference("plan_item.id")
    period: DateRange = period()
    live: bool = Field(default=True)


class Invoice(SQLModel, table=True):
    """An invoice or a credit note of a provider. `final`: no other will come for what it bills, so the order binds nothing any more."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("provider_id", "number"),
        CheckConstraint("kind IN ('invoice', 'credit')", name="kind"),
    )

    id: int = primary_key()
    provider_id: int = reference("provider.id", index=False)
    number: str = text()
    kind: str = text(default="invoice")
    issue_date: date
    final: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    run_id: int | None = reference("run.id", nullable=True, index=False)
    recorded_at: datetime = timestamp(nullable=False, machine=True)


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
    """What a provider says it has delivered of an order's line, over which days. Corrected by superseding, never overwritten."""

    __tablename__ = "delivered"
    __table_args__ = (CheckConstraint("quantity >= 0", name="quantity_not_negative"),)

    id: int = primary_key()
    order_line_id: int = reference("order_line.id")
    period: DateRange = period()
    quantity: Decimal = amount_of_units()
    run_id: int | None = reference("run.id", nullable=True, index=False)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    superseded_at: datetime | None = timestamp()
