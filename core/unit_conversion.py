"""Which units stand for the same thing, so that a price in one prices a plan in another: visits by any of their codes, hours and minutes.

UN/ECE Rec 20 has no code for a visit; C62 (one), H87 (piece), E48 (service unit) and ACT (activity) all occur for it (DOMAIN "Money").
Anything else, such as a price per month for a plan in hours, has no fixed factor: it is said, never guessed. Budgets use the same table
in SQL (`CONVERSIONS` as rows), comparisons in Python.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

#: Units of one group measure the same; the number is how many of the group's smallest unit one of it is.
_GROUPS: Final[tuple[dict[str, int], ...]] = (
    {"C62": 1, "H87": 1, "E48": 1, "ACT": 1},
    {"MIN": 1, "HUR": 60},
)

#: Rows (unit, priced_unit, numerator, denominator): one `unit` is numerator/denominator `priced_unit`. Between different units only:
#: every unit, known here or not, converts into itself.
CONVERSIONS: Final[tuple[tuple[str, str, int, int], ...]] = tuple(
    (unit, priced_unit, Fraction(size, priced_size).numerator, Fraction(size, priced_size).denominator)
    for group in _GROUPS
    for unit, size in group.items()
    for priced_unit, priced_size in group.items()
    if unit != priced_unit
)

_FACTORS: Final = {(unit, priced_unit): Fraction(over, under) for unit, priced_unit, over, under in CONVERSIONS}


def conversion(unit: str, priced_unit: str) -> Fraction | None:
    """How many `priced_unit` one `unit` is: 60 for HUR and MIN, 1/60 the other way; None where they do not convert."""
    return Fraction(1) if unit == priced_unit else _FACTORS.get((unit, priced_unit))


def exactly(quantity: Decimal, unit: str, other: str) -> Fraction | None:
    """`quantity` of `unit` counted in `other`, without rounding: 50 MIN are 5/6 HUR. None where they do not convert."""
    factor = conversion(unit, other)
    return None if factor is None else Fraction(quantity) * factor
