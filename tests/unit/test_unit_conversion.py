"""Units that measure the same convert exactly; others do not convert at all."""

from decimal import Decimal
from fractions import Fraction

import pytest

from core.unit_conversion import CONVERSIONS, conversion, exactly


@pytest.mark.parametrize(
    ("unit", "priced_unit", "factor"),
    [
        ("HUR", "MIN", Fraction(60)),
        ("MIN", "HUR", Fraction(1, 60)),
        ("C62", "H87", Fraction(1)),
        ("ACT", "E48", Fraction(1)),
        ("HUR", "HUR", Fraction(1)),
        ("MON", "MON", Fraction(1)),
        ("HUR", "MON", None),
        ("C62", "HUR", None),
        ("DAY", "WEE", None),
    ],
)
def test_one_unit_in_another(unit, priced_unit, factor):
    assert conversion(unit, priced_unit) == factor


def test_quantities_convert_without_rounding():
    assert exactly(Decimal(50), "MIN", "HUR") == Fraction(5, 6)
    assert exactly(Decimal("0.75"), "HUR", "MIN") == 45
    assert exactly(Decimal(1), "MON", "HUR") is None


def test_the_rows_for_sql_go_both_ways_and_hold_no_unit_twice():
    table = {(unit, priced): Fraction(over, under) for unit, priced, over, under in CONVERSIONS}
    assert len(table) == len(CONVERSIONS) == 4 * 3 + 2
    assert all(table[priced, unit] * factor == 1 for (unit, priced), factor in table.items())
    assert not any(unit == priced for unit, priced in table)
