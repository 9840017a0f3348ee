"""The reader of Peppol catalogues: every price and its days, what is left out and why, and what is refused as a whole."""

from datetime import date
from decimal import Decimal

import pytest

from connectors.prices.row import PriceRow, Reading, Removal
from connectors.prices.ubl_catalogue import read_catalogue
from tests.support.catalogues import (
    catalogue,
    group,
    line,
    period,
    price,
    read,
    refused,
    rows,
    territory,
    value,
    vat,
    why,
)


def test_a_plain_catalogue():
    document = read(line("ADHD-01", price("62.50"), tax=vat()))
    assert document.rows == [
        PriceRow(
            service="ADHD-01",
            service_name="ADHD-valmennus",
            unit="HUR",
            amount=Decimal("62.5"),
            position="1",
            vat_category="E",
            vat_rate=Decimal(0),
            vat_inclusive=False,
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 12, 31),
        )
    ]
    assert (document.file_name, len(document.sha256)) == ("hinnasto.xml", 64)
    assert (document.complete, document.removals, document.rejections) == (True, [], [])
    assert (document.business_id, document.contract) == ("0123456-2", "HVA-2026-77")


@pytest.mark.parametrize(
    ("header", "on_line", "complete"),
    [
        (None, None, True),
        ("Replace", None, True),
        (" Replace ", "Add", True),
        ("Add", None, False),
        ("Add", "Add", False),
        ("Add", "Update", False),
        ("Update", None, False),
        ("Update", "Add", False),
        ("Update", "Update", False),
    ],
)
def test_what_states_prices(header, on_line, complete):
    document = read(line("A", price("10"), action=on_line), action=header)
    assert [(row.service, row.amount) for row in document.rows] == [("A", 10)]
    assert (document.complete, document.removals) == (complete, [])


@pytest.mark.parametrize("header", ["Replace", None])
@pytest.mark.parametrize("on_line", ["Update", "Delete"])
def test_a_change_in_a_catalogue_that_replaces_everything_is_left_out(header, on_line):
    document = read(line("A", price("10"), action=on_line), line("B", price("20")), action=header)
    assert [row.service for row in document.rows] == ["B"]
    (rejected,) = document.rejections
    assert (rejected.position, rejected.field, rejected.external_id) == ("1", "action", "A")
    assert f"The line's action is {on_line}, but the catalogue's is Replace" in rejected.reason.text("en")
    assert (document.complete, document.removals) == (True, [])


def test_a_deletion_in_a_catalogue_that_only_adds_is_left_out():
    ((_, field, item, _),) = why(line("A", action="Delete"), action="Add")
    assert (field, item) == ("action", "A")


def test_an_update_deletes_single_items():
    document = read(line("A", action="Delete"), line("B", price("20"), action="Update"), action="Update")
    assert document.removals == [Removal("A", "1")]
    assert [row.service for row in document.rows] == ["B"]
    assert (document.complete, document.rejections) == (False, [])


def test_a_catalogue_that_is_deleted_takes_all_its_items_along():
    document = read(line("A", price("10")), line("B"), line("C", action="Delete"), action="Delete")
    assert document.removals == [Removal("A", "1"), Removal("B", "2"), Removal("C", "3")]
    assert (document.rows, document.rejections, document.complete) == ([], [], False)


def test_an_unknown_action_is_never_guessed():
    assert refused(catalogue(line("A", price()), action="Insert")).startswith("The action … is not known"), (
        "written as a name is"
    )
    ((_, field, _, reason),) = why(line("A", price(), action="REMOVE"), action="Update")
    assert (field, reason) == ("action", "The action REMOVE is not known; allowed: Add, Update, Delete")


def test_an_item_is_known_by_the_sellers_id_else_the_standard_one():
    both, standard = line("A", price(), standard="06412345678903"), line(None, price(), standard="06412345678910")
    assert [row.service for row in rows(both, standard)] == ["A", "06412345678910"]
    ((position, field, item, reason),) = why(line(None, price()))
    assert (position, field, item) == ("1", "service", None)
    assert reason == "An item needs the seller's identifier or a standard one."


def test_the_lines_id_is_no_key():
    assert [row.service for row in rows(line("A", price(), number="1"), line("B", price(), number="1"))] == ["A", "B"]


@pytest.mark.parametrize("second", [line("a ", price("20")), line("A", action="Delete"), line("A", price("x"))])
def test_an_item_on_two_lines_loses_both(second):
    document = read(line("A", price("10")), second, line("B", price("30")), action="Update")
    assert ([row.service for row in document.rows], document.removals) == (["B"], [])
    assert [(one.position, one.field) for one in document.rejections] == [("1", "service"), ("2", "service")]
    assert {one.reason.msgid for one in document.rejections} == {"The item {item} stands on more than one line."}


def test_prices_of_a_line_hold_within_the_line_and_the_line_within_the_catalogue():
    found = rows(
        line(
            "A",
            price("42.50", end="2026-08-31"),
            price("44.00", start="2026-09-01"),
            price("50.00", start="2026-06-01", end="2026-06-30", more=territory("Espoo")),
            price("51.00", more=territory("Vantaa")),
            start="2026-03-01",
            end="2026-11-30",
        ),
        line("B", price("9.99"), end="2026-06-30"),
    )
    assert [(row.position, row.amount, row.valid_from, row.valid_to, row.territory) for row in found] == [
        ("1/1", Decimal("42.5"), date(2026, 3, 1), date(2026, 8, 31), ""),
        ("1/2", Decimal(44), date(2026, 9, 1), date(2026, 11, 30), ""),
        ("1/3", Decimal(50), date(2026, 6, 1), date(2026, 6, 30), "Espoo"),
        ("1/4", Decimal(51), date(2026, 3, 1), date(2026, 11, 30), "Vantaa"),
        ("2", Decimal("9.99"), date(2026, 1, 1), date(2026, 6, 30), ""),
    ]


def test_days_may_be_open():
    (row,) = rows(line("A", price(start="2026-05-01")), start=None, end=None)
    assert (row.valid_from, row.valid_to) == (date(2026, 5, 1), None)
    (row,) = rows(line("A", price(end="2026-05-01")), start="2026-01-01", end=None)
    assert (row.valid_from, row.valid_to) == (date(2026, 1, 1), date(2026, 5, 1))


@pytest.mark.parametrize(
    ("of_line", "of_price", "field", "says"),
    [
        ({}, {"start": "2026-09-01", "end": "2026-08-31"}, "valid_to", "would end"),
        ({"start": "2026-09-01", "end": "2026-08-31"}, {}, "valid_to", "would end"),
        ({}, {"start": "2025-12-31"}, "valid_from", "reach beyond"),
        ({}, {"end": "2027-01-01"}, "valid_from", "reach beyond"),
        ({}, {"start": "2027-01-01"}, "valid_from", "reach beyond"),
        ({"start": "2026-03-01"}, {"start": "2026-02-28"}, "valid_from", "reach beyond"),
        ({"end": "2026-03-01"}, {"start": "2026-03-02"}, "valid_from", "reach beyond"),
        ({"start": "2025-12-01"}, {}, "valid_from", "reach beyond"),
        ({}, {"start": "1.9.2026"}, "valid_from", "is not a date"),
        ({}, {"end": "2026-02-30"}, "valid_to", "is not a date"),
        ({}, {"end": "2026-06-30+02:00"}, "valid_to", "is not a date"),
        ({}, {"end": "2026-W01-1"}, "valid_to", "is not a date"),
    ],
)
def test_days_that_cannot_be_are_told(of_line, of_price, field, says):
    ((position, found, item, reason),) = why(line("A", price(**of_price), **of_line))
    assert (position, found, item) == ("1", field, "A")
    assert says in reason


def test_one_bad_price_of_a_line_leaves_the_others():
    document = read(line("A", price("10", end="2026-06-30"), price("0", start="2026-07-01")))
    assert [(row.position, row.amount) for row in document.rows] == [("1/1", 10)]
    assert [(one.position, one.field, one.external_id) for one in document.rejections] == [("1/2", "price", "A")]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (price("75", base="0.75"), ("HUR", Decimal("0.75"))),
        (price("75", base="1.000"), ("HUR", Decimal(1))),
        (price("75", base="45", unit="MIN"), ("HUR", Decimal("0.75"))),
        (price("75", base="50", unit="MIN"), ("MIN", Decimal(50))),
        (price("75", base="10", unit="KMT"), ("KMT", Decimal(10))),
        (price("75", base="1", unit="EA"), ("C62", Decimal(1))),
        (price("75", base="2", unit=None), ("HUR", Decimal(2))),
        (price("75"), ("HUR", Decimal(1))),
    ],
)
def test_what_a_price_is_per(stated, expected):
    (row,) = rows(line("A", stated))
    assert (row.unit, row.base_quantity) == expected


def test_every_unit_of_price_lists_is_read_by_its_code():
    for unit in ("C62", "HUR", "DAY", "WEE", "MON", "H87", "E48", "ACT", "LS", "KMT", "MIN"):
        (row,) = rows(line("A", price(), unit=unit))
        assert (row.unit, row.base_quantity) == (unit, 1)


@pytest.mark.parametrize(
    ("unit", "stated", "field"),
    [
        ("XBX", price(), "unit"),
        ("tunti", price(), "unit"),
        ("ST", price(), "unit"),  # a sheet, though a Swedish list may mean a piece
        (None, price(), "unit"),
        ("HUR", price(base="1", unit="LTR"), "unit"),
        ("HUR", price(base="0"), "base_quantity"),
        ("HUR", price(base="-1"), "base_quantity"),
        ("HUR", price(base="0.33333"), "base_quantity"),
        ("HUR", price(base="one"), "base_quantity"),
        ("HUR", price(factor="2"), "base_quantity"),
        ("HUR", price(minimum="-1"), "minimum_quantity"),
        ("HUR", price(minimum="2", minimum_unit="DAY"), "minimum_quantity"),
    ],
)
def test_what_a_price_is_per_must_be_clear(unit, stated, field):
    ((_, found, _, _),) = why(line("A", stated, unit=unit))
    assert found == field


@pytest.mark.parametrize(
    ("stated", "unit", "expected"),
    [
        (price(minimum="2.5"), "HUR", Decimal("2.5")),
        (price(minimum="0"), "HUR", Decimal(0)),
        (price(base="45", unit="MIN", minimum="90", minimum_unit="MIN"), "HUR", Decimal("1.5")),
        (price(base="1", unit="C62", minimum="3", minimum_unit="XBX", factor="1"), "XBX", Decimal(3)),
    ],
)
def test_the_smallest_quantity_a_price_is_for(stated, unit, expected):
    (row,) = rows(line("A", stated, unit=unit))
    assert row.minimum_quantity == expected


def test_a_price_is_for_each_territory_it_names():
    places = territory("Espoo") + territory("Vantaa") + territory("Espoo") + territory(None) + territory(None, "SE")
    address = group(
        "ApplicableTerritoryAddress",
        value("StreetName", "Esimerkkikatu 1"),
        value("CityName", "Espoo"),
        value("PostalZone", "02070"),
        group("AddressLine", value("Line", "2. kerros")),
        group("Country", value("IdentificationCode", "FI")),
    )
    found = rows(line("A", price(more=places), price("70", more=address)))
    assert [(row.position, row.territory) for row in found] == [
        ("1/1", "Espoo"),
        ("1/1.2", "Vantaa"),
        ("1/1.3", ""),  # the whole of Finland is no restriction
        ("1/1.4", "SE"),
        ("1/2", "Esimerkkikatu 1, 2. kerros, 02070 Espoo"),
    ]


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("0", "more than zero"),
        ("-5.00", "more than zero"),
        ("0.00001", "four decimals"),
        ("100000000000", "larger than"),
        ("1e3", "not a number"),
        ("1e308", "not a number"),
        ("60,00", "not a number"),
        ("NaN", "not a number"),
        ("9" * 41, "not a number"),
        ("", "not a number"),
        ("sop. mukaan", "not a number"),
    ],
)
def test_a_price_that_is_none(amount, says):
    ((_, field, item, reason),) = why(line("A", price(amount)))
    assert (field, item) == ("price", "A")
    assert says in reason


@pytest.mark.parametrize("currency", ["SEK", "NOK", "eur", "", None])
def test_other_currencies_than_the_euro(currency):
    ((_, field, _, reason),) = why(line("A", price(currency=currency)))
    assert field == "currency"
    assert "only euros are accepted" in reason


@pytest.mark.parametrize(
    "stated",
    [
        group("RequiredItemLocationQuantity", value("LeadTimeMeasure", "2", unitCode="DAY")),
        group("RequiredItemLocationQuantity", group("Price", value("BaseQuantity", "1", unitCode="HUR"))),
        price(inside=group("AllowanceCharge", value("ChargeIndicator", "false"), value("Amount", "5", currencyID="EUR"))),
        price(inside=value("PriceAmount", "50.00", currencyID="EUR")),
        price(more=group("AllowanceCharge", value("Amount", "5", currencyID="EUR"))),
        price(more=group("Price", value("PriceAmount", "50.00", currencyID="EUR"))),
        price(kind="AAE"),
        price(kind="SRP"),
    ],
)  # fmt: skip
def test_what_would_change_a_price_is_not_passed_over(stated):
    ((_, field, item, _),) = why(line("A", stated))
    assert (field, item) == ("price", "A")


def test_a_line_without_a_price_is_not_passed_over():
    assert why(line("A")) == [("1", "price", "A", "The price is missing.")]


@pytest.mark.parametrize(
    ("tax", "expected"),
    [
        ("", (None, None)),
        (vat("E", "0"), ("E", 0)),
        (vat("E", None), ("E", 0)),
        (vat("O", None), ("O", 0)),
        (vat("S", "25.5"), ("S", Decimal("0.255"))),
        (vat("S", "13.50"), ("S", Decimal("0.135"))),
    ],
)
def test_vat_is_read_and_never_included(tax, expected):
    (row,) = rows(line("A", price(), tax=tax))
    assert (row.vat_category, row.vat_rate) == expected
    assert row.vat_inclusive is False


@pytest.mark.parametrize(
    ("tax", "field"),
    [
        (vat("X", "0"), "vat_category"),
        (vat(None, "0"), "vat_category"),
        (vat("S", "0"), "vat_rate"),
        (vat("S", None), "vat_rate"),
        (vat("S", "alv"), "vat_rate"),
        (vat("S", "100"), "vat_rate"),
        (vat("S", "25.555"), "vat_rate"),
        (vat("E", "25.5"), "vat_rate"),
        (vat("E", "0") + vat("S", "25.5"), "service"),
    ],
)
def test_vat_that_contradicts_itself(tax, field):
    ((_, found, item, _),) = why(line("A", price(), tax=tax))
    assert (found, item) == (field, "A")


def test_a_line_of_another_contract_is_left_out():
    other = group("ReferencedContract", value("ID", "HVA-2026-78"))
    same = group("ReferencedContract", value("ID", "HVA-2026-77"))
    document = read(line("A", price(), more=other), line("B", price(), more=same))
    assert [row.service for row in document.rows] == ["B"]
    (rejected,) = document.rejections
    assert rejected.reason.text("en") == "The line refers to contract HVA-2026-78, the catalogue to HVA-2026-77."


def test_a_catalogue_of_two_contracts_is_refused():
    more = group("ReferencedContract", value("ID", "HVA-2026-78"))
    assert refused(catalogue(line("A", price()), more=more)) == "ReferencedContract stands there twice."
    assert read(line("A", price()), contract=None).contract is None


def test_the_words_of_a_document_may_be_cut_by_comments():
    content = catalogue(line("ADHD-01", price("62.50"))).replace(b"62.50", b"6<!-- new -->2.<![CDATA[50]]>")
    document = read_catalogue(content, file_name="a", reading=Reading())
    assert [row.amount for row in document.rows] == [Decimal("62.5")]


@pytest.mark.parametrize("again", ["LineValidityPeriod", "ClassifiedTaxCategory", "OrderableUnit"])
def test_what_stands_there_twice_has_no_meaning(again):
    twice = {
        "LineValidityPeriod": line("A", price(), more=period("LineValidityPeriod", "2026-01-01", None) * 2),
        "ClassifiedTaxCategory": line("A", price(), tax=vat() * 2),
        "OrderableUnit": line("A", price(), more=value("OrderableUnit", "DAY")),
    }
    ((_, field, _, reason),) = why(twice[again])
    assert (field, reason) == ("service", f"{again} stands there twice.")
