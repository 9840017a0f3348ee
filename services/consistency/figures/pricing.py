"""Which price holds on a day, and what a quantity comes to at it."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from services.consistency.figures.said import Tariff

#: A line of so much, or of more, is a slip of somebody's keyboard (euros).
TOO_MUCH: Final = Decimal(10_000_000)
_CENT: Final = Decimal("0.01")
#: How many of the smallest of its kind each unit is: visits by any of their codes, and minutes.
_VISITS: Final = dict.fromkeys(("C62", "H87", "E48", "ACT"), 1)
_TIMES: Final = {"MIN": 1, "HUR": 60}


def in_priced_units(quantity: Decimal, unit: str, priced_unit: str) -> tuple[Decimal, int] | None:
    """A quantity counted in another unit, as a numerator and a denominator, so that nothing is rounded; None where one is not the other."""
    if unit == priced_unit:
        return quantity, 1
    for kind in (_VISITS, _TIMES):
        if unit in kind and priced_unit in kind:
            return quantity * kind[unit], kind[priced_unit]
    return None


def cents(value: Decimal) -> Decimal:
    """Rounded half up (away from zero), as money is."""
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def best_first(tariffs: Iterable[Tariff], quantity: Decimal, unit: str, extra: str = "") -> list[Tariff]:
    """The tariffs that can price a plan for so much, the one to be taken first in front: the plan's own unit, then the largest minimum that
    is reached, then the smallest base. An extra is priced in its own unit only.
    """
    fitting = []
    for one in tariffs:
        if one.extra != extra or (extra and one.unit != unit):
            continue
        wanted = in_priced_units(quantity, unit, one.unit)
        if wanted is None or one.minimum_quantity * wanted[1] > wanted[0]:
            continue
        over, under = in_priced_units(Decimal(1), unit, one.unit) or (Decimal(1), 1)
        rank = (
            one.unit != unit,
            -one.minimum_quantity * under / over,
            one.base_quantity * under / over,
            one.unit,
            one.row,
        )
        fitting.append((rank, one))
    return [one for _, one in sorted(fitting, key=lambda pair: pair[0])]


def cost(quantity: Decimal, unit: str, tariff: Tariff) -> tuple[Decimal, Decimal, Decimal] | None:
    """Net, VAT and gross of so much at a price, rounded once; None where it is too much to be true."""
    over, under = in_priced_units(quantity, unit, tariff.unit) or (quantity, 1)
    figure = cents(over * tariff.amount / (tariff.base_quantity * under))
    if figure >= TOO_MUCH:
        return None
    if tariff.inclusive:
        net = before_vat(figure, tariff.vat_rate)
        return net, figure - net, figure
    vat = cents(figure * tariff.vat_rate)
    return figure, vat, figure + vat


def before_vat(gross: Decimal, rate: Decimal) -> Decimal:
    """The net of a gross amount."""
    return cents(gross / (1 + rate))
