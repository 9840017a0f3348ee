"""A person's word on an invoice that waits: which order and lines it bills, that it is taken all the same, or that it is let rest. Audited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.settings import Settings
from models.answer import IncomingDocument
from services import audit
from services.invoices import listing, reading
from services.invoices.taking import Outcome, holds_of, judge

#: What a person may take a document in spite of. What else speaks against it must be put right: by saying what it bills (`assign`), or by the
#: seller, with another document.
ACCEPTABLE: Final = frozenset({"over_price", "order_state", "buyer", "paid"})
#: What saying which order and lines it bills can put right.
ASSIGNABLE: Final = frozenset({"unknown", "lines", "seller", "credit", "over_price", "order_state"})


def assign(
    session: Session,
    document: int,
    order: str | None,
    lines: Mapping[int, tuple[str, int]],
    *,
    actor: str,
    reason: str = "",
    now: datetime,
    settings: Settings,
    final: bool = False,
) -> Outcome:
    """Say which order a document bills, and perhaps which line of which order each of its lines does. Then it is judged anew.

    With neither it is only judged anew: the provider, the order or the credited invoice may have become known. `final`: no other invoice
    will come for the order. Raises NotFound, InputError.
    """
    incoming = held(session, document)
    known = {one["number"] for one in incoming.content["invoice"]["lines"]}
    strange = sorted(lines.keys() - known)
    if strange:
        raise NotFound("The invoice has no line {line}.", line=strange[0])
    said = {"order": order, "lines": {str(line): list(place) for line, place in sorted(lines.items())}}
    if order or lines:
        incoming.content = {**incoming.content, "assigned": said}
    outcome = judge(session, incoming, now=now, settings=settings, final=final)
    _settled(incoming, outcome, actor, reason, now)
    audit.record(
        session, actor, "invoice.assigned", f"invoice:{document}", now=now, reason=reason, state=outcome.state, **said
    )
    return outcome


def accept(
    session: Session,
    document: int,
    *,
    actor: str,
    reason: str,
    now: datetime,
    settings: Settings,
    final: bool = False,
    seen: str | None = None,
) -> Outcome:
    """Take a document in spite of what was shown to speak against it, and of that alone: if something else does now, it goes on waiting.

    `seen`: what the page said of it (services/invoices/listing.py). Raises NotFound, or InputError without a reason, where something else
    speaks against it meanwhile, or where no person may overrule it.
    """
    if not reason.strip():
        raise InputError("A note is needed: say why.")
    incoming = held(session, document)
    if seen is not None and seen != listing.seen(incoming):
        raise InputError("Something else speaks against it now. Look at it again.")
    shown = holds_of(incoming)
    firm = next((one for one in shown if one.code not in ACCEPTABLE), None)
    if firm is not None:
        raise InputError(
            "Invoice {number} cannot be accepted as it is: {reason}", number=incoming.number, reason=firm.reason
        )
    outcome = judge(session, incoming, now=now, settings=settings, accepted=shown, final=final)
    _settled(incoming, outcome, actor, reason, now)
    audit.record(
        session, actor, "invoice.accepted", f"invoice:{document}", now=now, reason=reason, state=outcome.state,
        against=[one.code for one in shown], final=final,
    )  # fmt: skip
    return outcome


def discard(session: Session, document: int, *, actor: str, reason: str, now: datetime) -> None:
    """Let a document rest: nothing of it counts, and its number is free again. Raises NotFound, InputError without a reason."""
    if not reason.strip():
        raise InputError("A note is needed: say why.")
    incoming = held(session, document)
    incoming.state, incoming.settled_at, incoming.settled_by, incoming.note = "discarded", now, actor, reason
    incoming.content = {name: incoming.content[name] for name in ("fingerprint", "orders") if name in incoming.content}
    audit.record(session, actor, "invoice.discarded", f"invoice:{document}", now=now, reason=reason)


def held(session: Session, document: int) -> IncomingDocument:
    """A document that waits, locked until the transaction ends. Raises NotFound, or InputError for one that is settled."""
    incoming = session.get(IncomingDocument, document)
    if incoming is None or incoming.kind != "invoice":
        raise NotFound("There is no invoice {id} here.", id=document)
    reading.seller(
        session, incoming.sender
    )  # first, as whoever takes invoices in does: or each would wait for the other
    session.refresh(incoming, with_for_update=True)
    if incoming.state != "held":
        raise InputError("Invoice {number} does not wait for anybody.", number=incoming.number)
    return incoming


def _settled(incoming: IncomingDocument, outcome: Outcome, actor: str, reason: str, now: datetime) -> None:
    if outcome.state == "applied":
        incoming.settled_at, incoming.settled_by, incoming.note = now, actor, reason
