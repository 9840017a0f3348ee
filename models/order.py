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
    """A line of an order: a quantity of a plan item at one price version."""

    __tablename__ = "order_line"
    __table_args__ = (UniqueConstraint("order_id", "line_number"),)

    id: int = primary_key()
    order_id: int = reference("purchase_order.id", index=False)
    line_number: int
    plan_item_id: int = reference("plan_item.id")
    price_id: int = reference("price.id")
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
