"""What comes in about orders: documents from sources, and providers' answers, by document or by the reply page."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    json_object,
    period,
    primary_key,
    reference,
    text,
    timestamp,
    unit_price,
)

INCOMING_KINDS = ("response", "invoice", "delivered", "unknown")
INCOMING_STATES = ("applied", "held", "refused", "repeated", "discarded")
#: Codes of a Peppol order response (T76): received, accepted, rejected, accepted with changes.
ANSWER_CODES = ("AB", "AP", "RE", "CA")
ANSWER_STATES = ("applied", "held", "refused", "discarded")


class IncomingDocument(SQLModel, table=True):
    """One file of a source about orders, known by its bytes. `held`: a person must decide; `reason` says why.

    `content` is what was read of it, for as long as somebody may still decide: ids, dates, amounts; never a text that people wrote.
    """

    __tablename__ = "incoming_document"
    __table_args__ = (
        UniqueConstraint("source", "sha256"),
        CheckConstraint("kind IN ('" + "', '".join(INCOMING_KINDS) + "')", name="kind"),
        CheckConstraint("state IN ('" + "', '".join(INCOMING_STATES) + "')", name="state"),
        Index("ix_incoming_document_held", "id", postgresql_where=sql("state = 'held'")),
    )

    id: int = primary_key()
    source: str = text()
    file_name: str = text()
    sha256: str = text()
    kind: str = text()
    number: str | None = text(nullable=True, index=True)
    sender: str | None = text(nullable=True)
    provider_id: int | None = reference("provider.id", nullable=True)
    order_id: int | None = reference("purchase_order.id", nullable=True)
    state: str = text()
    reason: dict[str, Any] | None = json_object(nullable=True)
    content: dict[str, Any] = json_object()
    run_id: int | None = reference("run.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    settled_at: datetime | None = timestamp()
    settled_by: str | None = text(nullable=True)
    note: str = text(default="")


class OrderResponse(SQLModel, table=True):
    """One answer of a provider to an order; `incoming_id` None: given on the reply page. `external_id`: the answer's own number.

    `starts_on`: the first day the provider promises. `note`: what a provider wrote on the reply page, for the worker alone.
    """

    __tablename__ = "order_response"
    __table_args__ = (
        UniqueConstraint("order_id", "external_id"),
        CheckConstraint("code IN ('" + "', '".join(ANSWER_CODES) + "')", name="code"),
        CheckConstraint("state IN ('" + "', '".join(ANSWER_STATES) + "')", name="state"),
        Index("ix_order_response_held", "id", postgresql_where=sql("state = 'held'")),
    )

    id: int = primary_key()
    order_id: int = reference("purchase_order.id", index=False)
    incoming_id: int | None = reference("incoming_document.id", nullable=True)
    code: str = text()
    external_id: str | None = text(nullable=True)
    issued_on: date | None = None
    starts_on: date | None = None
    note: str = text(default="")
    state: str = text()
    reason: dict[str, Any] | None = json_object(nullable=True)
    answered_at: datetime = timestamp(nullable=False)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    settled_at: datetime | None = timestamp()
    settled_by: str | None = text(nullable=True)


class OrderResponseLine(SQLModel, table=True):
    """What an answer says of one line of the order: 1 added, 3 changed, 5 accepted, 7 rejected, 42 already delivered.

    `line_number` is the order's. What the answer leaves as ordered is None.
    """

    __tablename__ = "order_response_line"
    __table_args__ = (CheckConstraint("code IN ('1', '3', '5', '7', '42')", name="code"),)

    id: int = primary_key()
    response_id: int = reference("order_response.id")
    line_number: int | None = None
    code: str = text()
    quantity: Decimal | None = amount_of_units(nullable=True)
    unit: str | None = text(nullable=True)
    amount: Decimal | None = unit_price(nullable=True)
    base_quantity: Decimal | None = amount_of_units(nullable=True)
    period: DateRange | None = period(nullable=True)
