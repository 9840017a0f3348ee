"""Purchase orders: what was ordered, from whom, on which decision, and the very bytes that were sent."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    euros,
    json_object,
    period,
    plain_id,
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
#: How much of a planned service one order holds.
ORDER_PERIODS = ("whole", "monthly")
PROPOSAL_KINDS = ("changed", "ended", "decision", "case", "provider")
PROPOSAL_OUTCOMES = ("cancelled", "kept", "gone")
PAPER_KINDS = ("pdf", "mail", "cancellation")


class PurchaseOrder(SQLModel, table=True):
    """One order per decision, provider and order period. `document` and its sha256 never change once stored.

    `client_reference` is random per order: the provider learns nothing from it and cannot join two orders by it.
    `unclear_sends` counts sends of which nobody knows whether they arrived (services/orders/sending/delivery.py). `approval_id`: the approval a
    monthly order rests on. `link_epoch` rises when links that went out with the order must not open any more. `starts_on`: the first day
    the provider promised. `placed_…`: where and by whom an order of the channel `external` was placed.
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
    profile: str = Field(default="order_only", sa_type=Text, sa_column_kwargs={"server_default": "order_only"})
    approval_id: int | None = reference("order_approval.id", nullable=True)
    automatic: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    replaces_id: int | None = reference("purchase_order.id", nullable=True)
    link_epoch: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    answered_at: datetime | None = timestamp()
    starts_on: date | None = None
    cancelled_at: datetime | None = timestamp()
    cancelled_by: str | None = text(nullable=True)
    closed_at: datetime | None = timestamp()
    placed_reference: str | None = text(nullable=True)
    placed_at: datetime | None = timestamp()
    placed_by: str | None = text(nullable=True)


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
    """Which days of a plan item an order covers. No two live ones overlap (`ex_order_coverage_live`): nothing is ordered twice.

    `item_…` and `service_id` are what the plan item said when it was ordered: a plan that changes afterwards is noticed by them.
    """

    __tablename__ = "order_coverage"

    id: int = primary_key()
    order_id: int = reference("purchase_order.id")
    plan_item_id: int = reference("plan_item.id")
    item_period: DateRange | None = period(nullable=True)
    period: DateRange = period()
    live: bool = Field(default=True)
    item_quantity: Decimal | None = amount_of_units(nullable=True)
    item_unit: str | None = text(nullable=True)
    service_id: int | None = plain_id()


class OrderApproval(SQLModel, table=True):
    """That a planned service may be ordered month by month: each month's order rests on it, nobody is asked again.

    `gross` is what the whole service was to cost when it was approved (euros); `reason` covers every month.
    """

    __tablename__ = "order_approval"
    __table_args__ = (
        Index("uq_order_approval_live", "plan_item_id", unique=True, postgresql_where=sql("ended_at IS NULL")),
    )

    id: int = primary_key()
    plan_item_id: int = reference("plan_item.id")
    choice_id: int = reference("choice.id")
    provider_id: int = reference("provider.id", index=False)
    gross: Decimal = euros()
    approved_by: str = text()
    approved_at: datetime = timestamp(nullable=False)
    reason: str = text(default="")
    automatic: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    ended_at: datetime | None = timestamp()
    ended_by: str | None = text(nullable=True)


class OrderDecline(SQLModel, table=True):
    """That a choice shall not be ordered, by whom and why. It stands until it is withdrawn or somebody chooses anew."""

    __tablename__ = "order_decline"
    __table_args__ = (
        Index("uq_order_decline_standing", "choice_id", unique=True, postgresql_where=sql("withdrawn_at IS NULL")),
    )

    id: int = primary_key()
    choice_id: int = reference("choice.id", index=False)
    plan_item_id: int = reference("plan_item.id")
    declined_by: str = text()
    declined_at: datetime = timestamp(nullable=False)
    reason: str = text()
    withdrawn_at: datetime | None = timestamp()


class OrderProposal(SQLModel, table=True):
    """That an order no longer says what is planned: it should be cancelled, and what is planned now ordered anew. A person decides.

    `details`: what the order rests on and what is planned now. `outcome`: cancelled, kept as it is, or gone by itself.
    """

    __tablename__ = "order_proposal"
    __table_args__ = (
        Index(
            "uq_order_proposal_open",
            "order_id",
            "plan_item_id",
            unique=True,
            postgresql_where=sql("settled_at IS NULL"),
        ),
        CheckConstraint("kind IN ('" + "', '".join(PROPOSAL_KINDS) + "')", name="kind"),
        CheckConstraint("outcome IN ('" + "', '".join(PROPOSAL_OUTCOMES) + "')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name="settled_somehow"),
    )

    id: int = primary_key()
    order_id: int = reference("purchase_order.id")
    plan_item_id: int = reference("plan_item.id")
    kind: str = text()
    details: dict[str, Any] = json_object()
    found_at: datetime = timestamp(nullable=False)
    settled_at: datetime | None = timestamp()
    settled_by: str | None = text(nullable=True)
    outcome: str | None = text(nullable=True)
    note: str = text(default="")


class OrderPaper(SQLModel, table=True):
    """What goes out beside or around the order's document, as made before it was first sent: a repeat is the same, byte for byte.

    `pdf`: the order for people; `mail`: the whole letter; `cancellation`: the letter that takes the order back. A letter that must be
    written anew (another address) supersedes the former.
    """

    __tablename__ = "order_paper"
    __table_args__ = (
        Index("uq_order_paper_present", "order_id", "kind", unique=True, postgresql_where=sql("superseded_at IS NULL")),
        CheckConstraint("kind IN ('" + "', '".join(PAPER_KINDS) + "')", name="kind"),
    )

    id: int = primary_key()
    order_id: int = reference("purchase_order.id", index=False)
    kind: str = text()
    content: bytes = Field(sa_type=LargeBinary)
    sha256: str = text()
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    superseded_at: datetime | None = timestamp()
