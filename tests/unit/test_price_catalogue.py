"""The reader of Peppol catalogues: every price and its days, what is left out and why, and what is refused as a whole."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.prices.row import PriceRow, Reading, Removal
from connectors.prices.ubl_catalogue import read_catalogue
from core.errors import RefusedInput
from documents import xml
from documents.findings import fatal
from documents.peppol_rules import check_catalogue
from documents.schemas import check_schema
from documents.ubl_order import write_order
from tests.support import attacks
from tests.support.catalogues import catalogue, group, line, period, price, territory, value, vat
from tests.support.orders import an_order


def read(*lines, **header):
    return read_catalogue(catalogue(*lines, **header), file_name="hinnasto.xml", reading=Reading())


def rows(*lines, **header):
    document = read(*lines, **header)
    assert document.rejections == []
    return document.rows


def why(*lines, **header):
    """(position, field, item, reason) of what was left out; nothing was taken."""
    document = read(*lines, **header)
    assert document.rows == document.removals == []
    return [(one.position, one.field, one.external_id, one.reason.text("en")) for one in document.rejections]


def refused(content):
    with pytest.raises(RefusedInput) as refusal:
        read_catalogue(content, file_name="hinnasto.xml", reading=Reading())
    return refusal.value.message.text("en")


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
    assert refused(catalogue(line("A", price()), action="Insert")).startswith("The action Insert is not known")
    ((_, field, _, reason),) = why(line("A", price(), action="Remove"), action="Update")
    assert (field, reason) == ("action", "The action Remove is not known; allowed: Add, Update, Delete")


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


def seller(*identifiers):
    return group("SellerSupplierParty", group("Party", *identifiers, group("PartyName", value("Name", "Tuki Oy"))))


@pytest.mark.parametrize(
    ("party", "expected"),
    [
        ("", "0123456-2"),
        (seller(), "0123456-2"),
        (seller(value("EndpointID", "003712345671", schemeID="0216")), "1234567-1"),
        (seller(group("PartyIdentification", value("ID", "0037123456710001", schemeID="0037"))), "1234567-1"),
        (seller(group("PartyIdentification", value("ID", "1234567-1", schemeID="0212"))), "1234567-1"),
        (seller(group("PartyIdentification", value("ID", "FI12345671", schemeID="0213"))), "1234567-1"),
        (seller(group("PartyIdentification", value("ID", "1234567-1"))), "1234567-1"),
        (seller(group("PartyIdentification", value("ID", "FI12345671"))), "1234567-1"),
        (seller(group("PartyIdentification", value("ID", "12345671"))), None),  # may be another country's
        (seller(value("EndpointID", "003712345672", schemeID="0216")), None),  # wrong check digit
        (seller(value("EndpointID", "5790000435951", schemeID="0088")), None),  # another's, by an address of its own
    ],
)
def test_whose_catalogue_it_is(party, expected):
    assert read(line("A", price()), seller=party).business_id == expected


def test_a_line_may_name_its_own_seller():
    own = seller(value("EndpointID", "003712345671", schemeID="0216"))
    (row,) = rows(line("A", price(), more=own))
    assert row.provider == "1234567-1"


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


def test_another_document_is_refused():
    assert "root element" in refused(write_order(an_order()))
    assert "root element" in refused(b"<Catalogue/>")
    assert refused(b"<html><body>Kirjaudu</body></html>")
    assert refused(b"<!DOCTYPE html><html><body><p>503</body></html>")
    assert refused(b"")
    assert refused(b"Palvelu;Hinta\nA;10\n")


@pytest.mark.parametrize("name", ["trns:order:3", "trns:catalogue:30", "trns:catalogue:2"])
def test_a_catalogue_of_another_kind_is_refused(name):
    content = catalogue(line("A", price()))
    other = content.replace(b"trns:catalogue:3<", name.encode() + b"<")
    assert refused(other) == "The document does not say that it is a Peppol catalogue."
    later = content.replace(b"trns:catalogue:3<", b"trns:catalogue:3:extended:1<")
    assert read_catalogue(later, file_name="a", reading=Reading()).rows


def test_a_catalogue_whose_days_cannot_be_is_refused():
    assert "would end" in refused(catalogue(line("A", price()), start="2026-12-31", end="2026-01-01"))
    assert "is not a date" in refused(catalogue(line("A", price()), start="1.1.2026"))
    more = period("ValidityPeriod", "2027-01-01", None)
    assert refused(catalogue(line("A", price()), more=more)) == "ValidityPeriod stands there twice."


def test_a_catalogue_without_lines_would_end_everything_and_is_refused():
    assert refused(catalogue()) == "The catalogue has no lines."


def test_a_catalogue_cut_short_is_refused():
    content = catalogue(*(line(f"A{number}", price()) for number in range(50)))
    for length in (10, 500, len(content) // 2, len(content) - 14):
        assert refused(content[:length])


@pytest.mark.parametrize("content", [attacks.entity_bomb(), *attacks.hidden_doctypes().values()])
def test_an_attack_is_refused(content):
    assert refused(content)


def test_a_catalogue_that_breaks_rules_without_meaning_for_prices_is_read():
    content = catalogue(line("A", price("10"))).replace(b"catalogue_wo_response:3", b"catalogue_other:9")
    content = content.replace(b"<cbc:IssueDate>2025-11-01</cbc:IssueDate>", b"")
    broken = {finding.rule for finding in fatal(check_catalogue(xml.parse(content)))}
    assert broken == {"PEPPOL-T19-R017", "PEPPOL-T19-B00104"}
    assert [row.amount for row in read_catalogue(content, file_name="a", reading=Reading()).rows] == [10]


WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
QUANTITIES = st.decimals("0.0001", "9999", places=4)


@st.composite
def price_rows(draw):
    """Rows as a catalogue may state them: what belongs to the item is equal in all rows of a service."""
    found = []
    services = draw(st.lists(WORDS, min_size=1, max_size=5, unique_by=str.casefold))
    for number, service in enumerate(services, start=1):
        category = draw(st.sampled_from([None, "E", "S", "O"]))
        rate = draw(st.integers(1, 9999)) if category == "S" else 0
        shared = {
            "service": service,
            "service_name": draw(WORDS),
            "vat_category": category,
            "vat_rate": None if category is None else Decimal(rate) / 10000,
            "vat_inclusive": False,
        }
        count = draw(st.integers(1, 4))
        for place in range(1, count + 1):
            days = sorted((draw(DAYS), draw(DAYS)))
            row = PriceRow(
                **shared,
                position=str(number) if count == 1 else f"{number}/{place}",
                unit=draw(st.sampled_from(["HUR", "C62", "DAY", "KMT", "LS"])),
                amount=draw(QUANTITIES),
                base_quantity=draw(QUANTITIES),
                minimum_quantity=draw(st.one_of(st.just(Decimal(0)), QUANTITIES)),
                territory=draw(st.one_of(st.just(""), WORDS)),
                valid_from=days[0],
                valid_to=days[1],
            )
            found.append(row)
    return found


def written(found):
    """A catalogue that states these rows."""
    lines = []
    for number, service in enumerate(dict.fromkeys(row.service for row in found), start=1):
        own = [row for row in found if row.service == service]
        rate = own[0].vat_rate
        prices = [
            price(
                f"{row.amount:f}",
                base=f"{row.base_quantity:f}",
                unit=row.unit,
                start=row.valid_from,
                end=row.valid_to,
                minimum=f"{row.minimum_quantity:f}",
                minimum_unit=row.unit,
                more=territory(row.territory) if row.territory else "",
            )
            for row in own
        ]
        tax = "" if rate is None else vat(own[0].vat_category, f"{rate * 100:f}")
        lines.append(
            line(service, *prices, number=str(number), name=own[0].service_name, tax=tax, start=min(row.valid_from for row in own))
        )  # fmt: skip
    return catalogue(*lines)


@given(found=price_rows())
@settings(max_examples=100, deadline=None)
def test_a_catalogue_of_any_rows_reads_back_to_them(found):
    content = written(found)
    document = read_catalogue(content, file_name="a", reading=Reading())
    assert document.rejections == []
    assert document.rows == found
    tree = xml.parse(content)
    assert check_schema(tree, "Catalogue") == []
    assert {finding.rule for finding in check_catalogue(tree)} <= {"AVAIN-T19-OVERLAP"}


@given(found=price_rows(), spoilt=st.integers(0, 4), shift=st.integers(1, 400))
@settings(max_examples=50, deadline=None)
def test_a_price_outside_of_the_catalogues_year_never_gets_through(found, spoilt, shift):
    one = found[spoilt % len(found)]
    moved = replace(one, valid_to=date(2026, 12, 31) + timedelta(days=shift))
    content = written([moved if row is one else row for row in found])
    document = read_catalogue(content, file_name="a", reading=Reading())
    assert [row for row in found if row is not one] == document.rows
    assert Counter(rejection.position for rejection in document.rejections) == {one.position: 1}
