"""What is planned: each day of an item asked whether it is ordered, whether the decision holds on it, and what it costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

from tests.support.budget_oracle.prices import factor, figures, ranked
from tests.support.budget_oracle.said import Decided, Item, Limits, Rule, Tariff

Figures = tuple[Fraction, Fraction, Fraction]
#: Days one after another at the same price, or without one.
Run = tuple[date, date, Tariff | None]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """A line of a budget: `figures` are net, VAT, gross, None while it has none. `price` names a tariff, `order_line` an order's line."""

    kind: str
    item: int
    first: date
    last: date
    quantity: Fraction
    unit: str
    figures: Figures | None
    extra: str = ""
    price: int | None = None
    order_line: int | None = None
    reason: str | None = None

    @property
    def gross(self) -> Fraction:
        return self.figures[2] if self.figures else Fraction(0)


def quantity_of_first(days: int, item: Item, step: Decimal) -> Fraction:
    """How much of an item falls on its first days: in whole steps, on the last day all of it."""
    length = (item.last - item.first).days + 1
    whole = Fraction(item.quantity)
    if days >= length:
        return whole
    each = Fraction(step)
    return min(whole, floor(whole * days / length / each + Fraction(1, 2)) * each)


def quantity_between(item: Item, first: date, last: date, step: Decimal) -> Fraction:
    until = quantity_of_first((last - item.first).days + 1, item, step)
    return until - quantity_of_first((first - item.first).days, item, step)


def planned_lines(decided: Decided, item: Item, limits: Limits) -> Iterator[Line]:
    """The shares of one item and of what is charged beside it."""
    covers = [one for order in decided.orders for one in order.covers if one.item == item.name and one.live]
    length = (item.last - item.first).days + 1
    days = [item.first + number * _DAY for number in range(length)]
    planned = [day for day in days if not any(one.first <= day <= one.last for one in covers)]
    inside = [day for day in planned if decided.holds(day)]
    step = limits.step(item.unit)

    outside = [day for day in planned if not decided.holds(day)]
    for first, last, _ in _runs(outside, lambda _: None):
        quantity = quantity_between(item, first, last, step)
        if quantity:
            yield Line("unpriced", item.name, first, last, quantity, item.unit, None, reason="OUTSIDE_DECISION")

    best = ranked(item.tariffs or (), item.unit, Fraction(item.quantity))
    for first, last, tariff in _runs(inside, lambda day: _first_that_holds(best, day)):
        quantity = quantity_between(item, first, last, step)
        if quantity:
            yield _share(item, (first, last, tariff), quantity, item.unit, missing=_why_unpriced(item, first, last))
    if item.tariffs is not None:
        for rule in _rules_of(item, limits):
            yield from _extra_lines(item, rule, inside, step)


def _extra_lines(item: Item, rule: Rule, inside: list[date], step: Decimal) -> Iterator[Line]:
    much = Fraction(rule.quantity)
    best = ranked(item.tariffs or (), rule.unit, Fraction(item.quantity) * much, rule.extra)
    if not any(one.holds(day) for one in best for day in inside):
        return  # this provider does not charge for it
    for first, last, tariff in _runs(inside, lambda day: _first_that_holds(best, day)):
        quantity = quantity_between(item, first, last, step) * much
        if quantity:  # figured exactly, kept as its column can
            yield _share(item, (first, last, tariff), quantity, rule.unit, extra=rule.extra, missing="NO_EXTRA_PRICE")


def _share(item: Item, run: Run, quantity: Fraction, unit: str, *, missing: str, extra: str = "") -> Line:
    first, last, tariff = run
    if tariff is None:
        return Line("unpriced", item.name, first, last, quantity, unit, None, extra, reason=missing)
    amounts = figures(quantity, unit, tariff)
    if amounts is None:
        return Line(
            "unpriced", item.name, first, last, quantity, unit, None, extra, tariff.name, reason="IMPLAUSIBLE_SHARE"
        )
    return Line("planned", item.name, first, last, quantity, unit, amounts, extra, tariff.name)


def _rules_of(item: Item, limits: Limits) -> list[Rule]:
    """Those for the item's unit; one that names the service replaces the one for all."""
    fitting: dict[tuple[str, str], Rule] = {}
    for rule in sorted(limits.rules, key=lambda one: bool(one.services)):
        if rule.for_unit == item.unit and (not rule.services or item.service in rule.services):
            fitting[rule.extra, rule.unit] = rule
    return list(fitting.values())


def _why_unpriced(item: Item, first: date, last: date) -> str:
    if item.tariffs is None:
        return "NO_PROVIDER"
    units = {
        one.unit
        for one in item.tariffs
        if not one.extra and one.first <= last and (one.last is None or first <= one.last)
    }
    if units and all(factor(unit, item.unit) is None for unit in units):
        return "OTHER_UNIT"
    return "NO_PRICE"


def _first_that_holds(best: list[Tariff], day: date) -> Tariff | None:
    for one in best:
        if one.holds(day):
            return one
    return None


def _runs(days: list[date], tariff_of: Callable[[date], Tariff | None]) -> Iterator[Run]:
    """Days one after another at the same price."""
    run: Run | None = None
    for day in days:
        tariff = tariff_of(day)
        if run is not None and run[1] + _DAY == day and run[2] is tariff:
            run = run[0], day, tariff
        else:
            if run is not None:
                yield run
            run = day, day, tariff
    if run is not None:
        yield run
