"""Approving chosen services: decided, written, checked and stored in one transaction, together with the Work that delivers.

The items are held first, so that nobody chooses, changes or orders them any more; then their budgets are held and recomputed, so
what is decided is decided on today's figures. `ex_order_coverage_live` forbids a second order even to code that forgot to hold. Each
order is stored in a savepoint: one that cannot be written takes neither its number nor the others with it.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import InputError, Message
from core.faults import fault_point
from core.i18n import N_
from core.money import ZERO
from core.settings import Orders, Organisation
from models.order import OrderCoverage, OrderLine, PurchaseOrder
from services import audit, numbers, work
from services.budgets import dirty
from services.budgets.recompute import recompute_now
from services.orders import document
from services.orders.items import Item, decisions_of, hold, load_items
from services.orders.judging import money_objection, objection
from services.orders.lines import BudgetNow, Share, load_budgets, load_gaps, load_shares

IMPLAUSIBLE = N_("The figures of this order are more than can be true. Check the plan and the price list.")


@dataclass(frozen=True)
class Refused:
    """An item that was not ordered, under the name people know it by, and why. No id: a name that stands for none."""

    plan_item_id: int | None
    item: str
    reason: Message


@dataclass(frozen=True)
class Approved:
    """What became of an approval: the orders stored, and each item refused. Every item asked for is in one of them."""

    orders: tuple[PurchaseOrder, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True)
class _Act:
    """Who approves, why, when, and by whose rules."""

    approver: str
    reason: str
    now: datetime
    settings: Orders
    organisation: Organisation
    budgets: Budgets
    automatic: bool


def approve(
    session: Session,
    plan_item_ids: Collection[int],
    *,
    approver: str,
    reason: str,
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
    automatic: bool = False,
) -> Approved:
    """Order what can be ordered of the items; the rest is refused with its reason. Nothing is committed here.

    One order per decision, provider and contract, over the whole period of its items. Each order gets its number, its immutable
    document and a Work `deliver_order` under the key `deliver_order:<number>`. `automatic`: no person looked at it.
    """
    act = _Act(approver, reason, now, settings, organisation, budgets, automatic)
    asked = list(dict.fromkeys(plan_item_ids))
    # before anything is read of them: a choice made after the recomputation would be billed at the old price
    hold(session, asked)
    recompute_now(session, decisions_of(session, asked), cause="order", now=now, settings=budgets)
    items = load_items(session, asked)
    shares, gaps = load_shares(session, asked), load_gaps(session, asked)
    figures = load_budgets(session, {item.budget_id for item in items})
    refused = [_unknown(missing) for missing in set(asked) - {item.id for item in items}]
    orderable: dict[tuple[int, int, int], list[Item]] = defaultdict(list)
    for item in items:
        against = objection(item, shares[item.id], gaps.get(item.id), automatic=automatic)
        if against or item.seller is None or item.contract_id is None:
            refused.append(Refused(item.id, item.reference, against or Message(N_("No provider has been chosen yet."))))
        else:
            orderable[item.decision_id, item.seller.id, item.contract_id].append(item)
    orders: list[PurchaseOrder] = []
    for together in orderable.values():
        ordered = [(item, share) for item in together for share in shares[item.id]]
        budget_id = together[0].budget_id
        outcome = _order(session, together, ordered, figures[budget_id], act)
        if isinstance(outcome, Message):
            refused.extend(Refused(item.id, item.reference, outcome) for item in together)
        else:
            orders.append(outcome)
            spent = figures[budget_id]
            figures[budget_id] = replace(spent, committed=spent.committed + outcome.total_gross)
    dirty.mark_orders(session, [order.id for order in orders])
    fault_point("orders.stored")
    return Approved(tuple(orders), tuple(refused))


def _order(
    session: Session,
    items: list[Item],
    ordered: list[tuple[Item, Share]],
    budget: BudgetNow,
    act: _Act,
) -> PurchaseOrder | Message:
    """Store one order, or say what stands against it; then nothing of it remains."""
    gross = sum((share.gross for _, share in ordered), ZERO)
    against = money_objection(
        items,
        gross,
        budget,
        approver=act.approver,
        reason=act.reason,
        budgets=act.budgets,
        orders=act.settings,
    )
    if against:
        return against
    try:
        with session.begin_nested():
            return _store(session, items, ordered, act)
    except InputError as error:
        return error.message
    except DataError:  # such as a price for millions of hours, which no base quantity in minutes can hold
        return Message(IMPLAUSIBLE)
    except IntegrityError as error:
        if "ex_order_coverage_live" in str(error.orig):
            return Message(N_("Somebody else ordered it at the same moment."))
        raise


def _store(session: Session, items: list[Item], ordered: list[tuple[Item, Share]], act: _Act) -> PurchaseOrder:
    """Write the order, its lines, what it covers, the Work that delivers it and who approved it."""
    item, seller, today = items[0], items[0].seller, local_date(act.now)
    if seller is None:
        raise InputError("No provider has been chosen yet.")
    (number,) = numbers.take(session, "T", today.year)
    reference = document.new_client_reference()
    stored = document.write(number, reference, ordered, issue_date=today, organisation=act.organisation)
    order = PurchaseOrder(
        number=number,
        decision_id=item.decision_id,
        provider_id=seller.id,
        contract_id=item.contract_id,
        period=Range(min(one.first_day for one in items), max(one.day_after for one in items)),
        issue_date=today,
        state="approved",
        channel=seller.channel,
        client_reference=reference,
        total_net=sum((share.net for _, share in ordered), ZERO),
        total_vat=sum((share.vat for _, share in ordered), ZERO),
        total_gross=sum((share.gross for _, share in ordered), ZERO),
        document=stored.content,
        document_sha256=stored.sha256,
        chosen_by=item.chosen_by or "",
        approved_by=act.approver,
        approved_at=act.now,
        approval_reason=act.reason,
    )
    session.add(order)
    session.flush()  # its lines, coverage and Work carry its id
    session.add_all(_lines(order.id, ordered))
    session.add_all(
        OrderCoverage(order_id=order.id, plan_item_id=one.id, period=one.period, live=True) for one in items
    )
    session.flush()  # a second order for the same days must fail inside this savepoint
    work.call(session, "deliver_order", f"deliver_order:{number}", subject_id=order.id)
    audit.record(
        session,
        act.approver,
        "order.approved",
        f"order:{number}",
        now=act.now,
        reason=act.reason,
        decision=item.decision_id,
        plan_items=[one.id for one in items],
        gross=str(order.total_gross),
        sha256=stored.sha256,
        automatic=act.automatic,
    )
    return order


def _lines(order_id: int, ordered: list[tuple[Item, Share]]) -> list[OrderLine]:
    return [
        OrderLine(
            order_id=order_id,
            line_number=position,
            plan_item_id=item.id,
            extra=share.extra,
            price_id=share.price_id,
            period=share.period,
            quantity=share.quantity,
            unit=share.unit,
            amount=share.amount,
            base_quantity=share.base_quantity,
            vat_category=share.vat_category,
            vat_rate=share.vat_rate,
            net=share.net,
            vat=share.vat,
            gross=share.gross,
        )
        for position, (item, share) in enumerate(ordered, start=1)
    ]


def _unknown(plan_item_id: int) -> Refused:
    return Refused(plan_item_id, str(plan_item_id), Message(N_("There is no such planned service.")))
