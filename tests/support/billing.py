"""An order at a provider, and the invoices that come for it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.settings import Settings
from documents.invoice import read_invoice
from models.answer import IncomingDocument
from models.base import days
from models.invoice import Invoice
from models.order import OrderLine, PurchaseOrder
from services.invoices.taking import Outcome, take_invoice
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import settings_for
from tests.support.invoices import finvoice, peppol

NOW = datetime(2026, 12, 31, 8, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 1), date(2027, 1, 31)
_numbers = count(1)

#: Rows in: an order. Rows out: what was booked on its lines, in the order it came.
_BOOKED = text(
    """
    SELECT kind, invoice_line.gross FROM invoice_line JOIN invoice ON invoice.id = invoice_id
    JOIN order_line ON order_line.id = order_line_id WHERE order_id = :order ORDER BY invoice_line.id
    """
)


def settings() -> Settings:
    """Those of an installation; the buyer of `tests/support/invoices.py`."""
    return settings_for()


class Billing:
    """Twelve visits at 88.00 € ordered in November, under a contract, of a worker's case; the unit's supervisor, and a worker of another unit."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.unit = make_unit(session)
        self.worker = make_worker(session, external_id="W-1", unit_id=self.unit.id, language="en")
        self.head = make_worker(session, external_id="W-7", unit_id=self.unit.id, language="en")
        self.unit.supervisor_id = self.head.id
        self.stranger = make_worker(session, external_id="W-9", unit_id=make_unit(session).id, language="en")
        self.case = make_case(session, responsible_worker_id=self.worker.id, unit_id=self.unit.id)
        self.decision = make_decision(session, self.case, granted_amount=Decimal(2000))
        self.service = make_service(session)
        self.provider = make_provider(session, services=[self.service])
        self.contract = make_contract(session, self.provider, number="S-77")
        self.price = make_price(session, self.service, self.provider, "88.00")
        self.item = make_plan_item(session, self.decision, self.service, first=FIRST, last=LAST)
        self.order = self.make_order()
        self.line = self.add_line(self.order, "1056.00", item=self.item)

    def make_order(self, **over: Any) -> PurchaseOrder:
        """Another order of the decision, without lines."""
        values = {
            "contract_id": self.contract.id,
            "period": days(FIRST, LAST),
            "number": f"T-2026-{next(_numbers):06d}",
            **over,
        }
        provider = values.pop("provider", self.provider)
        return make_order(self.session, self.decision, provider, **values)

    def add_line(self, order: PurchaseOrder, gross: str, *, item: Any = None, **over: Any) -> OrderLine:
        """A line of an order; of a plan item of its own, unless told otherwise."""
        number = over.pop("line_number", 1)
        if item is None:
            item = make_plan_item(self.session, self.decision, make_service(self.session), first=FIRST, last=LAST)
        values = {"quantity": Decimal(12), "unit": "C62", "net": Decimal(gross), **over}
        return make_order_line(self.session, order, item, self.price, gross, line_number=number, **values)

    def take(self, *, form: Any = peppol, source: str = "laskut", **over: Any) -> Outcome:
        """An invoice comes in: of the provider, for the order, unless told otherwise."""
        self.document = self.incoming(form, source, **over)
        return take_invoice(self.session, read_invoice(self.content), self.document, now=NOW, settings=settings())

    def incoming(self, form: Any, source: str, **over: Any) -> IncomingDocument:
        values = {
            "seller": self.provider.business_id,
            "order": self.order.number,
            "number": f"L-{next(_numbers)}",
            **over,
        }
        self.content: bytes = form(**values)
        return IncomingDocument(
            source=source,
            file_name="lasku.xml",
            sha256=sha256(self.content + str(next(_numbers)).encode()).hexdigest(),
            kind="unknown",
            state="held",
        )

    def booked(self) -> list[tuple[str, Decimal]]:
        """Kind and gross of every line that was booked on the order."""
        rows = self.session.execute(_BOOKED, {"order": self.order.id})
        return [(row.kind, row.gross) for row in rows]

    def invoice(self) -> Invoice:
        """The row of the document that came last."""
        return self.session.scalars(select(Invoice).filter_by(incoming_id=self.document.id)).one()


__all__ = ["NOW", "Billing", "finvoice", "peppol", "settings"]
