"""What is still planned: the days of a planned service that no live order holds, each at the price that holds on it.

Days are cut wherever anything begins or ends, so that on the days of one stretch everything stays as it is; neighbours of which the same is to be
said are one line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from services.consistency.figures.pricing import best_first, cost
from services.consistency.figures.said import By, Decided, Item, Line, Rule, Tariff

#: What a line's quantity can hold.
_MOST: Final = Decimal("99999999.9999")
_KEPT: Final = Decimal("0.0001")


class _Stretch(NamedTuple):
    """Days at one price, or at none; whether the decision grants them."""

    first: int
    after: int
    granted: bool
    tariff: Tariff | None


@dataclass(frozen=True)
class _Wanted:
    """What is to be priced: the service itself, or `times` an extra of it for each unit planned."""

    unit: str
    extra: str = ""
    times: Decimal = Decimal(1)


def planned_lines(decided: Decided, item: Item, by: By) -> Iterator[Line]:
    """The lines of an item and of what is charged beside it."""
    step = by.step(item.unit)
    service = _Wanted(item.unit)
    for stretch in _stretches(decided, item, service):
        yield from _line(item, stretch, service, step)
    for rule in _rules(item, by.rules):
        extra = _Wanted(rule.unit, rule.extra, rule.quantity)
        granted = [one for one in _stretches(decided, item, extra) if one.granted]
        if any(one.tariff for one in granted):  # else this provider does not charge for it
            for stretch in granted:
                yield from _line(item, stretch, extra, step)


def quantity_between(item: Item, first: int, after: int, step: Decimal) -> Decimal:
    """How much of an item falls on days of it: the difference of what falls on all days until their end and until their beginning."""
    return _until(item, after - item.first, step) - _until(item, first - item.first, step)


def _until(item: Item, days: int, step: Decimal) -> Decimal:
    length = item.after - item.first
    if days >= length:
        return item.quantity
    if days <= 0:
        return Decimal(0)
    steps = (item.quantity * days / (length * step)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return min(steps * step, item.quantity)


def _line(item: Item, stretch: _Stretch, wanted: _Wanted, step: Decimal) -> Iterator[Line]:
    quantity = quantity_between(item, stretch.first, stretch.after, step) * wanted.times
    if quantity <= 0:
        return
    tariff = stretch.tariff
    figures = cost(quantity, wanted.unit, tariff) if tariff else None
    net, vat, gross = figures or (None, None, None)
    yield Line(
        item=item.id,
        kind="planned" if figures else "unpriced",
        extra=wanted.extra,
        first=stretch.first,
        after=stretch.after,
        quantity=min(quantity, _MOST).quantize(_KEPT, rounding=ROUND_HALF_UP),
        unit=wanted.unit,
        price=tariff.cited if tariff else None,
        order_line=None,
        amount=tariff.amount if tariff else None,
        net=net,
        vat=vat,
        gross=gross,
    )


def _stretches(decided: Decided, item: Item, wanted: _Wanted) -> list[_Stretch]:
    """The days of an item that no order holds, in as few stretches as there are things to be said of them."""
    tariffs = best_first(item.tariffs or (), item.quantity * wanted.times, wanted.unit, wanted.extra)
    bounds = [decided.days, *item.covered, *(one.days for one in tariffs)]
    cuts = {one for days in bounds for one in days if one is not None and item.first < one < item.after}
    found: list[_Stretch] = []
    for first, after in pairwise(sorted({item.first, item.after, *cuts})):
        if any(one.holds(first) for one in item.covered):
            continue
        granted = not decided.never and decided.days.holds(first)
        tariff = next((one for one in tariffs if one.days.holds(first)), None) if granted else None
        before = found[-1] if found else None
        if before is not None and (before.after, before.granted) == (first, granted) and before.tariff is tariff:
            found[-1] = before._replace(after=after)
        else:
            found.append(_Stretch(first, after, granted, tariff))
    return found


def _rules(item: Item, rules: Iterable[Rule]) -> list[Rule]:
    """The rules for a service in this unit: those that name it, and of the general ones those in whose place none does."""
    fitting = [one for one in rules if one.for_unit == item.unit]
    named = [one for one in fitting if one.service == item.service]
    replaced = {(one.extra, one.unit) for one in named}
    return named + [one for one in fitting if one.service is None and (one.extra, one.unit) not in replaced]
