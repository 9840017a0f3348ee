"""What people do with documents about orders: list them, look at one, apply or discard what was held.

An invoice that waits is decided where its lines can be seen (services/invoices/deciding.py). Of an answer the order's latest that waits is
meant (services/orders/replies/answers_held.py); of delivered quantities what the file told beyond the orders.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Message, NotFound
from models.answer import INCOMING_STATES, IncomingDocument
from models.order import PurchaseOrder
from services import audit
from services.orders.replies.answers_held import apply_held, discard_held
from services.orders.replies.delivered import Report, take_delivered
from services.orders.replies.reply_page import FORM
from services.orders.words import settled_name

#: What may become of a document (models/answer.py); a list is narrowed to one of them.
STATES: Final = INCOMING_STATES

#: SQL: what is told of a document in a list (`IncomingLine`), of `document`, `purchase_order` and `provider`.
LISTED: Final = """
    document.id, document.source, file_name, kind, document.number, document.state, document.reason, document.recorded_at,
    settled_at, settled_by, note, purchase_order.number AS order_number, provider.name AS provider
"""

#: Rows in: perhaps a state, a kind and where to go on from. Rows out: documents with their order and provider, the latest first.
_LISTED: Final = text(
    f"""
    SELECT {LISTED}
    FROM incoming_document AS document
    LEFT JOIN purchase_order ON purchase_order.id = document.order_id
    LEFT JOIN provider ON provider.id = document.provider_id
    WHERE (CAST(:states AS text[]) IS NULL OR document.state = ANY(:states))
      AND (CAST(:kind AS text) IS NULL OR kind = :kind)
      AND (CAST(:before AS bigint) IS NULL OR document.id < :before)
    ORDER BY document.id DESC LIMIT :limit
    """  # noqa: S608 - our own words
)

#: Rows in: an order. Rows out: the document in which its latest answer that waits came.
_WAITING: Final = text(
    "SELECT incoming_id FROM order_response WHERE order_id = :id AND state = 'held' ORDER BY id DESC LIMIT 1"
)


@dataclass(frozen=True)
class IncomingLine:
    """A document in a list; `number` is its own, `order_number` that of the order it is about."""

    id: int
    source: str
    file_name: str
    kind: str
    number: str | None
    state: str
    reason: Message | None
    recorded_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    note: str
    order_number: str | None
    provider: str | None


def listed(
    session: Session,
    *,
    states: tuple[str, ...] | None = ("held",),
    kind: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[IncomingLine]:
    """Documents, the latest first; `states` None: whatever became of them."""
    wanted = {"states": None if states is None else list(states), "kind": kind, "before": before, "limit": limit}
    rows = session.execute(_LISTED, wanted).mappings()
    return [
        IncomingLine(**{**row, "reason": None if row["reason"] is None else Message.from_json(row["reason"])})
        for row in rows
    ]


def shown(session: Session, document: int) -> tuple[IncomingDocument, str | None]:
    """A document, and the number of its order. Raises NotFound."""
    row = session.get(IncomingDocument, document, populate_existing=True)
    if row is None:
        raise _unknown(document)
    order = None if row.order_id is None else session.get_one(PurchaseOrder, row.order_id).number
    return row, order


def apply(session: Session, document: int, *, actor: str, reason: str = "", now: datetime) -> list[Message]:
    """Do what a held document says. Returns sentences about what could not be done even so.

    Raises NotFound, InputError where it does not wait, or waits for something else than a word.
    """
    row = _held(session, document)
    if row.kind == "invoice":
        raise _decided_elsewhere(document)
    if row.kind == "response":
        apply_held(session, _order_of(session, row), actor=actor, reason=reason, now=now)
        return []
    reports = [Report.from_json(one) for one in row.content.get("held", [])]
    taken = take_delivered(
        session,
        reports,
        told_by="form" if row.source == FORM else "csv",
        now=now,
        incoming_id=row.id,
        run_id=row.run_id,
        agreed=True,
    )
    left = [one.reason for one in taken if one.reason is not None]
    if left and len(left) == len(taken):
        raise InputError(left[0])
    _settle(row, "applied", actor, reason, now)
    audit.record(session, actor, "incoming.applied", f"incoming:{document}", now=now, reason=reason, reports=len(taken))
    return left


def discard(session: Session, document: int, *, actor: str, reason: str, now: datetime) -> None:
    """Let a held document be. Raises NotFound, InputError (no reason, does not wait, is an invoice)."""
    if not reason.strip():
        raise InputError("A note is needed: say why.")
    row = _held(session, document)
    if row.kind == "invoice":
        raise _decided_elsewhere(document)
    if row.kind == "response":
        discard_held(session, _order_of(session, row), actor=actor, reason=reason, now=now)
        return
    _settle(row, "discarded", actor, reason, now)
    audit.record(session, actor, "incoming.discarded", f"incoming:{document}", now=now, reason=reason)


def _settle(row: IncomingDocument, state: str, actor: str, reason: str, now: datetime) -> None:
    row.state, row.settled_at, row.settled_by, row.note = state, now, actor, reason
    row.content = {name: value for name, value in row.content.items() if name != "held"}


def _held(session: Session, document: int) -> IncomingDocument:
    row = session.get(IncomingDocument, document, with_for_update=True, populate_existing=True)
    if row is None:
        raise _unknown(document)
    if row.state != "held":
        raise InputError(
            "Document {id} does not wait for anybody: {state}.", id=document, state=settled_name(row.state)
        )
    return row


def _order_of(session: Session, row: IncomingDocument) -> str:
    """The number of the order whose latest answer that waits came with this document. Raises InputError where a later one waits."""
    waiting = session.execute(_WAITING, {"id": row.order_id}).scalar()
    number = session.get_one(PurchaseOrder, row.order_id).number
    if waiting != row.id:
        raise InputError("A later answer to {order} waits: decide on that first.", order=number)
    return number


def _unknown(document: int) -> NotFound:
    return NotFound(
        "There is no document {id}. Those there are: {command}", id=document, command="avain incoming list --all"
    )


def _decided_elsewhere(document: int) -> InputError:
    return InputError(
        "Document {id} is an invoice. Decide on it with: {command}",
        id=document,
        command=f"avain invoice show {document}",
    )
