"""Storing orders in sets: numbers, documents, lines, coverage, Work and audit, a chunk of orders at a time.

Documents are written in memory before anything is: an order that cannot be written never takes a number. A chunk is one savepoint; only
where the database refuses one, its orders are stored one by one, so that a bad one takes neither its number nor the others with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message
from core.i18n import N_
from core.settings import Organisation
from models.base import table_of
from models.order import OrderCoverage, OrderLine, PurchaseOrder
from services import audit, numbers, work
from services.follow_ups import closing
from services.orders.approving import document
from services.orders.weighing.bundles import Bundle, Refused, refused
from services.orders.weighing.ledger import Ledger
from services.orders.weighing.money import total

IMPLAUSIBLE = N_("The figures of this order are more than can be true. Check the plan and the price list.")
MEANWHILE = N_("Somebody else ordered it at the same moment.")
#: Orders in one savepoint: enough that statements cost little beside documents, few enough that one bad order is soon found.
CHUNK = 500


@dataclass(frozen=True)
class Issue:
    """Who has orders made, when, and in whose name. `actor` is who the audit trail names: a person, or `avain` for a month that is due."""

    actor: str
    action: str
    now: datetime
    organisation: Organisation


@dataclass(frozen=True)
class _Written:
    """An order that has its document; its row has no id yet."""

    order: PurchaseOrder
    bundle: Bundle


def store(
    session: Session, bundles: Sequence[Bundle], ledger: Ledger, issue: Issue
) -> tuple[list[PurchaseOrder], list[Refused]]:
    """Store an order for each bundle that the ledger admits, and the Work that delivers it; the others are refused with their reason."""
    orders: list[PurchaseOrder] = []
    against: list[Refused] = []
    for chunk in _chunks(bundles, CHUNK):
        made, refusals = _chunk(session, chunk, ledger, issue)
        orders.extend(made)
        against.extend(refusals)
    return orders, against


def _chunks(bundles: Sequence[Bundle], size: int) -> Iterator[list[Bundle]]:
    rest = iter(bundles)
    while chunk := list(islice(rest, size)):
        yield chunk


def _chunk(
    session: Session, bundles: list[Bundle], ledger: Ledger, issue: Issue
) -> tuple[list[PurchaseOrder], list[Refused]]:
    """One savepoint for all; where it fails, one for each."""
    before = ledger.copy()
    try:
        with session.begin_nested():
            return _store(session, bundles, ledger, issue)
    except DataError:  # such as a price for millions of hours, which no base quantity in minutes can hold
        reason = Message(IMPLAUSIBLE)
    except IntegrityError as error:
        if "ex_order_coverage_live" not in str(error.orig):
            raise
        reason = Message(MEANWHILE)
    ledger.restore(before)
    if len(bundles) == 1:
        ledger.refuse(bundles[0], reason)
        return [], [refused(item, reason, bundles[0].month) for item in bundles[0].items]
    orders: list[PurchaseOrder] = []
    against: list[Refused] = []
    for bundle in bundles:
        made, refusals = _chunk(session, [bundle], ledger, issue)
        orders.extend(made)
        against.extend(refusals)
    return orders, against


def _store(
    session: Session, bundles: list[Bundle], ledger: Ledger, issue: Issue
) -> tuple[list[PurchaseOrder], list[Refused]]:
    """Write the documents, then everything that has one, each kind of row in one statement."""
    start = numbers.next_free(session, "T", local_date(issue.now).year)
    admitted: list[Bundle] = []
    written: list[_Written] = []
    against: list[Refused] = []
    for bundle in bundles:
        reason = ledger.objection(bundle)
        if reason is None and bundle.parts:
            try:
                written.append(_write(start.number(len(written)), bundle, ledger, issue))
            except InputError as error:
                reason = error.message
        if reason is None:
            ledger.book(bundle)
            admitted.append(bundle)
        else:
            ledger.refuse(bundle, reason)
            against.extend(refused(item, reason, bundle.month) for item in bundle.items)
    approvals = ledger.approve(session, admitted, issue.now)
    closing.decided(session, [item.id for bundle in admitted for item in bundle.items])
    numbers.take_range(session, "T", local_date(issue.now).year, len(written))
    for one in written:
        one.order.approval_id = approvals.get(one.bundle.items[0].id)
    session.add_all(one.order for one in written)
    session.flush()  # lines, coverage and Work carry the orders' ids
    _insert_rows(session, written)
    work.call_many(
        session,
        [work.Call("deliver_order", f"deliver_order:{one.order.number}", one.order.id) for one in written],
    )
    audit.record_many(session, [_event(one, issue) for one in written], now=issue.now)
    return [one.order for one in written], against


def _write(number: str, bundle: Bundle, ledger: Ledger, issue: Issue) -> _Written:
    """The order with its document. Raises InputError."""
    item, parts, today = bundle.items[0], bundle.parts, local_date(issue.now)
    if item.seller is None:
        raise InputError("No provider has been chosen yet.")
    reference = document.new_client_reference()
    stored = document.write(number, reference, parts, issue_date=today, organisation=issue.organisation)
    by = ledger.approval_of(bundle)
    shares = [share for part in parts for share in part.shares]
    order = PurchaseOrder(
        number=number,
        decision_id=item.decision_id,
        provider_id=item.seller.id,
        contract_id=parts[0].contract_id,
        period=Range(min(part.first_day for part in parts), max(part.day_after for part in parts)),
        issue_date=today,
        state="approved",
        channel=item.seller.channel,
        client_reference=reference,
        total_net=total(share.net for share in shares),
        total_vat=total(share.vat for share in shares),
        total_gross=total(share.gross for share in shares),
        document=stored.content,
        document_sha256=stored.sha256,
        chosen_by=item.chosen_by or "",
        approved_by=by.approver,
        approved_at=issue.now,
        approval_reason=by.reason,
        profile=item.seller.profile,
        automatic=by.automatic,
        replaces_id=max((part.replaces_id for part in parts if part.replaces_id), default=None),
    )
    return _Written(order, bundle)


def _insert_rows(session: Session, written: Sequence[_Written]) -> None:
    """The lines of the orders, and what they cover."""
    lines = [row for one in written for row in _lines(one)]
    coverage = [row for one in written for row in _coverage(one)]
    if lines:
        session.execute(table_of(OrderLine).insert(), lines)
        # a second order for the same days must fail inside this savepoint
        session.execute(table_of(OrderCoverage).insert(), coverage)


def _lines(one: _Written) -> Iterator[dict[str, object]]:
    shares = [(part.item, share) for part in one.bundle.parts for share in part.shares]
    for position, (item, share) in enumerate(shares, start=1):
        yield {
            "order_id": one.order.id,
            "line_number": position,
            "plan_item_id": item.id,
            "extra": share.extra,
            "price_id": share.price_id,
            "period": share.period,
            "quantity": share.quantity,
            "unit": share.unit,
            "amount": share.amount,
            "base_quantity": share.base_quantity,
            "vat_category": share.vat_category,
            "vat_rate": share.vat_rate,
            "net": share.net,
            "vat": share.vat,
            "gross": share.gross,
        }


def _coverage(one: _Written) -> Iterator[dict[str, object]]:
    for part in one.bundle.parts:
        yield {
            "order_id": one.order.id,
            "plan_item_id": part.item.id,
            "period": part.period,
            "live": True,
            "item_quantity": part.item.quantity,
            "item_unit": part.item.unit,
            "item_period": part.item.period,
            "service_id": part.item.service_id,
        }


def _event(one: _Written, issue: Issue) -> audit.Event:
    order = one.order
    return audit.Event(
        issue.actor,
        issue.action,
        f"order:{order.number}",
        order.approval_reason,
        {
            "decision": order.decision_id,
            "plan_items": [item.id for item in one.bundle.items],
            "gross": str(order.total_gross),
            "sha256": order.document_sha256,
            "automatic": order.automatic,
        },
    )
