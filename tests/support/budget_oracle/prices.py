"""Which price holds on a day, and what a quantity comes to at it."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import floor

from tests.support.budget_oracle.said import Tariff

#: A line of more than this is a slip of a keyboard, euros.
IMPLAUSIBLE = 10_000_000

#: One of each, in the smallest of its kind.
_KINDS: tuple[dict[str, int], ...] = ({"C62": 1, "H87": 1, "E48": 1, "ACT": 1}, {"MIN": 1, "HUR": 60})


def factor(unit: str, into: str) -> Fraction | None:
    """How many of `into` one `unit` is; None where one does not convert into the other."""
    if unit == into:
        return Fraction(1)
    for kind in _KINDS:
        if unit in kind and into in kind:
            return Fraction(kind[unit], kind[into])
    return None


def ranked(tariffs: Iterable[Tariff], unit: str, quantity: Fraction, extra: str = "") -> list[Tariff]:
    """The tariffs that can price so much of a unit on an ordinary day, best first. An extra's have to be in its very unit."""
    found: list[tuple[tuple[bool, Fraction, Fraction, str, int], Tariff]] = []
    for one in tariffs:
        converts = factor(one.unit, unit)
        if converts is None or (extra and one.unit != unit):
            continue
        least = Fraction(one.minimum_quantity) * converts
        if (one.extra, one.time_class, one.territory) == (extra, "weekday", "") and least <= quantity:
            base = Fraction(one.base_quantity) * converts
            found.append(((one.unit != unit, -least, base, one.unit, one.name), one))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def cents(value: Fraction) -> Fraction:
    """Rounded half away from zero, as money is."""
    half = floor(abs(value) * 100 + Fraction(1, 2))
    return Fraction(half if value >= 0 else -half, 100)


def figures(quantity: Fraction, unit: str, tariff: Tariff) -> tuple[Fraction, Fraction, Fraction] | None:
    """Net, VAT and gross of so much at a price, rounded once; None where the figure is too much to be true."""
    converts = factor(tariff.unit, unit)
    assert converts is not None
    figure = cents(quantity * Fraction(tariff.amount) / (Fraction(tariff.base_quantity) * converts))
    if figure >= IMPLAUSIBLE:
        return None
    if tariff.inclusive:
        net = without_vat(figure, tariff.vat_rate)
        return net, figure - net, figure
    vat = cents(figure * Fraction(tariff.vat_rate))
    return figure, vat, figure + vat


def without_vat(gross: Fraction, rate: Decimal) -> Fraction:
    return cents(gross / (1 + Fraction(rate)))
