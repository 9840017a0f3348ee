"""Numbers and days as people type them."""

from datetime import date
from decimal import Decimal

import pytest

from console import fields
from core.errors import InputError
from core.i18n import speaking


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234\u202f567,5 €", "1234567.5"),
        ("12.25", "12.25"),
        (" 7 ", "7"),
        ("-3", "-3"),
        ("\u22123,5", "-3.5"),
        ("1,234", "1.234"),
        ("007", "7"),
        ("1,234.50", "1234.50"),
        ("1.234.567,5", "1234567.5"),
        ("+2", "2"),
    ],
)
def test_numbers_are_read_as_they_are_written(typed, number):
    assert fields.decimal(typed, "Quantity") == Decimal(number)


@pytest.mark.parametrize("value", ["0", "5", "1234.50", "1234567.25", "0.0001", "100", "-3"])
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_number_in_a_field_is_read_again_as_the_same(value, language):
    with speaking(language):
        assert fields.decimal(fields.as_typed(Decimal(value)), "Quantity") == Decimal(value)
    assert fields.as_typed(None) == ""


@pytest.mark.parametrize("typed", ["", "  ", "€", "\u00a0"])
def test_an_empty_field_is_no_number(typed):
    assert fields.decimal(typed, "Quantity") is None


@pytest.mark.parametrize(
    "typed",
    [
        "abc",
        "1.234.567",
        "1,23,4.5",
        "1,234,50",
        "1 234.567,8",
        "12 34",
        "1e5",
        "NaN",
        "Infinity",
        "1,",
        ",5",
        "--1",
        "1_000",
        "٣",
        "9" * 30,
    ],
)
def test_what_is_no_number_is_said_by_the_fields_name(typed):
    with pytest.raises(InputError) as error:
        fields.decimal(typed, "Quantity")
    assert str(error.value) == "Quantity: that is not a number. Write it for example so: 1234,50"


@pytest.mark.parametrize("typed", ["21.11.2026", " 21. 11. 2026", "2026-11-21"])
def test_days_are_read_as_they_are_written(typed):
    assert fields.day(typed, "From") == date(2026, 11, 21)


def test_an_empty_field_is_no_day():
    assert fields.day(" ", "From") is None


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("11/21/2026", "not a day"),
        ("21.11.26", "not a day"),
        ("tomorrow", "not a day"),
        ("٢١.11.2026", "not a day"),
        ("31.2.2026", "no such day"),
        ("2026-13-01", "no such day"),
        ("1.1.0000", "no such day"),
    ],
)
def test_what_is_no_day_is_said_by_the_fields_name(typed, why):
    with pytest.raises(InputError, match=why) as error:
        fields.day(typed, "From")
    assert str(error.value).startswith("From: ")


def test_words_come_without_the_space_around_them():
    assert fields.words("  nearer to\nhome ", "Reason") == "nearer to\nhome"


@pytest.mark.parametrize("typed", ["a\x00b", "a\u202eb", "\ud800"])
def test_what_cannot_be_printed_is_said_by_the_fields_name(typed):
    with pytest.raises(InputError) as error:
        fields.words(typed, "Reason")
    assert str(error.value) == "Reason: that holds characters that cannot be printed."
