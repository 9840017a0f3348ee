"""A quantity over days at the prices of one provider, in Python: the same figures, to the cent, as budgets calculate in SQL.

A handful of alternatives is priced for one reader at a time, before anything is planned or written; hundreds of thousands of budgets
are the database's. The rules are those of services/budgets/matching.py: a price in the plan's own unit before one that converts into it,
of those the largest minimum quantity reached, then the smallest base; one rounding for each stretch of days at one price.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple

from core.money import CENT, ZERO, gross_and_net, quantity_until
from core.unit_conversion import conversion
from services.budgets.ceiling import IMPLAUSIBLE

#: A stretch of days: the first, and the day after the last.
Days = tuple[date, date]


class Tariff(NamedTuple):
    """A price version in force: `amount` euros for `base_quantity` units from `valid_from` to the day before `valid_before`.

    With its provenance: file, row, sha256, run; `pending`: a newer list of the same source waits for approval. `extra` is '' for the
    service itself. A tuple, because hundreds are read for one comparison.
    """

    price_id: int
    extra: str
    unit: str
    amount: Decimal
    base_quantity: Decimal
    minimum_quantity: Decimal
    vat_rate: Decimal
    vat_inclusive: bool
    valid_from: date
    valid_before: date | None
    position: str
    source: str
    file_name: str
    sha256: str
    run_id: int
    pending: bool

    def covers(self, day: date) -> bool:
        """Whether the price holds on a day."""
        return self.valid_from <= day and (self.valid_before is None or day < self.valid_before)

    def spans(self, days: Days) -> bool:
        """Whether the price holds on all of some adjoining days."""
        return self.valid_from <= days[0] and (self.valid_before is None or days[1] <= self.valid_before)

    def overlaps(self, days: Days) -> bool:
        """Whether the price holds on any of some adjoining days."""
        return self.valid_from < days[1] and (self.valid_before is None or days[0] < self.valid_before)


class Fit(NamedTuple):
    """A price as a plan in a unit of its own reads it: one planned unit is `over`/`under` of the price's."""

    tariff: Tariff
    over: int
    under: int

    def figure(self, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """What a quantity of planned units costs as one line: the figure that is rounded first, and the gross."""
        price = self.tariff
        net, _vat, gross = gross_and_net(
            quantity * self.over,
            price.amount,
            price.vat_rate,
            inclusive=price.vat_inclusive,
            base_quantity=price.base_quantity * self.under,
        )
        return (gross if price.vat_inclusive else net), gross

    def each(self) -> Decimal:
        """What one planned unit costs with VAT, not rounded."""
        price = self.tariff
        rate = 1 if price.vat_inclusive else 1 + price.vat_rate
        return price.amount * rate * self.over / (price.base_quantity * self.under)

    def allows(self, quantity: Decimal) -> bool:
        """Whether a plan of so many planned units reaches the price's minimum quantity."""
        return self.tariff.minimum_quantity * self.under <= quantity * self.over


class Share(NamedTuple):
    """A quantity on adjoining days at one price; None: at no price at all."""

    quantity: Decimal
    first: date
    fit: Fit | None


class ExtraCost(NamedTuple):
    """What a provider charges beside the service, such as 240 km of travel: gross euros, and the prices behind it."""

    extra: str
    quantity: Decimal
    unit: str
    gross: Decimal
    prices: tuple[Tariff, ...]


_SAME = (1, 1)


@lru_cache(maxsize=1024)
def _factor(unit: str, priced_unit: str) -> tuple[int, int] | None:
    found = conversion(unit, priced_unit)
    return None if found is None else (found.numerator, found.denominator)


def fitting(tariffs: Iterable[Tariff], unit: str) -> list[Fit]:
    """The prices that can price a plan in `unit`, the preferred first, whatever their minimum quantity (`Fit.allows`)."""
    fits = []
    for tariff in tariffs:
        factor = _SAME if tariff.unit == unit else _factor(unit, tariff.unit)
        if factor is not None:
            fits.append(Fit(tariff, *factor))
    if len(fits) > 1:
        fits.sort(key=lambda fit: _preference(fit, unit))
    return fits


def _preference(fit: Fit, unit: str) -> tuple[bool, Decimal, Decimal, str, int]:
    price = fit.tariff
    return (
        price.unit != unit,
        -price.minimum_quantity * fit.under / fit.over,
        price.base_quantity * fit.under / fit.over,
        price.unit,
        price.price_id,
    )


def shares(
    fits: Sequence[Fit], quantity: Decimal, whole: Days, open_days: Iterable[Days], step: Decimal
) -> list[Share]:
    """Cut what `quantity` (over the days `whole`) leaves for `open_days` (within them) where the preferred price changes.

    Days on which nothing falls make no share.
    """
    first, after = whole
    length = (after - first).days

    def until(day: date) -> Decimal:
        return quantity_until(quantity, (day - first).days, length, step)

    found = []
    for start, end, fit in _stretches(fits, open_days):
        part = quantity if (start, end) == whole else until(end) - until(start)
        if part > 0:
            found.append(Share(part, start, fit))
    return found


def _stretches(fits: Sequence[Fit], open_days: Iterable[Days]) -> Iterator[tuple[date, date, Fit | None]]:
    for first, after in open_days:
        if (
            fits
            and fits[0].tariff.valid_from <= first
            and (fits[0].tariff.valid_before is None or after <= fits[0].tariff.valid_before)
        ):  # by far the most common
            yield first, after, fits[0]
            continue
        turns = {first, after}
        for fit in fits:
            turns.update(day for day in (fit.tariff.valid_from, fit.tariff.valid_before) if day and first < day < after)
        cut = [(start, end, price_on(fits, start)) for start, end in pairwise(sorted(turns))]
        for fit, adjoining in groupby(cut, key=lambda piece: piece[2]):
            pieces = list(adjoining)
            yield pieces[0][0], pieces[-1][1], fit


def price_on(fits: Iterable[Fit], day: date) -> Fit | None:
    """The preferred of the prices that hold on a day."""
    return next((fit for fit in fits if fit.tariff.covers(day)), None)


def total_of(parts: Iterable[Share], times: Decimal = Decimal(1)) -> Decimal | None:
    """The gross of priced shares, each rounded by itself; None where one of them is more than can be true (as budgets say)."""
    total = ZERO
    for part in parts:
        if part.fit is not None:
            figure, gross = part.fit.figure(part.quantity * times)
            if figure >= IMPLAUSIBLE:
                return None
            total += gross
    return total


def affordable(money: Decimal, fit: Fit, beside: Sequence[tuple[Fit, Decimal]], step: Decimal) -> Decimal:
    """How many planned units an amount buys, in whole steps: each at a price, and so many units of each thing `beside` it.

    What is told fits the money to the cent, as a budget would round it, and one step more would not.
    """
    if money <= 0:
        return Decimal(0)
    each = fit.each()
    for extra, times in beside:
        each += extra.each() * times
    units = (money / each / step).to_integral_value(ROUND_FLOOR) * step
    more = units + step
    if more * each - money > CENT * (1 + len(beside)):  # more than rounding could give
        return units
    cost = fit.figure(more)[1]
    for extra, times in beside:
        cost += extra.figure(more * times)[1]
    return more if cost <= money else units
