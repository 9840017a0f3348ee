"""What approving would order, worked out and never stored: a draft is a question that the approval answers anew.

Worked out exactly as `approval` does it, budgets recomputed and documents written, and then taken back: nothing is held or written, no
number is taken.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import InputError, Message
from core.order_settings import Orders
from core.settings import Organisation
from services.budgets.recompute import recompute_now
from services.orders.approving import document
from services.orders.weighing import judging
from services.orders.weighing.bundles import Bundle, bundled
from services.orders.weighing.items import Item, Seller, decisions_of, load_items
from services.orders.weighing.ledger import Approving, By
from services.orders.weighing.limits import NO_BOUNDS, bounds
from services.orders.weighing.lines import Part, Share, load_parts
from services.orders.weighing.money import load_budgets, load_expected, total
from services.orders.weighing.periods import MONTHLY, ordered_on

#: Stands where the order's number and the client's reference will: both are known only when it is ordered.
PROVISIONAL_NUMBER = "T-{year}-000000"
PROVISIONAL_REFERENCE = "0000000000000000"


@dataclass(frozen=True)
class Draft:
    """An order that approving would make, or what stands against it (`refused`).

    `parts`: which days of which services, each with its shares; `month`: the first day of the month it is for, None for the whole
    service. `orders_on`: the day from which on it is ordered by itself, once approved; None: at once. `document`: the UBL bytes under a
    provisional number; None of a later month, or if it cannot be written.
    """

    items: tuple[Item, ...]
    parts: tuple[Part, ...]
    month: date | None
    orders_on: date | None
    document: bytes | None
    refused: Message | None

    @property
    def seller(self) -> Seller | None:
        """The chosen provider."""
        return self.items[0].seller

    @property
    def contract_number(self) -> str | None:
        """The contract it is ordered on."""
        return self.parts[0].contract_number if self.parts else None

    @property
    def period(self) -> "Range[date]":
        """[first day, day after the last) of all its services."""
        if not self.parts:
            return Range(min(item.first_day for item in self.items), max(item.day_after for item in self.items))
        return Range(min(part.first_day for part in self.parts), max(part.day_after for part in self.parts))

    @property
    def lines(self) -> tuple[tuple[Item, Share], ...]:
        """Its lines, in the order of the document."""
        return tuple((part.item, share) for part in self.parts for share in part.shares)

    @property
    def net(self) -> Decimal:
        """Euros without VAT."""
        return total(share.net for _, share in self.lines)

    @property
    def vat(self) -> Decimal:
        """Euros of VAT."""
        return total(share.vat for _, share in self.lines)

    @property
    def gross(self) -> Decimal:
        """Euros with VAT."""
        return total(share.gross for _, share in self.lines)


@dataclass(frozen=True)
class _Asked:
    """By whose rules drafts are worked out."""

    today: date
    settings: Orders
    organisation: Organisation


def propose(
    session: Session,
    plan_item_ids: Collection[int],
    *,
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
    approver: str = "",
    roles: Collection[str] | None = None,
    reason: str = "",
) -> list[Draft]:
    """The orders that approving the items would make, also those of months to come; an item nothing can be ordered of is a draft that
    says why. Items that do not exist are left out. `approver`, `roles`, `reason`: as for `approve`; without an approver limits are not
    looked at. Nothing is changed.
    """
    asked = list(dict.fromkeys(plan_item_ids))
    with session.begin_nested() as looking:
        recompute_now(session, decisions_of(session, asked), cause="order", now=now, settings=budgets)
        items = load_items(session, asked, order_period=settings.period)
        expected = load_expected(session, {item.budget_id for item in items})
        ledger = Approving(
            By(approver, reason, automatic=False),
            bounds(session, settings, approver, roles) if approver else NO_BOUNDS,
            settings,
            budgets,
            load_budgets(session, {item.budget_id for item in items}, expected.values()),
            expected,
        )
        against = {item.id: judging.objection(item, connections=settings.connections) for item in items}
        parts = load_parts(session, [item for item in items if against[item.id] is None], begun_by=None)
        looking.rollback()
    refused = [Draft((item,), (), None, None, None, against[item.id]) for item in items if against[item.id]]
    return [*_drafts(parts, ledger, _Asked(local_date(now), settings, organisation)), *refused]


def _drafts(parts: list[Part], ledger: Approving, asked: _Asked) -> Iterator[Draft]:
    wrong = {id(part): reason for part in parts if (reason := judging.part_objection(part))}
    for part in parts:
        if id(part) in wrong:
            yield _draft(Bundle((part.item,), (part,), part.month), asked, wrong[id(part)])
    for bundle in bundled(part for part in parts if id(part) not in wrong and part.shares):
        reason = ledger.objection(bundle)
        if reason is None:
            ledger.book(bundle)
        else:
            ledger.refuse(bundle, reason)
        yield _draft(bundle, asked, reason)


def _draft(bundle: Bundle, asked: _Asked, reason: Message | None) -> Draft:
    first = min(part.first_day for part in bundle.parts)
    on = ordered_on(Range(first, None), asked.settings.ahead_days) if bundle.items[0].order_period == MONTHLY else None
    if on is not None and on > asked.today:
        return Draft(bundle.items, bundle.parts, bundle.month, on, None, reason)
    content = None
    try:
        content = _document(bundle, asked) if all(part.shares and part.contract_id for part in bundle.parts) else None
    except InputError as error:
        reason = reason or error.message
    return Draft(bundle.items, bundle.parts, bundle.month, None, content, reason)


def _document(bundle: Bundle, asked: _Asked) -> bytes:
    number = PROVISIONAL_NUMBER.format(year=asked.today.year)
    return document.write(
        number, PROVISIONAL_REFERENCE, bundle.parts, issue_date=asked.today, organisation=asked.organisation
    ).content
