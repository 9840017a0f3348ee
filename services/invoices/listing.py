"""Invoices as people look at them: lists by state, and one with its lines beside the lines of the orders. Read only.

Who may see one: the people of the case of the (first) order it bills. Of what names no order nobody knows whose it is: supervisors and
price managers find that out. What bills several orders may be decided by those alone who see all their cases.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, NotFound
from core.i18n import N_, _
from documents.invoice.values import Days, Invoice
from models.answer import IncomingDocument
from services.access.cases import TIED, VISIBLE, visible_cases
from services.access.people import PRICE_MANAGER, SUPERVISOR, Person
from services.invoices.taking import holds_of

#: States of an invoice that people look for, in words.
STATES: Final = {
    "held": N_("waits for a person"),
    "applied": N_("booked on its orders"),
    "discarded": N_("discarded"),
}
_MATCHES: Final = {
    "matched": N_("bills what was left"),
    "partly": N_("bills a part"),
    "over_price": N_("accepted above the order"),
}


@dataclass(frozen=True)
class InvoiceRow:
    """An invoice in a list. `id` is the document's. Of one that was discarded only number and sender are left."""

    id: int
    number: str
    kind: str | None
    provider: str | None
    sender: str | None
    issue_date: date | None
    gross: Decimal | None
    order: str | None
    state: str
    match: str | None
    reason: Message | None
    recorded_at: datetime


@dataclass(frozen=True)
class BilledLine:
    """A line of an invoice: as read (`place` is empty), or as booked on a line of an order."""

    number: int
    quantity: Decimal | None
    unit: str | None
    net: Decimal
    vat: Decimal
    gross: Decimal
    period: Days | None = None
    order: str | None = None
    order_line: str | None = None


@dataclass(frozen=True)
class OrderLineShown:
    """A line of an order that the invoice bills or may bill, and what was billed of it by all invoices; days both included."""

    order: str
    case_number: str
    line_number: int
    service: str
    extra: str
    first: date
    last: date
    quantity: Decimal
    unit: str
    gross: Decimal
    billed: Decimal

    @property
    def place(self) -> str:
        """How people name it: `T-2026-000001/2`."""
        return f"{self.order}/{self.line_number}"


@dataclass(frozen=True)
class InvoiceView:
    """One invoice. `holds`: what speaks against it, code and sentence; `seen` tells whether that is still what was shown."""

    row: InvoiceRow
    lines: tuple[BilledLine, ...]
    order_lines: tuple[OrderLineShown, ...]
    holds: tuple[tuple[str, Message], ...]
    seen: str
    credits: str | None
    final: bool
    period: Days | None
    contract: str | None
    file_name: str
    source: str
    settled_by: str | None
    settled_at: datetime | None
    note: str


_COLUMNS = """
    SELECT document.id, coalesce(document.number, '') AS number, coalesce(document.content -> 'invoice' ->> 'kind', invoice.kind) AS kind,
           provider.name AS provider, document.sender,
           coalesce(CAST(document.content -> 'invoice' ->> 'issue_date' AS date), invoice.issue_date) AS issue_date,
           coalesce(CAST(document.content -> 'invoice' ->> 'gross' AS numeric),
                    (SELECT sum(gross) FROM invoice_line WHERE invoice_line.invoice_id = invoice.id)) AS gross,
           purchase_order.number AS order, document.state, invoice.match, document.reason, document.recorded_at
    FROM incoming_document AS document
    LEFT JOIN provider ON provider.id = document.provider_id
    LEFT JOIN purchase_order ON purchase_order.id = document.order_id
    LEFT JOIN invoice ON invoice.incoming_id = document.id
"""

#: Rows in: perhaps a state, a provider and somebody who looks. Rows out: invoices, the latest first.
_LIST = text(
    f"""
    {_COLUMNS}
    WHERE document.kind = 'invoice' AND document.state = ANY(:states)
      AND (CAST(:before AS bigint) IS NULL OR document.id < :before)
      AND (CAST(:business_id AS text) IS NULL OR provider.business_id = :business_id)
      AND (:sees_everything OR CASE WHEN document.order_id IS NULL THEN :sees_unknown ELSE document.order_id IN (
            SELECT billed.id FROM purchase_order AS billed JOIN decision ON decision.id = billed.decision_id
            WHERE decision.case_id IN (SELECT id FROM ({TIED}) AS tied)) END)
    ORDER BY document.id DESC LIMIT :limit
    """  # noqa: S608 - our own words
)
_ONE = text(f"{_COLUMNS} WHERE document.id = :id AND document.kind = 'invoice'")

#: Rows in: a document. Rows out: what was booked for it.
_BOOKED = text(
    """
    SELECT order_line.line_number AS number, invoice_line.quantity, order_line.unit, invoice_line.net, invoice_line.vat, invoice_line.gross,
           purchase_order.number AS order, CAST(order_line.line_number AS text) AS order_line
    FROM invoice JOIN invoice_line ON invoice_line.invoice_id = invoice.id
    JOIN order_line ON order_line.id = invoice_line.order_line_id JOIN purchase_order ON purchase_order.id = order_line.order_id
    WHERE invoice.incoming_id = :id ORDER BY invoice_line.id
    """
)

#: Rows in: orders and somebody who looks. Rows out: the lines of those whose case they see, with what was billed of each, credit notes taken off.
_ORDER_LINES = text(
    f"""
    SELECT purchase_order.number AS order, client_case.number AS case_number, line_number, service.name_fi AS service, extra,
           lower(order_line.period) AS first, upper(order_line.period) - 1 AS last, order_line.quantity, order_line.unit, gross,
           (SELECT coalesce(sum(CASE invoice.kind WHEN 'credit' THEN -1 ELSE 1 END * invoice_line.gross), 0)
            FROM invoice_line JOIN invoice ON invoice.id = invoice_line.invoice_id
            WHERE invoice_line.order_line_id = order_line.id) AS billed
    FROM order_line
    JOIN purchase_order ON purchase_order.id = order_line.order_id
    JOIN plan_item ON plan_item.id = order_line.plan_item_id
    JOIN service ON service.id = plan_item.service_id
    JOIN decision ON decision.id = purchase_order.decision_id
    JOIN client_case ON client_case.id = decision.case_id
    WHERE purchase_order.id = ANY(:orders) AND {VISIBLE} ORDER BY purchase_order.id, line_number
    """  # noqa: S608 - our own words
)

#: Rows in: orders and somebody who looks. Rows out: of each, whether they see its case.
_SEEN = text(
    f"""
    SELECT purchase_order.id, {VISIBLE} IS TRUE AS visible FROM purchase_order
    JOIN decision ON decision.id = purchase_order.decision_id JOIN client_case ON client_case.id = decision.case_id
    WHERE purchase_order.id = ANY(:orders)
    """  # noqa: S608 - our own words
)
#: Rows in: numbers of orders and somebody who looks. Rows out: those numbers that they may not see, or that are none.
_UNSEEN = text(
    f"""
    SELECT name FROM unnest(CAST(:numbers AS text[])) AS name
    WHERE NOT EXISTS (
        SELECT FROM purchase_order JOIN decision ON decision.id = purchase_order.decision_id
        JOIN client_case ON client_case.id = decision.case_id WHERE purchase_order.number = name AND {VISIBLE}) ORDER BY name
    """  # noqa: S608 - our own words
)


def state_name(state: str) -> str:
    """A state in the reader's language."""
    return _(STATES.get(state, state))


def match_name(match: str | None) -> str:
    """How an invoice fits its orders, in the reader's language."""
    return _(_MATCHES.get(match, match)) if match else ""


def listed(
    session: Session,
    *,
    state: str | None = None,
    provider: str | None = None,
    person: Person | None = None,
    today: date | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[InvoiceRow]:
    """Invoices in a state, or all; of a provider (business id); that a person may see. The latest first."""
    rows = session.execute(
        _LIST,
        {
            **_who(person, today),
            "states": [state] if state else list(STATES),
            "business_id": provider,
            "before": before,
            "limit": limit,
        },
    )
    return [_row(row) for row in rows.mappings()]


def view(session: Session, document: int, *, person: Person | None = None, today: date | None = None) -> InvoiceView:
    """One invoice with its lines and those of the orders it bills or may bill, if a person looks: whose cases they see. Raises NotFound."""
    incoming = session.get(IncomingDocument, document)
    row = session.execute(_ONE, {"id": document}).mappings().one_or_none()
    if incoming is None or row is None:
        raise NotFound("There is no invoice {id} here.", id=document)
    content = incoming.content
    read = Invoice.from_json(content["invoice"]) if "invoice" in content else None
    booked = session.execute(_BOOKED, {"id": document}).mappings()
    lines = (
        tuple(
            BilledLine(
                one.number, one.quantity, one.unit, one.net, one.vat, one.gross, one.period, one.order, one.order_line
            )
            for one in read.lines
        )
        if read
        else tuple(BilledLine(**one) for one in booked)
    )
    orders = content.get("orders", [])
    shown = session.execute(_ORDER_LINES, {**_who(person, today), "orders": orders}).mappings()
    written = session.execute(
        text("SELECT final, credits FROM invoice WHERE incoming_id = :id"), {"id": document}
    ).one_or_none()
    return InvoiceView(
        row=_row(row),
        lines=lines,
        order_lines=tuple(OrderLineShown(**one) for one in shown),
        holds=tuple((hold.code, hold.reason) for hold in holds_of(incoming)) if incoming.state == "held" else (),
        seen=seen(incoming),
        credits=read.credits if read else written.credits if written else None,
        final=bool(written and written.final),
        period=read.period if read else None,
        contract=read.contract if read else None,
        file_name=incoming.file_name,
        source=incoming.source,
        settled_by=incoming.settled_by,
        settled_at=incoming.settled_at,
        note=incoming.note,
    )


def seen(incoming: IncomingDocument) -> str:
    """Equal for as long as the same speaks against a document."""
    return sha256(json.dumps(incoming.content.get("holds", []), sort_keys=True).encode()).hexdigest()[:16]


def must_see(session: Session, person: Person, document: int, today: date) -> bool:
    """Whether the person may decide about a document. Raises NotFound, alike for one that does not exist and one that is not theirs."""
    incoming = session.get(IncomingDocument, document)
    if incoming is None or incoming.kind != "invoice" or incoming.state not in STATES:
        raise NotFound("There is no invoice {id} here.", id=document)
    orders = {*incoming.content.get("orders", []), *([incoming.order_id] if incoming.order_id else [])}
    who = _who(person, today)
    rows = session.execute(_SEEN, {**who, "orders": sorted(orders)})
    visible = {row.id: row.visible for row in rows}
    may_see = visible[incoming.order_id] if incoming.order_id else who["sees_unknown"] or who["sees_everything"]
    if not may_see:
        raise NotFound("There is no invoice {id} here.", id=document)
    return all(visible.values())


def must_see_orders(session: Session, person: Person, numbers: Collection[str], today: date) -> None:
    """Raise NotFound unless the person may see the cases of all these orders."""
    unseen = session.scalars(_UNSEEN, {**_who(person, today), "numbers": sorted(numbers)}).first()
    if unseen is not None:
        raise NotFound("There is no purchase order {order} that you can see.", order=unseen)


def _who(person: Person | None, today: date | None) -> dict[str, Any]:
    """The values of row access; nobody: a person at the command line, who sees everything."""
    if person is None or today is None:
        nobody = {"me": None, "today": date.min, "as_worker": False, "as_supervisor": False}
        return {**nobody, "sees_everything": True, "sees_unknown": True}
    return {**visible_cases(person, today), "sees_unknown": person.is_one_of(SUPERVISOR, PRICE_MANAGER)}


def _row(row: Any) -> InvoiceRow:
    reason = Message.from_json(row["reason"]) if row["reason"] else None
    return InvoiceRow(**{**row, "reason": reason})
