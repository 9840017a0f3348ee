"""Purchase orders as rows; how real ones come about is services/orders' business."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.case import Decision, PlanItem
from models.invoice import Delivered, Invoice, InvoiceLine
from models.order import OrderCoverage, OrderLine, PurchaseOrder
from models.price import Price
from models.provider import Provider
from tests.factories.base import added, unique


def make_order(session: Session, decision: Decision, provider: Provider, **over: Any) -> PurchaseOrder:
    """A sent order without lines."""
    values = {
        "number": unique("T-2026"),
        "period": decision.valid,
        "issue_date": date(2026, 11, 16),
        "state": "sent",
        "channel": "email",
        "client_reference": unique("ref"),
        "total_net": Decimal(0),
        "total_vat": Decimal(0),
        "total_gross": Decimal(0),
        "document": b"<Order/>",
        "document_sha256": "0" * 64,
        "chosen_by": "parent",
        "approved_by": "worker:W-101",
        "approved_at": datetime(2026, 11, 16, 4, 0, tzinfo=UTC),
        **over,
    }
    return added(session, PurchaseOrder(decision_id=decision.id, provider_id=provider.id, **values))


def make_order_line(
    session: Session, order: PurchaseOrder, item: PlanItem, price: Price, gross: str | Decimal, **over: Any
) -> OrderLine:
    """A line over the item's whole period, exempt from VAT, with live coverage of the same days."""
    number = over.pop("line_number", 1)
    period = over.pop("period", item.period)
    values = {
        "quantity": item.quantity,
        "unit": item.unit,
        "amount": price.amount,
        "base_quantity": Decimal(1),
        "vat_category": "E",
        "vat_rate": Decimal(0),
        "net": Decimal(gross),
        "vat": Decimal(0),
        "gross": Decimal(gross),
        **over,
    }
    added(session, _coverage(order, item, period))
    return added(
        session,
        OrderLine(
            order_id=order.id, line_number=number, plan_item_id=item.id, price_id=price.id, period=period, **values
        ),
    )


def make_invoice(session: Session, line: OrderLine, gross: str | Decimal, **over: Any) -> InvoiceLine:
    """An invoice (`kind="credit"`: a credit note) of one line, exempt from VAT."""
    order = session.get_one(PurchaseOrder, line.order_id)
    invoice = {
        "number": unique("L"),
        "kind": "invoice",
        "issue_date": date(2026, 12, 31),
        "final": False,
        "match": "matched",
    }
    parts = {"quantity": None, "net": Decimal(gross), "vat": Decimal(0), "gross": Decimal(gross)}
    made = added(
        session,
        Invoice(provider_id=order.provider_id, **{**invoice, **{k: v for k, v in over.items() if k in invoice}}),
    )
    values = {**parts, **{k: v for k, v in over.items() if k in parts}}
    return added(session, InvoiceLine(invoice_id=made.id, order_line_id=line.id, **values))


def make_delivered(session: Session, line: OrderLine, quantity: str | Decimal, **over: Any) -> Delivered:
    """A report that so much of a line was delivered over its days."""
    return added(
        session,
        Delivered(order_line_id=line.id, **{"quantity": Decimal(quantity), "period": line.period, **over}),
    )


def _coverage(order: PurchaseOrder, item: PlanItem, period: Any) -> OrderCoverage:
    return OrderCoverage(
        order_id=order.id,
        plan_item_id=item.id,
        period=period,
        item_quantity=item.quantity,
        item_unit=item.unit,
        item_period=item.period,
        service_id=item.service_id,
    )
