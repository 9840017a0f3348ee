"""Answers to orders and documents that came in, as rows."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from models.answer import IncomingDocument, OrderResponse, OrderResponseLine
from models.case import PlanItem
from models.order import OrderPaper, OrderProposal, PurchaseOrder
from tests.factories.base import added, unique

_AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


def make_answer(session: Session, order: PurchaseOrder, code: str = "AP", **over: Any) -> OrderResponse:
    """An answer on the reply page that was taken into account."""
    values = {"state": "applied", "answered_at": _AT, "external_id": unique("V"), **over}
    return added(session, OrderResponse(order_id=order.id, code=code, **values))


def make_answer_line(session: Session, answer: OrderResponse, code: str = "3", **over: Any) -> OrderResponseLine:
    """What it says of the first line."""
    return added(session, OrderResponseLine(**{"response_id": answer.id, "line_number": 1, "code": code, **over}))


def make_incoming(session: Session, order: PurchaseOrder | None = None, **over: Any) -> IncomingDocument:
    """An invoice that waits for a person, of an order or of none that is known."""
    values = {
        "source": "laskut",
        "file_name": f"{unique('lasku')}.xml",
        "sha256": unique("0" * 60),
        "kind": "invoice",
        "state": "held",
        "provider_id": order.provider_id if order else None,
        "order_id": order.id if order else None,
        "content": {},
        **over,
    }
    return added(session, IncomingDocument(**values))


def make_proposal(session: Session, order: PurchaseOrder, item: PlanItem, **over: Any) -> OrderProposal:
    """That the plan has changed since it was ordered."""
    values = {"kind": "changed", "details": {}, "found_at": _AT, **over}
    return added(session, OrderProposal(order_id=order.id, plan_item_id=item.id, **values))


def make_paper(session: Session, order: PurchaseOrder, kind: str = "pdf", **over: Any) -> OrderPaper:
    """The order for people, as it went out."""
    values = {"content": b"%PDF-1.7 keksitty", "sha256": unique("a" * 60), **over}
    return added(session, OrderPaper(order_id=order.id, kind=kind, **values))
