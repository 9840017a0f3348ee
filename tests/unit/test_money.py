"""Rounding, cutting quantities, net and gross."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import gross_and_net, quantity_until, round_half_up


@pytest.mark.parametrize(
    ("value", "expected"), [("0.005", "0.01"), ("0.0049", "0.00"), ("2.675", "2.68"), ("1", "1.00")]
)
def test_half_goes_up(value, expected):
    assert str(round_half_up(Decimal(value))) == expected


def test_steps_are_multiples():
    assert round_half_up(Decimal("7.37"), Decimal("0.25")) == Decimal("7.25")
    assert round_half_up(Decimal("7.375"), Decimal("0.25")) == Decimal("7.50")


@given(
    quantity=st.decimals("0.25", "500", places=2),
    days=st.integers(1, 800),
    step=st.sampled_from([Decimal(1), Decimal("0.25"), Decimal("0.01")]),
    cuts=st.lists(st.integers(-5, 900), max_size=6),
)
def test_parts_add_up_to_the_whole(quantity, days, step, cuts):
    edges = [0, *sorted(cuts), days]
    until = [quantity_until(quantity, day, days, step) for day in edges]
    parts = [after - before for before, after in pairwise(until)]
    assert sum(parts) == quantity
    assert until[0] == 0


@pytest.mark.parametrize(
    ("inclusive", "expected"), [(True, ("79.68", "20.32", "100.00")), (False, ("100.00", "25.50", "125.50"))]
)
def test_the_agreed_figure_is_exact(inclusive, expected):
    assert tuple(map(str, gross_and_net(Decimal(4), Decimal(25), Decimal("0.255"), inclusive=inclusive))) == expected


@given(
    st.decimals("0.0001", "9999", places=4),
    st.decimals("0.01", "999", places=2),
    st.sampled_from([Decimal(0), Decimal("0.135"), Decimal("0.255")]),
    st.booleans(),
)
def test_net_and_vat_make_gross(price, quantity, rate, inclusive):
    net, vat, gross = gross_and_net(quantity, price, rate, inclusive=inclusive)
    assert net + vat == gross
    assert ((inclusive and gross) or net) == round_half_up(quantity * price)
