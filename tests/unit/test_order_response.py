"""Reading what providers answer: every value as it was written, and a sentence with line and rule for every file that is refused."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Message, RefusedInput
from documents import xml
from documents.order_response import RESPONSE_LIMIT, PromisedPeriod, read_response
from documents.peppol_rules import check_response
from documents.schemas import check_schema
from documents.ubl_order import write_order
from tests.support import attacks
from tests.support.orders import PEPPOL, an_order
from tests.support.response_writing import write_response
from tests.support.responses import BUYER, FEWER_HOURS, SELLER, TRAVEL, a_response, with_changes

CHANGED = write_response(with_changes()).decode()

RESPONSES = [
    a_response(),
    a_response(code="AB", note="Kiitos, palaamme asiaan <pian> & varmasti 😀"),
    a_response(code="RE", note="Ei vapaita aikoja"),
    a_response(promised=PromisedPeriod(date(2026, 9, 15), None)),
    a_response(seller=replace(SELLER, business_id=None, endpoint_scheme="0088", endpoint="5790000435951")),
    with_changes(),
    with_changes(
        TRAVEL, replace(FEWER_HOURS, code="7", quantity=None, price=None, period=None, note=None, unit_code=None)
    ),
    with_changes(
        TRAVEL, replace(FEWER_HOURS, code="1", order_line_id="2"), replace(FEWER_HOURS, line_id="3", code="42")
    ),
    with_changes(replace(FEWER_HOURS, price=Decimal("0.4567"), base_quantity=Decimal("2.5"))),
]


@pytest.mark.parametrize("response", RESPONSES)
def test_what_was_written_is_read(response):
    data = write_response(response)
    tree = xml.parse(data)
    assert check_schema(tree, "OrderResponse") == []
    assert check_response(tree) == []
    assert read_response(data) == response


def test_the_business_id_is_read_from_an_identifier_or_the_address():
    only_address = replace(SELLER, business_id=None)
    assert read_response(write_response(a_response(seller=only_address))).seller.business_id == "0123456-2"
    by_gln = replace(BUYER, endpoint_scheme="0088", endpoint="5790000435951")
    assert read_response(write_response(a_response(buyer=by_gln))).buyer.business_id == "1234567-1"


def test_a_line_is_worth_its_quantity_times_its_price():
    assert FEWER_HOURS.amount == Decimal("1250.00")
    assert replace(FEWER_HOURS, price=Decimal("0.125"), quantity=Decimal(1)).amount == Decimal("0.13")
    assert replace(FEWER_HOURS, base_quantity=Decimal(2)).amount == Decimal("625.00")
    assert TRAVEL.amount is None


def test_several_notes_are_read_as_lines():
    data = CHANGED.replace("<cbc:Note>Aloitus siirtyy", "<cbc:Note>  Aloitus\n siirtyy </cbc:Note><cbc:Note>viikolla")
    assert read_response(data.encode()).note == "Aloitus siirtyy\nviikolla"


def refusal(data: bytes | str) -> Message:
    with pytest.raises(RefusedInput) as refused:
        read_response(data if isinstance(data, bytes) else data.encode())
    return refused.value.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "not XML"),
        (b"PK\x03\x04" + bytes(200), "not XML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "line 1"),
        (b"<!doctype html><html><body>502 Bad Gateway</body></html>", "DOCTYPE"),
        (b"<html><body>404</body></html>", "not an order response, but html"),
        (attacks.entity_bomb(), "DOCTYPE"),
        (attacks.external_entity("file:///etc/passwd"), "DOCTYPE"),
        (attacks.deep_xml(300), "nested more than 256 deep"),
        (CHANGED.encode()[:-40], "cut short"),
        (write_order(an_order()), "not an order response, but Order"),
        (b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>', "but Invoice"),
        (b'<OrderResponse xmlns="urn:another"/>', "but OrderResponse (urn:another)"),
        (b"<OrderResponse/>", "but OrderResponse (–)"),
    ],
)
def test_what_is_no_response_is_refused_in_one_sentence(data, words):
    said = refusal(data).text("en")
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize("doctype", attacks.hidden_doctypes().values(), ids=attacks.hidden_doctypes())
def test_a_hidden_doctype_is_refused(doctype):
    refusal(doctype)


def test_a_file_that_is_too_large_is_refused_before_it_is_all_read():
    assert f"larger than {RESPONSE_LIMIT} bytes" in refusal(CHANGED.encode() + b" " * RESPONSE_LIMIT).text("en")


def test_a_fault_is_told_with_line_and_rule():
    said = refusal(CHANGED.replace(">CA<", ">AP<")).text("en")
    assert said == (
        "The file breaks rules of its kind (1 in all): line 7, PEPPOL-T76-R008: A response that accepts (AP) must not have lines."
    )
    data = CHANGED.replace('schemeID="0216"', 'schemeID="0037"').replace(">EUR<", ">EURO<").replace("ID>2<", "ID>1<")
    said = refusal(data).text("en")
    assert "(7 in all)" in said
    assert said.count("PEPPOL-T76-") == 3


def test_what_the_schema_objects_to_is_told_without_identity_codes():
    said = refusal(CHANGED.replace(">2026-08-21<", ">100190-999P<")).text("en")
    assert "XSD" in said
    assert "line 6" in said
    assert "100190" not in said


def test_what_the_schema_objects_to_is_told_without_names_and_with_figures():
    for name in ("Keksitty", "Aino Keksitty", "aino"):
        said = refusal(CHANGED.replace(">2026-08-21<", f">{name}<")).text("en")
        assert "XSD" in said
        assert name not in said
    assert "'2026-13-45'" in refusal(CHANGED.replace(">2026-08-21<", ">2026-13-45<")).text("en")


def test_an_answer_that_says_who_the_client_is_is_refused_without_repeating_it():
    for telling in ("Asiakas 100190Y999P aloittaa", "HB-2026-000123"):
        said = refusal(CHANGED.replace("Aloitus siirtyy", telling)).text("en")
        assert "AVAIN-T76-PRIVACY" in said
        assert telling not in said


def test_the_finnish_samples_are_read():
    files = sorted(PEPPOL.glob("samples/response-fi-*.xml"))
    if not files:
        pytest.skip("THE FINNISH SAMPLES WERE NOT READ: put a copy of them under ../shared/peppol/samples")
    codes = {}
    for file in files:
        response = read_response(file.read_bytes().replace(b">HB-2026-", b">T-2026-"))
        codes[file.stem[-2:]] = response.code
        assert response.order_number == "T-2026-000123"
        assert (response.seller.endpoint, response.seller.business_id) == ("003701234567", None), "a wrong check digit"
    assert codes == {"AB": "AB", "AP": "AP", "RE": "RE"}


@given(
    cut=st.integers(0, len(CHANGED)),
    what=st.sampled_from(["", "<", ">", "&", "\0", "é", "<a/>", "-", "9"]),
    end=st.booleans(),
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(cut, what, end):
    damaged = CHANGED[:cut] + what + ("" if end else CHANGED[cut + 1 :])
    try:
        assert read_response(damaged.encode()).lines
    except RefusedInput as refused:
        assert str(refused)  # noqa: PT017 - both endings are right
