"""An independent budget calculator: DESIGN.md "Budgets" in plain Python, day by day, with exact fractions.

It shares no code with services/ or core/: where it and the SQL agree, two readings of the rules agree.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

STEPS = {"C62": Fraction(1), "HUR": Fraction(1, 4)}


@dataclass(frozen=True)
class Tariff:
    """A price in force on the days from `first` to `last` (None: without end)."""

    name: int
    unit: str
    amount: Decimal
    first: date
    last: date | None = None
    base_quantity: Decimal = Decimal(1)
    minimum_quantity: Decimal = Decimal(0)
    vat_rate: Decimal = Decimal(0)
    inclusive: bool = False

    def holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Ordered:
    """Days of an item that were ordered, for so much; in what state the order is."""

    first: date
    last: date
    gross: Decimal
    state: str  # live, closed, rejected


@dataclass(frozen=True)
class Item:
    """A planned service; `tariffs` are those of the chosen provider, None while nobody is chosen."""

    quantity: Decimal
    unit: str
    first: date
    last: date
    tariffs: tuple[Tariff, ...] | None
    orders: tuple[Ordered, ...] = ()
    ended: bool = False


@dataclass(frozen=True)
class Granted:
    """What a decision says."""

    decided_on: date | None
    amount: Decimal | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    references: tuple[Tariff, ...] = ()


@dataclass(frozen=True)
class Share:
    """A run of days at one price (None: none is in force); `figures` are net, VAT, gross."""

    item: int
    first: date
    last: date
    quantity: Fraction
    tariff: int | None
    figures: tuple[Fraction, Fraction, Fraction] | None


@dataclass
class Answer:
    """The budget as it should be."""

    ceiling: Fraction | None
    ordered: Fraction = Fraction(0)
    planned: Fraction = Fraction(0)
    free: Fraction | None = None
    state: str = ""
    shares: list[Share] = field(default_factory=list)


def cents(value: Fraction) -> Fraction:
    return Fraction(floor(value * 100 + Fraction(1, 2)), 100)


def quantity_of_first(days: int, item: Item) -> Fraction:
    length = (item.last - item.first).days + 1
    whole = Fraction(item.quantity)
    if days >= length:
        return whole
    step = STEPS.get(item.unit, Fraction(1, 100))
    return min(whole, floor(whole * days / length / step + Fraction(1, 2)) * step)


def priced(quantity: Fraction, tariff: Tariff) -> tuple[Fraction, Fraction, Fraction]:
    figure = cents(quantity * Fraction(tariff.amount) / Fraction(tariff.base_quantity))
    rate = Fraction(tariff.vat_rate)
    if tariff.inclusive:
        net = cents(figure / (1 + rate))
        return net, figure - net, figure
    vat = cents(figure * rate)
    return figure, vat, figure + vat


def best(tariffs: tuple[Tariff, ...], unit: str, quantity: Decimal, day: date) -> Tariff | None:
    fitting = [one for one in tariffs if one.unit == unit and one.minimum_quantity <= quantity and one.holds(day)]
    fitting.sort(key=lambda one: (-one.minimum_quantity, one.base_quantity, one.name))
    return fitting[0] if fitting else None


def shares_of(number: int, item: Item) -> list[Share]:
    runs: list[tuple[date, date, Tariff | None]] = []
    day = item.first
    while day <= item.last:
        if not any(order.first <= day <= order.last for order in item.orders if order.state != "rejected"):
            tariff = None if item.tariffs is None else best(item.tariffs, item.unit, item.quantity, day)
            if runs and runs[-1][1] == day - timedelta(days=1) and runs[-1][2] == tariff:
                runs[-1] = (runs[-1][0], day, tariff)
            else:
                runs.append((day, day, tariff))
        day += timedelta(days=1)
    found = []
    for first, last, tariff in runs:
        quantity = quantity_of_first((last - item.first).days + 1, item) - quantity_of_first(
            (first - item.first).days, item
        )
        if quantity:
            figures = None if tariff is None else priced(quantity, tariff)
            found.append(Share(number, first, last, quantity, None if tariff is None else tariff.name, figures))
    return found


def ceiling_of(granted: Granted) -> Fraction | None:
    if granted.amount is not None:
        return Fraction(granted.amount)
    if granted.quantity is None or granted.unit is None or granted.decided_on is None:
        return None
    tariff = best(granted.references, granted.unit, granted.quantity, granted.decided_on)
    return None if tariff is None else priced(Fraction(granted.quantity), tariff)[2]


def calculate(granted: Granted, items: list[Item], *, near: Decimal, tolerance: Decimal) -> Answer:
    answer = Answer(ceiling_of(granted))
    for number, item in enumerate(items):
        answer.ordered += sum(Fraction(order.gross) for order in item.orders if order.state == "live")
        if not item.ended:
            answer.shares += shares_of(number, item)
    answer.planned = sum((share.figures[2] for share in answer.shares if share.figures), Fraction(0))
    if answer.ceiling is None or any(share.figures is None for share in answer.shares):
        answer.state = "unpriced"
        return answer
    used = answer.ordered + answer.planned
    answer.free = answer.ceiling - used
    if used <= answer.ceiling * Fraction(near):
        answer.state = "ok"
    elif used <= answer.ceiling:
        answer.state = "near"
    elif used <= answer.ceiling * (1 + Fraction(tolerance)):
        answer.state = "within_tolerance"
    else:
        answer.state = "over"
    return answer
