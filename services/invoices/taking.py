"""Taking an invoice in (signature fixed)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import Message
from core.settings import Settings
from documents.invoice.values import Invoice
from models.answer import IncomingDocument


@dataclass(frozen=True)
class Outcome:
    """What became of a document: `applied`, `held` or `repeated`; why, where it waits; the orders it bills."""

    state: str
    reason: Message | None
    order_ids: tuple[int, ...] = ()


def take_invoice(
    session: Session, invoice: Invoice, incoming: IncomingDocument, *, now: datetime, settings: Settings
) -> Outcome:
    """Fills `incoming` (kind, number, sender, provider_id, order_id, content, state, reason) itself; flushes it first if it is new."""
    raise NotImplementedError
