"""Invoices and what providers say they have delivered."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.order import Delivered, Invoice, InvoiceLine, OrderLine
from models.provider import Provider
from tests.factories.base import added, unique


def make_invoice_line(
    session: Session, provider: Provider, line: OrderLine, gross: str, quantity: str | None = None, **over: Any
) -> InvoiceLine:
    """One line of an invoice of its own, exempt from VAT; `kind="credit"` for a credit note."""
    invoice = added(
        session, Invoice(**{"provider_id": provider.id, "number": unique("L"), "issue_date": date(2026, 12, 31), **over})
    )
    values = {"net": Decimal(gross), "vat": Decimal(0), "gross": Decimal(gross)}
    counted = None if quantity is None else Decimal(quantity)
    return added(session, InvoiceLine(invoice_id=invoice.id, order_line_id=line.id, quantity=counted, **values))


def make_delivered(session: Session, line: OrderLine, quantity: str, **over: Any) -> Delivered:
    """A report over the line's whole period."""
    values = {"period": line.period, "superseded_at": None, **over}
    return added(session, Delivered(order_line_id=line.id, quantity=Decimal(quantity), **values))


SUPERSEDED = datetime(2026, 12, 1, tzinfo=UTC)
