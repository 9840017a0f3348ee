"""What the rows say that a budget is made of, and what a budget comes to: plain values.

Days are counted from 2000-01-01, stretches of them begin at `first` and end before `after`: PostgreSQL's dates go further than Python's. None
is no bound.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from core.budget_settings import Budgets

_BEGINNING: Final = date(2000, 1, 1)


class Days(NamedTuple):
    """A stretch of days."""

    first: int | None
    after: int | None

    def holds(self, day: int) -> bool:
        """Whether a day is one of them."""
        return (self.first is None or self.first <= day) and (self.after is None or day < self.after)


@dataclass(frozen=True)
class Tariff:
    """A price in force: a row, what cites it cites (`cited`), what one of it is, and when it holds. `extra` '': of the service itself."""

    row: int
    cited: int
    unit: str
    base_quantity: Decimal
    minimum_quantity: Decimal
    extra: str
    days: Days
    amount: Decimal
    vat_rate: Decimal
    inclusive: bool


@dataclass
class Item:
    """A planned service; `tariffs` are those of its provider, None while nobody is chosen. `covered`: days that live orders hold."""

    id: int
    service: str
    quantity: Decimal
    unit: str
    first: int
    after: int
    tariffs: tuple[Tariff, ...] | None
    covered: list[Days] = field(default_factory=list)


@dataclass(frozen=True)
class Billed:
    """What one invoice says of an order's line; a credit note's figures are negative. A quantity is not always said."""

    number: str
    net: Decimal
    gross: Decimal
    quantity: Decimal | None
    final: bool


@dataclass
class OrderedLine:
    """A line of an order. `live`: whether its order still covers the planned service. `delivered`: what the provider reports, one by one."""

    id: int
    item: int
    price: int
    extra: str
    first: int | None
    after: int | None
    quantity: Decimal
    unit: str
    amount: Decimal
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    live: bool = False
    bills: list[Billed] = field(default_factory=list)
    delivered: list[Decimal] = field(default_factory=list)


@dataclass
class Order:
    """An order of the decision, `after` its last day."""

    state: str
    after: int | None
    lines: list[OrderedLine] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """A line of a budget, as services/budgets keeps it; figures are None while it has no price."""

    item: int
    kind: str
    extra: str
    first: int | None
    after: int | None
    quantity: Decimal
    unit: str
    price: int | None
    order_line: int | None
    amount: Decimal | None
    net: Decimal | None
    vat: Decimal | None
    gross: Decimal | None
    invoices: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Figures:
    """What a budget comes to, in euros, and how that is judged. `free` is None while a part is not known."""

    ceiling: Decimal | None
    invoiced: Decimal
    delivered: Decimal
    ordered: Decimal
    planned: Decimal
    free: Decimal | None
    state: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Decided:
    """What a decision says of money and time. `goes_on`: whether its case does; `ended`: whether the decision was. `never`: it is valid on no day."""

    days: Days
    never: bool
    ended: bool
    goes_on: bool
    granted: Decimal | None
    decided_on: int | None
    service: int | None
    quantity: Decimal | None
    unit: str | None
    own_costs: tuple[Tariff, ...] = ()


@dataclass
class Kept:
    """A budget as it is kept, and everything it is made of. `figures` is None where no version is; `recorded_on` its local day.

    `froze` is what the decision said when the ceiling was fixed, `rests_on` the price it was fixed by.
    """

    id: int
    case: str
    decision: str
    decided: Decided
    ceiling: Decimal | None
    froze: dict[str, object] | None
    figures: Figures | None
    explained: bool
    recorded_on: int
    rests_on: Tariff | None = None
    rests_on_own: int | None = None
    items: list[Item] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)


@dataclass(frozen=True)
class Rule:
    """So many of an extra belong to each unit of a service; without a `service`: of every service that no other such rule names."""

    extra: str
    unit: str
    for_unit: str
    quantity: Decimal
    service: str | None


@dataclass(frozen=True)
class By:
    """What a budget is calculated by beside its rows: the day, the organisation's settings, and how finely units may be divided."""

    today: int
    near: Decimal
    tolerance: Decimal
    close_after: int
    rules: tuple[Rule, ...]
    steps: tuple[tuple[str, Decimal], ...]

    def step(self, unit: str) -> Decimal:
        """The smallest part of a unit."""
        return dict(self.steps).get(unit, Decimal("0.01"))

    def on(self, day: int) -> "By":
        """The same on another day."""
        return replace(self, today=day)


def by_settings(settings: Budgets, today: date, steps: dict[str, Decimal]) -> By:
    """What holds by the settings on a day."""
    rules = tuple(
        Rule(one.extra, one.unit, one.for_unit, one.quantity, service)
        for one in settings.extras
        for service in (*one.services, *(() if one.services else (None,)))
    )
    return By(
        day_number(today),
        settings.near_limit,
        settings.tolerance,
        settings.close_after_days,
        rules,
        tuple(sorted(steps.items())),
    )


def day_number(day: date) -> int:
    """How many days after 2000-01-01."""
    return (day - _BEGINNING).days
