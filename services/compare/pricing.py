"""A quantity over a period at the prices of one provider, in Python: the same figures, to the cent, as budgets calculate in SQL.

A handful of alternatives is priced for one reader at a time, so nothing is gained by doing it in the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from itertools import groupby, pairwise

from core.money import ZERO, gross_and_net, quantity_until


@dataclass(frozen=True)
class Tariff:
    """A price version in force: `amount` euros for `base_quantity` units from `valid_from` to the day before `valid_before`.

    With its provenance: file, row, sha256, run.
    """

    price_id: int
    unit: str
    amount: Decimal
    base_quantity: Decimal
    minimum_quantity: Decimal
    vat_rate: Decimal
    vat_inclusive: bool
    valid_from: date
    valid_before: date | None
    source: str
    file_name: str
    position: str
    sha256: str
    run_id: int

    def covers(self, day: date) -> bool:
        """Whether the price holds on a day."""
        return self.valid_from <= day and (self.valid_before is None or day < self.valid_before)

    def gross(self, quantity: Decimal) -> Decimal:
        """What a quantity costs, VAT included, as one line."""
        return gross_and_net(
            quantity,
            self.amount,
            self.vat_rate,
            inclusive=self.vat_inclusive,
            base_quantity=self.base_quantity,
        )[2]

    def affordable(self, money: Decimal, step: Decimal) -> Decimal:
        """How many units an amount buys, in whole steps."""
        rate = 1 if self.vat_inclusive else 1 + self.vat_rate
        units = money * self.base_quantity / (self.amount * rate)
        return (units / step).to_integral_value(ROUND_FLOOR) * step


@dataclass(frozen=True)
class Priced:
    """The total of a quantity over a period (None: some days have no price), and the price versions used, in order of days."""

    total: Decimal | None
    used: tuple[Tariff, ...]
    first_unpriced: date | None = None


def price_on(tariffs: Sequence[Tariff], day: date, quantity: Decimal) -> Tariff | None:
    """The price that holds on a day for a plan of `quantity`: the largest minimum quantity reached, then the smallest base."""
    fitting = [one for one in tariffs if one.covers(day) and one.minimum_quantity <= quantity]
    return min(fitting, key=lambda one: (-one.minimum_quantity, one.base_quantity, one.price_id), default=None)


def price_period(tariffs: Sequence[Tariff], quantity: Decimal, first: date, after: date, step: Decimal) -> Priced:
    """Price a quantity spread over the days from `first` to the day before `after`, cut where prices change."""
    turns = {day for one in tariffs for day in (one.valid_from, one.valid_before) if day and first < day < after}
    pieces = [
        (price_on(tariffs, start, quantity), start, end) for start, end in pairwise(sorted({first, after} | turns))
    ]
    total = ZERO
    used: list[Tariff] = []
    for tariff, same in groupby(pieces, key=lambda piece: piece[0]):
        days = list(same)
        start, end = days[0][1], days[-1][2]
        part = _until(quantity, end, first, after, step) - _until(quantity, start, first, after, step)
        if part == 0:
            continue
        if tariff is None:
            return Priced(None, tuple(used), first_unpriced=start)
        total += tariff.gross(part)
        used.append(tariff)
    return Priced(total, tuple(used))


def _until(quantity: Decimal, day: date, first: date, after: date, step: Decimal) -> Decimal:
    return quantity_until(quantity, (day - first).days, (after - first).days, step)
