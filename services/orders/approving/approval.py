"""Approving chosen services: decided, written, checked and stored in one transaction, together with the Work that delivers.

The items are held first, so that nobody chooses, changes or orders them any more; then their budgets are held and recomputed, so
what is decided is decided on today's figures. `ex_order_coverage_live` forbids a second order even to code that forgot to hold. Any
number of services is one run: rows are read and written in sets (storing.py), documents made in memory.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import Message
from core.faults import fault_point
from core.i18n import N_
from core.order_settings import Orders
from core.settings import Organisation
from models.order import PurchaseOrder
from services import audit
from services.budgets import dirty
from services.budgets.recompute import recompute_now
from services.orders.approving import storing
from services.orders.weighing.bundles import Bundle, Refused, bundled, refused
from services.orders.weighing.items import Item, decisions_of, hold, load_items
from services.orders.weighing.judging import objection, part_objection
from services.orders.weighing.ledger import Approving, By
from services.orders.weighing.limits import bounds
from services.orders.weighing.lines import load_parts
from services.orders.weighing.money import load_budgets, load_expected
from services.orders.weighing.periods import MONTHLY

__all__ = ["Approved", "Refused", "approve"]


@dataclass(frozen=True)
class Approved:
    """What became of an approval: the orders stored, and each item refused. Every item asked for is in one of them, or, where it is ordered
    by the month and no month is due yet, in `later`: approved, and ordered when the time comes.
    """

    orders: tuple[PurchaseOrder, ...]
    refused: tuple[Refused, ...]
    later: tuple[Item, ...] = ()


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
    roles: Collection[str] | None = None,
    automatic: bool = False,
) -> Approved:
    """Order what can be ordered of the items; the rest is refused with its reason. Nothing is committed here.

    One order per decision, provider, contract and order period: the whole of its items, or each month that begins within `ahead_days`.
    Services ordered by the month are approved for good: `generating` orders their later months. Each order gets its number, its
    immutable document and a Work `deliver_order` under the key `deliver_order:<number>`. `roles`: the approver's, None: looked up.
    `automatic`: no person looked at it.
    """
    asked = list(dict.fromkeys(plan_item_ids))
    # before anything is read of them: a choice made after the recomputation would be billed at the old price
    hold(session, asked)
    recompute_now(session, decisions_of(session, asked), cause="order", now=now, settings=budgets)
    items = load_items(session, asked, order_period=settings.period)
    assembled = assemble(session, items, settings, due_by=due_by(now, settings), automatic=automatic)
    expected = load_expected(session, {item.budget_id for item in items})
    ledger = Approving(
        By(approver, reason, automatic),
        bounds(session, settings, approver, roles),
        settings,
        budgets,
        load_budgets(session, {item.budget_id for item in items}, expected.values()),
        expected,
    )
    issue = storing.Issue(approver, "order.approved", now, organisation)
    orders, against = storing.store(session, assembled.bundles, ledger, issue)
    out = [*(_unknown(missing) for missing in set(asked) - {item.id for item in items}), *assembled.refused, *against]
    later = _later(assembled.bundles, out)
    _record_later(session, later, ledger.by, now)
    dirty.mark_orders(session, [order.id for order in orders])
    fault_point("orders.stored")
    return Approved(tuple(orders), tuple(_once(out)), tuple(later))


@dataclass(frozen=True)
class Assembled:
    """The orders that items would make, and the items nothing can be ordered of."""

    bundles: list[Bundle]
    refused: list[Refused]


def due_by(now: datetime, settings: Orders) -> date:
    """Months that begin by this day are ordered now."""
    return local_date(now) + timedelta(days=settings.ahead_days)


def assemble(session: Session, items: Sequence[Item], settings: Orders, *, due_by: date, automatic: bool) -> Assembled:
    """The orders that items make, each judged by itself: an item of which one part cannot be ordered is refused altogether."""
    against: dict[int, Refused] = {}
    for item in items:
        _note(against, item, objection(item, connections=settings.connections, automatic=automatic))
    parts = load_parts(session, [item for item in items if item.id not in against], begun_by=due_by)
    for part in parts:
        _note(against, part.item, part_objection(part))
    good = [part for part in parts if part.item.id not in against and part.shares]
    due = {part.item.id for part in good}
    waiting = [item for item in items if item.id not in against | dict.fromkeys(due) and item.order_period == MONTHLY]
    return Assembled([*bundled(good), *(Bundle((item,), ()) for item in waiting)], list(against.values()))


def _note(against: dict[int, Refused], item: Item, reason: Message | None) -> None:
    if reason is not None:
        against.setdefault(item.id, refused(item, reason))


def _later(bundles: Sequence[Bundle], out: Sequence[Refused]) -> list[Item]:
    gone = {one.plan_item_id for one in out}
    return [bundle.items[0] for bundle in bundles if not bundle.parts and bundle.items[0].id not in gone]


def _record_later(session: Session, items: Sequence[Item], by: By, now: datetime) -> None:
    """An approval without an order yet is a human act of its own."""
    events = [
        audit.Event(
            by.approver,
            "order.months_approved",
            f"case:{item.case_number}",
            by.reason,
            {"plan_item": item.id, "automatic": by.automatic},
        )
        for item in items
    ]
    audit.record_many(session, events, now=now)


def _once(out: Sequence[Refused]) -> list[Refused]:
    """The first reason against each item: one of several months may have been refused more than once."""
    return list({(one.plan_item_id, one.item): one for one in reversed(out)}.values())[::-1]


def _unknown(plan_item_id: int) -> Refused:
    return Refused(plan_item_id, str(plan_item_id), Message(N_("There is no such planned service.")))
