"""What is said about a budget: by its decision, the plan, price lists, orders, invoices, deliveries and the settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Tariff:
    """A price in force on the days from `first` to `last` (None: without end). `name` rises in the order prices came in."""

    name: int
    unit: str
    amount: Decimal
    first: date
    last: date | None = None
    base_quantity: Decimal = Decimal(1)
    minimum_quantity: Decimal = Decimal(0)
    vat_rate: Decimal = Decimal(0)
    inclusive: bool = False
    extra: str = ""
    time_class: str = "weekday"
    territory: str = ""

    def holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass
class Item:
    """A planned service; `tariffs` are those of the chosen provider for it, None while nobody is chosen."""

    name: int
    service: str
    quantity: Decimal
    unit: str
    first: date
    last: date
    tariffs: Sequence[Tariff] | None = None
    ended: bool = False


@dataclass(frozen=True)
class OrderLine:
    """What is ordered of an item, or what comes beside it."""

    name: int
    item: int
    first: date
    last: date
    quantity: Decimal
    unit: str
    vat_rate: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal
    extra: str = ""


@dataclass
class Covered:
    """The days of an item an order binds, while it is live."""

    name: int
    item: int
    first: date
    last: date
    live: bool = True


@dataclass
class Order:
    """A purchase order until its `last` day."""

    name: int
    last: date
    lines: tuple[OrderLine, ...]
    covers: tuple[Covered, ...]
    state: str = "sent"


@dataclass(frozen=True)
class Entry:
    """What a bill says of a line of an order; a quantity is not always said."""

    line: int
    net: Decimal
    vat: Decimal
    gross: Decimal
    quantity: Decimal | None = None


@dataclass(frozen=True)
class Bill:
    """An invoice, or a credit note that takes back."""

    entries: tuple[Entry, ...]
    credit: bool = False
    final: bool = False


@dataclass
class Report:
    """What a provider says to have delivered of an order's line, until it corrects itself."""

    name: int
    line: int
    quantity: Decimal
    in_force: bool = True


@dataclass
class Decided:
    """A decision, and all that hangs on it. `first` and `last` bound its validity; None is no bound."""

    name: int
    decided_on: date | None = None
    first: date | None = None
    last: date | None = None
    ended: bool = False
    granted: Decimal | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    references: Sequence[Tariff] = ()
    items: list[Item] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Rule:
    """So many of an extra belong to each unit of a service; `services` empty: of every service no other rule names."""

    extra: str
    unit: str
    for_unit: str
    quantity: Decimal
    services: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Limits:
    """The organisation's settings. `steps`: how finely a unit may be divided."""

    near: Decimal
    tolerance: Decimal
    close_after: int = 90
    rules: tuple[Rule, ...] = ()
    steps: tuple[tuple[str, Decimal], ...] = (
        ("C62", Decimal(1)),
        ("HUR", Decimal("0.25")),
        ("DAY", Decimal(1)),
        ("WEE", Decimal("0.25")),
        ("MON", Decimal("0.25")),
        ("LS", Decimal(1)),
        ("KMT", Decimal(1)),
    )

    def step(self, unit: str) -> Decimal:
        return dict(self.steps).get(unit, Decimal("0.01"))
