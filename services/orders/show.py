"""Reading orders for people: lists, one order with its lines, every attempt at delivering it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from core.i18n import N_, _

#: The states of models/order.py in words.
STATE_NAMES = {
    "approved": N_("approved"),
    "sending": N_("being sent"),
    "sent": N_("sent"),
    "received": N_("received"),
    "accepted": N_("accepted"),
    "changed": N_("changes proposed"),
    "rejected": N_("rejected by the provider"),
    "failed": N_("not delivered"),
    "cancelled": N_("cancelled"),
    "closed": N_("closed"),
}


@dataclass(frozen=True)
class OrderSummary:
    """One row of a list of orders. Days are both included."""

    number: str
    case_number: str
    provider: str
    state: str
    channel: str
    first_day: date
    last_day: date
    total_gross: Decimal
    approved_by: str
    approved_at: datetime
    sent_at: datetime | None
    document_sha256: str


@dataclass(frozen=True)
class OrderView(OrderSummary):
    """One order: also by what reference the provider knows it, who chose, why it was approved, whether contact details went over; when the
    provider begins, which cancelled order it `replaces`, and how it ended.
    """

    id: int
    issue_date: date
    client_reference: str
    chosen_by: str
    approval_reason: str
    handed_over_at: datetime | None
    handed_over_by: str | None
    starts_on: date | None
    replaces: str | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class LineView:
    """One line as ordered."""

    line_number: int
    item: str
    service: str
    first_day: date
    last_day: date
    quantity: Decimal
    unit: str
    amount: Decimal
    base_quantity: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal


@dataclass(frozen=True)
class Attempt:
    """One attempt at delivering: what came of it and what the other side said."""

    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    message: Message | None
    reply: str | None


_SUMMARY = """
    purchase_order.number, client_case.number AS case_number, provider.name AS provider, purchase_order.state,
    purchase_order.channel, lower(period) AS first_day, upper(period) - 1 AS last_day, total_gross, approved_by, approved_at,
    sent_at, document_sha256
"""
_FROM = """
    FROM purchase_order
    JOIN provider ON provider.id = purchase_order.provider_id
    JOIN decision ON decision.id = purchase_order.decision_id
    JOIN client_case ON client_case.id = decision.case_id
"""

#: Rows in: a state and a case's number, or neither. Rows out: orders, newest first.
_LIST = text(
    f"""
    SELECT {_SUMMARY} {_FROM}
    WHERE (CAST(:state AS text) IS NULL OR purchase_order.state = :state)
      AND (CAST(:case_number AS text) IS NULL OR client_case.number = :case_number)
    ORDER BY purchase_order.id DESC LIMIT :limit
    """
)

#: Rows in: an order's number. Rows out: the order.
_ONE = text(
    f"""
    SELECT {_SUMMARY}, purchase_order.id, issue_date, client_reference, chosen_by, approval_reason, handed_over_at, handed_over_by, starts_on,
           (SELECT former.number FROM purchase_order AS former WHERE former.id = purchase_order.replaces_id) AS replaces,
           cancelled_at, cancelled_by, purchase_order.closed_at {_FROM}
    WHERE purchase_order.number = :number
    """  # noqa: S608 - our own words
)

#: Rows in: an order's number. Rows out: its lines.
_LINES = text(
    """
    SELECT line_number, client_case.number || '/' || plan_item.external_id AS item, service.name_fi AS service,
           lower(order_line.period) AS first_day, upper(order_line.period) - 1 AS last_day, order_line.quantity, order_line.unit,
           amount, base_quantity, net, vat, gross
    FROM order_line
    JOIN purchase_order ON purchase_order.id = order_line.order_id
    JOIN plan_item ON plan_item.id = order_line.plan_item_id
    JOIN client_case ON client_case.id = plan_item.case_id
    JOIN service ON service.id = plan_item.service_id
    WHERE purchase_order.number = :number ORDER BY line_number
    """
)

#: Rows in: an order's number. Rows out: every attempt at delivering it, oldest first.
_ATTEMPTS = text(
    """
    SELECT attempt, started_at, finished_at, outcome, message, reply FROM run
    WHERE work_id = (SELECT id FROM work WHERE key = 'deliver_order:' || :number) ORDER BY run.id
    """
)

#: Rows in: an order's number, or none. Rows out: Work that would deliver it, or any order, and is due.
_DUE = text(
    """
    SELECT id FROM work
    WHERE kind = 'deliver_order' AND done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at <= clock_timestamp()
      AND (CAST(:number AS text) IS NULL OR key = 'deliver_order:' || :number)
    ORDER BY next_at, id
    """
)
#: Rows in: Work that delivers orders. Rows out: those orders and how they stand.
_STATES = text(
    """
    SELECT purchase_order.number, purchase_order.state FROM work JOIN purchase_order ON purchase_order.id = work.subject_id
    WHERE work.id = ANY(:ids) ORDER BY purchase_order.number
    """
)
_DOCUMENT = text("SELECT document FROM purchase_order WHERE number = :number")


def state_name(state: str) -> str:
    """A state in the reader's language; one this version does not know as it is."""
    return _(STATE_NAMES.get(state, state))


def list_orders(
    session: Session, *, state: str | None = None, case_number: str | None = None, limit: int = 200
) -> list[OrderSummary]:
    """Orders, newest first."""
    values = {"state": state, "case_number": case_number, "limit": limit}
    return [OrderSummary(**row) for row in session.execute(_LIST, values).mappings()]


def order_view(session: Session, number: str) -> OrderView:
    """One order. Raises NotFound."""
    row = session.execute(_ONE, {"number": number}).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    return OrderView(**row)


def order_lines(session: Session, number: str) -> list[LineView]:
    """The lines of an order, as ordered."""
    return [LineView(**row) for row in session.execute(_LINES, {"number": number}).mappings()]


def delivery_attempts(session: Session, number: str) -> list[Attempt]:
    """Every attempt at delivering an order, oldest first."""
    return [_attempt(row) for row in session.execute(_ATTEMPTS, {"number": number})]


def order_document(session: Session, number: str) -> bytes:
    """The very bytes that were stored and sent. Raises NotFound."""
    document = session.execute(_DOCUMENT, {"number": number}).scalar()
    if document is None:
        raise NotFound("There is no purchase order {order}.", order=number)
    return bytes(document)


def deliveries_due(session: Session, number: str | None = None) -> list[int]:
    """Ids of the Work that would deliver an order, or any, and is due now. Raises NotFound for an order there is none of."""
    if number is not None:
        order_view(session, number)
    return list(session.execute(_DUE, {"number": number}).scalars())


def states_of_deliveries(session: Session, work_ids: list[int]) -> dict[str, str]:
    """State by number of the orders that pieces of Work deliver."""
    return {row.number: row.state for row in session.execute(_STATES, {"ids": work_ids})}


def _attempt(row: Any) -> Attempt:
    message = Message.from_json(row.message) if row.message else None
    return Attempt(row.attempt, row.started_at, row.finished_at, row.outcome, message, row.reply)
