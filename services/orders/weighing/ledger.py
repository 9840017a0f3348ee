"""Who may order what for how much, kept while many orders are made: what one order takes counts for the next on the same decision.

`Approving`: somebody decides now, within their limits. `Renewing`: the next months of what was approved before; nobody is asked again, as
long as it costs about what was approved and nothing but that approval's own reason is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, Self

from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import Message
from core.i18n import N_
from core.order_settings import Orders
from services.orders.weighing import limits, standing
from services.orders.weighing.bundles import Bundle
from services.orders.weighing.judging import UNPRICED, automatic_objection, over_objection
from services.orders.weighing.limits import Bounds
from services.orders.weighing.money import BudgetNow, Expected, total
from services.orders.weighing.periods import MONTHLY


@dataclass(frozen=True)
class By:
    """On whose word an order is made."""

    approver: str
    reason: str
    automatic: bool


class Ledger(Protocol):
    """What storing orders asks of whoever decides."""

    def objection(self, bundle: Bundle) -> Message | None:
        """Why a bundle is not ordered, or None."""

    def book(self, bundle: Bundle) -> None:
        """A bundle is ordered: it counts from now on."""

    def refuse(self, bundle: Bundle, reason: Message) -> None:
        """A bundle is not ordered, and nothing else of its items by this decision."""

    def approval_of(self, bundle: Bundle) -> By:
        """On whose word it is ordered."""

    def approve(self, session: Session, bundles: Sequence[Bundle], now: datetime) -> Mapping[int, int]:
        """Write down what may be ordered by the month from now on. Returns approvals by plan item."""

    def copy(self) -> Self:
        """As it is now."""

    def restore(self, before: Self) -> None:
        """As it was then."""


@dataclass
class Approving:
    """Somebody approves now. `figures` by budget, `expected` by plan item."""

    by: By
    bounds: Bounds
    settings: Orders
    budgets: Budgets
    figures: dict[int, BudgetNow]
    expected: Mapping[int, Expected]
    counted: set[int] = field(default_factory=set)
    against: dict[int, Message] = field(default_factory=dict)
    approvals: dict[int, int] = field(default_factory=dict)

    def objection(self, bundle: Bundle) -> Message | None:
        """All of a service ordered by the month counts with its first month: a limit is not passed by in slices."""
        known = [self.against[item.id] for item in bundle.items if item.id in self.against]
        if known:
            return known[0]
        if any(item.order_period == MONTHLY and item.id not in self.expected for item in bundle.items):
            return Message(UNPRICED)
        if all(item.id in self.counted for item in bundle.items):
            return None
        after = self.figures[bundle.items[0].budget_id].with_(self._amount(bundle))
        against = over_objection(after, reason=self.by.reason, budgets=self.budgets)
        if against is None and self.by.automatic:
            return automatic_objection(after.committed, self.settings)
        choosers = {item.chooser for item in bundle.items}
        return against or limits.objection(self.bounds, after.committed, approver=self.by.approver, choosers=choosers)

    def book(self, bundle: Bundle) -> None:
        """Counts what is new of it."""
        budget_id = bundle.items[0].budget_id
        self.figures[budget_id] = self.figures[budget_id].with_(self._amount(bundle))
        self.counted.update(item.id for item in bundle.items)

    def refuse(self, bundle: Bundle, reason: Message) -> None:
        """Its services are refused altogether."""
        self.against |= {item.id: reason for item in bundle.items}

    def approval_of(self, bundle: Bundle) -> By:  # noqa: ARG002 - of the protocol
        """Always the same one's."""
        return self.by

    def approve(self, session: Session, bundles: Sequence[Bundle], now: datetime) -> Mapping[int, int]:
        """Every service ordered by the month gets an approval of its own, once."""
        items = {item.id: item for bundle in bundles for item in bundle.items}
        wanted = [
            standing.Given(item, self.expected[item.id].gross)
            for item in items.values()
            if item.order_period == MONTHLY and item.id not in self.approvals
        ]
        by = self.by
        self.approvals |= standing.give(
            session, wanted, approver=by.approver, reason=by.reason, automatic=by.automatic, now=now
        )
        return self.approvals

    def copy(self) -> "Approving":
        """As it is now."""
        return Approving(
            self.by,
            self.bounds,
            self.settings,
            self.budgets,
            dict(self.figures),
            self.expected,
            set(self.counted),
            dict(self.against),
            dict(self.approvals),
        )

    def restore(self, before: "Approving") -> None:
        """As it was then."""
        self.figures, self.counted = before.figures, before.counted
        self.against, self.approvals = before.against, before.approvals

    def _amount(self, bundle: Bundle) -> Decimal:
        if bundle.items[0].order_period != MONTHLY:
            return bundle.gross
        return total(self.expected[item.id].gross for item in bundle.items if item.id not in self.counted)


@dataclass
class Renewing:
    """Months that are due of services approved before. `figures` count all that is approved; `spent`: what each had ordered already."""

    budgets: Budgets
    figures: Mapping[int, BudgetNow]
    expected: Mapping[int, Expected]
    spent: Mapping[int, Decimal]

    def objection(self, bundle: Bundle) -> Message | None:
        """A budget that went over needs a reason, and what has become dearer than what was approved is approved anew."""
        against = over_objection(
            self.figures[bundle.items[0].budget_id], reason=self.approval_of(bundle).reason, budgets=self.budgets
        )
        if against:
            return against
        for item in bundle.items:
            approved = item.standing.gross if item.standing else Decimal(0)
            now = self.spent.get(item.id, Decimal(0)) + (
                self.expected[item.id].gross if item.id in self.expected else Decimal(0)
            )
            if now > approved * (1 + self.budgets.tolerance):
                return Message(
                    N_("It comes to {euros} now, but {of_euros} were approved. Approve it anew."),
                    euros=str(now),
                    of_euros=str(approved),
                )
        return None

    def book(self, bundle: Bundle) -> None:
        """Counted already."""

    def refuse(self, bundle: Bundle, reason: Message) -> None:
        """Other months are judged by themselves."""

    def approval_of(self, bundle: Bundle) -> By:
        """Theirs who approved the months."""
        given = bundle.items[0].standing
        if given is None:
            raise ValueError(bundle.items[0].reference)
        return By(given.approved_by, given.reason, given.automatic)

    def approve(self, session: Session, bundles: Sequence[Bundle], now: datetime) -> Mapping[int, int]:  # noqa: ARG002 - of the protocol
        """They are approved."""
        return {item.id: item.standing.id for bundle in bundles for item in bundle.items if item.standing}

    def copy(self) -> "Renewing":
        """Nothing of it changes."""
        return self

    def restore(self, before: "Renewing") -> None:
        """Nothing of it changed."""
