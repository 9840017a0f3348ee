"""Whole Peppol catalogues: whose they are, those that are refused, and any that rows can be written as."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.prices.row import PriceRow, Reading
from connectors.prices.ubl_catalogue import read_catalogue
from core.errors import RefusedInput
from documents import xml
from documents.findings import fatal
from documents.peppol_rules import check_catalogue
from documents.schemas import check_schema
from documents.ubl_order import write_order
from tests.support import attacks
from tests.support.catalogues import catalogue, group, line, period, price, read, refused, rows, territory, value, vat
from tests.support.official_rules import mutants
from tests.support.orders import an_order


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


def test_no_spoilt_catalogue_gets_a_wrong_price_through():
    good = catalogue(
        line("A", price("10", base="2", end="2026-06-30", minimum="4", more=territory("Espoo")), tax=vat("S", "25.5")),
        line("B", price("20", start="2026-07-01"), start="2026-02-01"),
    )
    taken = 0
    for spoilt in mutants(xml.parse(good).getroot()):
        try:
            document = read_catalogue(xml.serialize(spoilt), file_name="a", reading=Reading())
        except RefusedInput:
            continue
        for row in document.rows:
            taken += 1
            assert row.amount > 0 < row.base_quantity
            assert row.valid_from is None or row.valid_to is None or row.valid_from <= row.valid_to
        assert len({row.position for row in document.rows}) == len(document.rows)
        assert all(rejection.reason.text("en") for rejection in document.rejections)
    assert taken > 500


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
