"""Prices and units as people write them; what is ambiguous or no price is refused with a sentence."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.prices.amounts import WrittenPrice, read_number, read_price, shown
from connectors.prices.units import read_unit
from core.errors import Message


@pytest.mark.parametrize(
    ("written", "amount", "unit"),
    [
        ("60", "60", None),
        ("60,00", "60", None),
        ("60.5", "60.5", None),
        ("60,00 €", "60", None),
        ("60,00\u00a0€", "60", None),
        ("€ 60.00", "60", None),
        ("EUR 60", "60", None),
        ("60 euroa", "60", None),
        ("60e", "60", None),
        ("60,-", "60", None),
        ("60,–", "60", None),
        ("60:-", "60", None),
        ("60 €/h", "60", "h"),
        ("60,00€/tunti", "60", "tunti"),
        ("60,00 €/45 min", "60", "45 min"),
        ("60 per käynti", "60", "käynti"),
        ("1 234,50 €", "1234.5", None),
        ("1\u00a0234,50", "1234.5", None),
        ("1\u202f234,50", "1234.5", None),
        ("1.234,50", "1234.5", None),
        ("1,234.50", "1234.5", None),
        ("1.234.567,89", "1234567.89", None),
        ("1 234 567", "1234567", None),
        ("0,125", "0.125", None),
        ("12345,678", "12345.678", None),
        ("49,1250", "49.125", None),
        (60, "60", None),
        (60.0, "60", None),
        (56.300000000000004, "56.3", None),
    ],
)
def test_prices_are_read_as_people_write_them(written, amount, unit):
    assert read_price(written) == WrittenPrice(Decimal(amount), unit)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("sop.mukaan", "is not a price"),
        ("alkaen 60 €", "is not a price"),
        ("60 € + alv", "is not a price"),
        ("60,5,-", "is not a price"),
        ("=HYPERLINK(1)", "is not a price"),
        ("1e308", "is not a price"),
        ("60-70", "is not a price"),
        ("5" * 5000, "is not a price"),
        (None, "is not a price"),
        (True, "is not a price"),
        (float("nan"), "is not a price"),
        ("12 34,5", "is not a number"),
        ("1.23.456", "is not a number"),
        ("٣", "is not a number"),
        ("0", "more than zero"),
        ("0,00 €", "more than zero"),
        ("-5", "more than zero"),
        ("−5,00 €", "more than zero"),
        (1e308, "larger than a price can be"),
        ("999999999", "larger than a price can be"),
        ("60,12345", "more than four decimals"),
        (0.12345, "more than four decimals"),
        ("1.234", "thousands separator or three decimals"),
        ("1,234", "thousands separator or three decimals"),
        ("100 SEK", "only euros"),
        ("60 kr", "only euros"),
        ("$60", "only euros"),
    ],
)
def test_what_is_no_price_is_said(written, reason):
    result = read_price(written)
    assert isinstance(result, Message)
    assert reason in result.text("en")


AMOUNTS = st.decimals(Decimal("0.0001"), Decimal("99999999.9999"), places=4)


@given(
    AMOUNTS,
    st.sampled_from([",", "."]),
    st.sampled_from(["", " ", "\u00a0", "\u202f"]),
    st.sampled_from(["", " €", "€/h"]),
)
def test_every_amount_survives_being_written(amount, mark, grouping, tail):
    whole, fraction = f"{amount:.4f}".split(".")
    grouped = f"{int(whole):,}".replace(",", grouping)
    assert read_price(f"{grouped}{mark}{fraction}{tail}") == WrittenPrice(
        amount.normalize() + 0, "h" if tail == "€/h" else None
    )


@given(AMOUNTS)
def test_every_amount_survives_a_spreadsheet(amount):
    assert read_price(float(amount)) == WrittenPrice(amount)


@given(st.text(max_size=30) | st.floats() | st.integers())
def test_nothing_crashes_the_reader_and_no_price_is_out_of_bounds(value):
    result = read_price(value)
    if isinstance(result, WrittenPrice):
        assert Decimal(0) < result.amount <= Decimal("99999999.9999")
        assert result.amount == round(result.amount, 4)
    else:
        assert result.text("en")


def test_a_number_may_be_negative():
    assert read_number("-2,5") == Decimal("-2.5")
    assert isinstance(read_number(True), Message)


@pytest.mark.parametrize(
    ("written", "code", "base"),
    [
        ("h", "HUR", "1"),
        ("€/h", "HUR", "1"),
        ("eur/tunti", "HUR", "1"),
        ("t", "HUR", "1"),
        ("timme", "HUR", "1"),
        ("60 min", "HUR", "1"),
        ("45 min", "HUR", "0.75"),
        ("50 min", "MIN", "50"),
        ("2 h", "HUR", "2"),
        ("käynti", "C62", "1"),
        ("KPL", "C62", "1"),
        ("krt.", "C62", "1"),
        ("besök", "C62", "1"),
        ("kk", "MON", "1"),
        ("mån", "MON", "1"),
        ("vrk", "DAY", "1"),
        ("viikko", "WEE", "1"),
        ("km", "KMT", "1"),
        ("HUR", "HUR", "1"),
        ("H87", "H87", "1"),
    ],
)
def test_units_are_rec_20(written, code, base):
    assert read_unit(written) == (code, Decimal(base))


@pytest.mark.parametrize("written", ["", "jotain", "0 min", "h/vko", "5"])
def test_an_unknown_unit_is_none(written):
    assert read_unit(written) is None


def test_a_cell_is_shown_short_and_without_anybodys_henkilotunnus():
    assert shown("sop.\n mukaan") == "“sop. mukaan”"
    assert shown("x" * 50) == f"“{'x' * 40}…”"
    assert shown("Käynti 131052-9074") == "“Käynti [redacted]”"
