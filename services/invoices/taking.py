"""Taking an invoice or a credit note in: it is booked on its orders' lines, or waits for a person with the reason why.

Only what budgets need is kept of it (models/invoice.py); nothing is posted anywhere. What waits is kept as it was read, in `content` of the
incoming document: `invoice`, `holds` (what speaks against it), `orders` (ids), `assigned` (what a person said). What is settled keeps its
fingerprint alone, so that a repeat is known.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from core.settings import Settings
from documents.invoice.values import Invoice
from models.answer import IncomingDocument
from models.base import table_of
from models.invoice import Invoice as InvoiceRow
from models.invoice import InvoiceLine
from services.budgets import dirty
from services.invoices import reading
from services.invoices.matching import Assigned, Hold, Match, match
from services.invoices.reading import Ordered
from services.orders.news import tell_worker

_CURRENCY: Final = "EUR"

#: Rows in: a document and whose it is. Rows out: earlier documents under its number that count, the latest first; their fingerprints.
_SAME_NUMBER = text(
    """
    SELECT content ->> 'fingerprint' AS fingerprint, state FROM incoming_document
    WHERE kind = 'invoice' AND id <> :id AND number = :number AND state IN ('applied', 'held')
      AND (provider_id = :provider_id OR (provider_id IS NULL AND sender = :sender))
    ORDER BY id DESC
    """
)
#: Rows in: a provider and a number. Rows out: one if such an invoice is booked.
_BOOKED = text("SELECT 1 FROM invoice WHERE provider_id = :provider_id AND number = :number")

#: Rows in: an invoice's number and provider. Rows out: credit notes that wait and give back from it.
_WAITING_CREDITS = text(
    """
    SELECT id FROM incoming_document
    WHERE state = 'held' AND kind = 'invoice' AND provider_id = :provider_id
      AND content -> 'invoice' ->> 'kind' = 'credit' AND content -> 'invoice' ->> 'credits' = :number
    ORDER BY id
    """
)


@dataclass(frozen=True)
class Outcome:
    """What became of a document: `applied`, `held` or `repeated`; why, where it waits; the orders it bills."""

    state: str
    reason: Message | None
    order_ids: tuple[int, ...] = ()


def take_invoice(
    session: Session, invoice: Invoice, incoming: IncomingDocument, *, now: datetime, settings: Settings
) -> Outcome:
    """Book a document, or have it wait. `incoming` is its file: all but where it came from is filled in here.

    The same document again changes nothing. Another one under a number that its seller has used is held: which of them counts?
    """
    incoming.kind, incoming.number, incoming.sender = "invoice", invoice.number, invoice.seller
    incoming.provider_id = reading.seller(session, invoice.seller)
    incoming.content = {"fingerprint": invoice.fingerprint, "invoice": invoice.to_json()}
    incoming.state = "held"
    session.add(incoming)
    session.flush()  # its id tells it from the others of its number
    if _is_repeated(session, invoice, incoming):
        return _settle(incoming, "repeated", Message(N_("It was taken before.")))
    return judge(session, incoming, now=now, settings=settings)


def judge(
    session: Session,
    incoming: IncomingDocument,
    *,
    now: datetime,
    settings: Settings,
    accepted: Collection[Hold] = (),
    final: bool = False,
) -> Outcome:
    """Decide about a document that is held: book it unless something else than `accepted` speaks against it.

    `final`: a person says that no other invoice will come for its orders.
    """
    invoice = Invoice.from_json(incoming.content["invoice"])
    incoming.provider_id = reading.seller(session, invoice.seller)
    found = _found(session, invoice, incoming)
    against = [hold for hold in (*_against(session, invoice, incoming, settings), *found.holds) if hold not in accepted]
    orders = tuple(one.id for one in found.orders)
    incoming.order_id = orders[0] if orders else None
    if not against:
        over_price = any(hold.code == "over_price" for hold in accepted)
        _book(session, invoice, incoming, found, over_price=over_price, final=final)
        outcome = _settle(incoming, "applied", None, orders)
        for credit in _waiting_credits(session, incoming):
            judge(session, credit, now=now, settings=settings)
        return outcome
    incoming.content = {
        **incoming.content,
        "holds": [{"code": hold.code, "reason": hold.reason.to_json()} for hold in against],
        "orders": list(orders),
    }
    incoming.reason = against[0].reason.to_json()
    _tell(session, incoming, found.orders, against[0])
    session.flush()
    return Outcome("held", against[0].reason, orders)


def assigned(incoming: IncomingDocument) -> Assigned:
    """What a person said about a document that waits."""
    said = incoming.content.get("assigned", {})
    lines = {int(line): (order, number) for line, (order, number) in said.get("lines", {}).items()}
    return Assigned(said.get("order"), lines)


def holds_of(incoming: IncomingDocument) -> list[Hold]:
    """What speaks against a document that waits, as it was shown."""
    return [Hold(one["code"], Message.from_json(one["reason"])) for one in incoming.content.get("holds", [])]


def _found(session: Session, invoice: Invoice, incoming: IncomingDocument) -> Match:
    if incoming.provider_id is not None:
        return match(session, invoice, incoming.provider_id, assigned(incoming))
    if invoice.seller is None:
        return Match(holds=(Hold("unknown", Message(N_("It does not say by a business id who sends it."))),))
    reason = Message(N_("No provider has the business id {business_id}."), business_id=invoice.seller)
    return Match(holds=(Hold("unknown", reason),))


def _against(session: Session, invoice: Invoice, incoming: IncomingDocument, settings: Settings) -> list[Hold]:
    """What speaks against a document whatever it bills."""
    found = []
    buyer = settings.organisation.business_id
    if _has_another(session, invoice, incoming):
        reason = Message(N_("The seller has sent another document under the number {number}."), number=invoice.number)
        found.append(Hold("number", reason))
    if invoice.currency != _CURRENCY:
        found.append(Hold("currency", Message(N_("Its currency is not the euro."))))
    if invoice.objection:
        found.append(Hold("sums", invoice.objection))
    if invoice.buyer is not None and invoice.buyer != buyer:
        reason = Message(N_("It is for {business_id}, not for us."), business_id=invoice.buyer)
        found.append(Hold("buyer", reason))
    if invoice.prepaid:
        reason = Message(N_("It says that {euros} were paid before."), euros=str(invoice.prepaid))
        found.append(Hold("paid", reason))
    return found


def _is_repeated(session: Session, invoice: Invoice, incoming: IncomingDocument) -> bool:
    return any(row.fingerprint == invoice.fingerprint for row in _of_same_number(session, incoming))


def _has_another(session: Session, invoice: Invoice, incoming: IncomingDocument) -> bool:
    """Whether its seller's number stands for something else: a document that waits or is booked, or an invoice from before files came."""
    if any(row.fingerprint != invoice.fingerprint for row in _of_same_number(session, incoming)):
        return True
    values = {"provider_id": incoming.provider_id, "number": invoice.number}
    return incoming.provider_id is not None and session.execute(_BOOKED, values).first() is not None


def _of_same_number(session: Session, incoming: IncomingDocument) -> list[Any]:
    values = {
        "id": incoming.id,
        "number": incoming.number,
        "provider_id": incoming.provider_id,
        "sender": incoming.sender,
    }
    return list(session.execute(_SAME_NUMBER, values))


def _book(
    session: Session, invoice: Invoice, incoming: IncomingDocument, found: Match, *, over_price: bool, final: bool
) -> None:
    """Write the invoice and its lines, and note the budgets that it draws on."""
    if incoming.provider_id is None:
        raise ValueError("nothing is booked without a provider")
    is_credit = invoice.kind == "credit"
    covers = found.covers and not is_credit
    row = InvoiceRow(
        provider_id=incoming.provider_id,
        number=invoice.number,
        kind=invoice.kind,
        issue_date=invoice.issue_date,
        final=final or covers,
        run_id=incoming.run_id,
        incoming_id=incoming.id,
        match="over_price" if over_price else "matched" if covers or is_credit else "partly",
        credits=invoice.credits,
    )
    session.add(row)
    session.flush()  # the lines need its id
    session.execute(
        table_of(InvoiceLine).insert(),
        [
            {
                "invoice_id": row.id,
                "order_line_id": one.line.id,
                "quantity": one.quantity,
                "net": one.net,
                "vat": one.vat,
                "gross": one.gross,
            }
            for one in found.shares
        ],
    )
    dirty.mark_orders(session, [one.id for one in found.orders], "invoice", incoming.run_id)


def _settle(incoming: IncomingDocument, state: str, reason: Message | None, orders: tuple[int, ...] = ()) -> Outcome:
    incoming.state = state
    incoming.reason = reason.to_json() if reason else None
    incoming.content = {"fingerprint": incoming.content["fingerprint"], "orders": list(orders)}
    return Outcome(state, reason, orders)


def _waiting_credits(session: Session, incoming: IncomingDocument) -> list[IncomingDocument]:
    """Credit notes that came before the invoice they give back from."""
    session.flush()  # what was booked counts for them
    values = {"provider_id": incoming.provider_id, "number": incoming.number}
    ids = list(session.scalars(_WAITING_CREDITS, values))
    return [session.get_one(IncomingDocument, one) for one in ids]


def _tell(session: Session, incoming: IncomingDocument, orders: Sequence[Ordered], hold: Hold) -> None:
    """Leave a notice for whoever is responsible for the order it stands with, once a document."""
    if not orders:
        return
    first = orders[0]
    message = Message(
        N_("An invoice for order {order} waits for you: {reason}"), order=first.number, reason=hold.reason
    )
    tell_worker(session, first.id, "invoice_held", f"invoice {incoming.id}", message)
