"""Our rules on documents that break one thing each; their agreement with the official ones is tests/integration/test_official_rules.py."""

from collections import Counter

import pytest

from documents import xml
from documents.findings import element_at, fatal, location
from documents.peppol_rules import OFFICIAL_ORDER_RULES, ORDER_GAPS, check_order, codes
from documents.peppol_rules.identifiers import COMMON_RULES
from documents.peppol_rules.model import read_outline
from documents.peppol_rules.personal import tells_who
from documents.ubl_order import write_order
from documents.ubl_writing import CAC, CBC
from tests.support.orders import an_order

GOLDEN = write_order(an_order()).decode()


def rules_broken_by(old: str, new: str, count: int = 1) -> list[str]:
    """Rules that the golden order breaks once `old` has become `new` (in its first `count` places)."""
    assert old in GOLDEN
    return [finding.rule for finding in check_order(xml.parse(GOLDEN.replace(old, new, count).encode()))]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<cbc:ID>T-2026-000123</cbc:ID>", "", "PEPPOL-T01-B00103"),
        ("<cbc:CustomizationID>", "<cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:CustomizationID>", "PEPPOL-T01-B00110"),
        (">220<", ">999<", "PEPPOL-T01-B00801"),
        (">2026-08-20<", ">20.8.2026<", "PEPPOL-COMMON-R030"),
        (">2026-08-20<", ">2026-02-30<", "PEPPOL-COMMON-R030"),
        (">4550<", "> <", "PEPPOL-COMMON-R001"),
        ('schemeID="0216"', 'schemeID="0037"', "PEPPOL-T01-B03802"),
        (' schemeID="0216"', "", "PEPPOL-T01-B03801"),
        (">FI<", ">XX<", "PEPPOL-T01-B05401"),
        (">EUR<", ">EURO<", "PEPPOL-T01-B01001"),
        ('currencyID="EUR"', 'currencyID="SEK"', "PEPPOL-T01-R003"),
        (">0.87<", ">0.870<", "PEPPOL-T01-R028"),
        (">1504.30</cbc:PayableAmount", ">1504.31</cbc:PayableAmount", "PEPPOL-T01-R016"),
        (">1503.43</cbc:LineExtensionAmount", ">1503.44</cbc:LineExtensionAmount", "PEPPOL-T01-R008"),
        (">1503.43</cbc:TaxExclusiveAmount", ">1503.44</cbc:TaxExclusiveAmount", "PEPPOL-T01-R011"),
        (">0.87<", ">0.88<", "PEPPOL-T01-R017"),
        (">62.50<", ">62.51<", "PEPPOL-T01-R024"),
        (">1</cbc:BaseQuantity", ">0</cbc:BaseQuantity", "PEPPOL-T01-R025"),
        ("<cbc:ID>2</cbc:ID>", "<cbc:ID>1</cbc:ID>", "PEPPOL-T01-R001"),
        ("<cbc:Percent>0</cbc:Percent>", "", "PEPPOL-T01-R029"),
        (">25.5<", ">0<", "PEPPOL-T01-R030"),
        ("bis:ordering:3", "bis:billing:3", "PEPPOL-T01-R031"),
        ("trns:order:3", "trns:order:2", "PEPPOL-T01-R034"),
        ('unitCode="HUR"', 'unitCode="HOUR"', "PEPPOL-T01-B24102"),
        ("</cbc:TaxAmount>", "</cbc:TaxAmount><cac:TaxSubtotal/>", "PEPPOL-T01-B21702"),
        ("003712345671", "0037-1234567-1", "AVAIN-T01-ADDRESS"),
        (">2026-09-01<", ">2026-12-01<", "AVAIN-T01-PERIOD"),
        (">2026-08-31<", ">2026-08-19<", "AVAIN-T01-VALIDITY"),
        ("ADHD-valmennus, arki", "Asiakas 100190Y999P", "AVAIN-T01-PRIVACY"),
        (">T-2026-000123<", ">HB-2026-000123<", "AVAIN-T01-PRIVACY"),
        ('<cbc:BaseQuantity unitCode="HUR">', '<cbc:BaseQuantity unitCode="DAY">', "AVAIN-T01-PRICE-UNIT"),
    ],
)
def test_each_mistake_breaks_its_rule(old, new, rule):
    assert rule in rules_broken_by(old, new)
    assert rule in OFFICIAL_ORDER_RULES | ORDER_GAPS.ids()


def test_a_person_or_place_in_an_order_is_fatal():
    originator = "<cac:OriginatorCustomerParty><cac:Party><cac:PartyName><cbc:Name>M. E.</cbc:Name></cac:PartyName></cac:Party></cac:OriginatorCustomerParty>"
    tree = xml.parse(GOLDEN.replace("<cac:Delivery>", originator + "<cac:Delivery>", 1).encode())
    assert [finding.rule for finding in fatal(check_order(tree))] == ["AVAIN-T01-PERSON"]


def test_what_may_be_meant_is_only_a_warning():
    foreign_unit = GOLDEN.replace('unitCode="HUR"', 'unitCode="LTR"')
    no_decision = GOLDEN.replace("OriginatorDocumentReference>", "QuotationDocumentReference>")
    beyond = GOLDEN.replace(">2026-11-30<", ">2026-10-31<", 1)
    for document, rule in ((foreign_unit, "UNIT"), (no_decision, "DECISION"), (beyond, "LINE-PERIOD")):
        findings = check_order(xml.parse(document.encode()))
        assert [(finding.rule, finding.severity) for finding in findings] == [(f"AVAIN-T01-{rule}", "warning")]


def test_an_item_ordered_twice_for_the_same_days_is_a_warning():
    second = GOLDEN[GOLDEN.index("<cac:OrderLine>") : GOLDEN.index("</cac:OrderLine>")] + "</cac:OrderLine>"
    doubled = GOLDEN.replace("</Order>", second.replace("<cbc:ID>1<", "<cbc:ID>3<") + "</Order>")
    found = {finding.rule: finding.severity for finding in check_order(xml.parse(doubled.encode()))}
    assert found["AVAIN-T01-DUPLICATE-ITEM"] == "warning"


def test_another_document_is_not_taken_for_a_faultless_order():
    (finding,) = check_order(xml.parse(b"<Invoice/>"))
    assert (finding.rule, finding.severity, finding.location) == ("AVAIN-T01-DOCUMENT", "fatal", "/Invoice")


def test_an_empty_order_misses_everything_and_raises_nothing():
    root = GOLDEN[GOLDEN.index("<Order") : GOLDEN.index(">", GOLDEN.index("<Order"))] + "/>"
    found = [finding.rule for finding in check_order(xml.parse(root.encode()))]
    assert {f"PEPPOL-T01-B0010{number}" for number in range(1, 9)} <= set(found)


def test_a_finding_names_line_and_place():
    tree = xml.parse(GOLDEN.replace(">0.46<", ">-1<").replace("0.4567", "-1").encode())
    finding = next(finding for finding in check_order(tree) if finding.rule == "PEPPOL-T01-R005")
    assert finding.location == "/Order/OrderLine[2]/LineItem/Price"
    assert GOLDEN.splitlines()[finding.line - 1].strip() == "<cac:Price>"
    assert finding.text.text("en") == "The net price of an item must not be negative."


@pytest.mark.parametrize(
    ("scheme", "good", "bad", "rule"),
    [
        ("0088", "5790000435951", "5790000435954", "R040"),
        ("0192", "991825827", "991825828", "R041"),
        ("0184", "DK12345678", "SE12345678", "R042"),
        ("0208", "0202239951", "0202239952", "R043"),
        ("0201", "abc123", "abc-12", "R044"),
        ("0210", "12345678901", "123", "R045"),
        ("9907", "ABCDEF12G34H567I", "ABCDEF12G34H567", "R046"),
        ("0211", "IT00000010215", "IT00000010216", "R047"),
        ("0007", "5567125082", "5567125083", "R049"),
        ("0151", "51824753556", "51824753557", "R050"),
        ("0096", "1234567890", "123456789", "R052"),
        ("0198", "DK12345678", "12345678", "R053"),
        ("0106", "12345678", "1234567", "R054"),
        ("0190", "1" * 20, "1" * 19, "R055"),
        ("9944", "NL123456789B12", "NL123456789", "R056-1"),
        ("0217", "123456789012", "12345", "R057"),
    ],
)
def test_an_identifier_must_have_the_form_of_its_scheme(scheme, good, bad, rule):
    old = 'schemeID="0216">003712345671<'
    assert f"PEPPOL-COMMON-{rule}" not in rules_broken_by(old, f'schemeID="{scheme}">{good}<')
    assert f"PEPPOL-COMMON-{rule}" in rules_broken_by(old, f'schemeID="{scheme}">{bad}<')
    assert f"PEPPOL-COMMON-{rule}" in COMMON_RULES


def test_the_codes_we_rely_on_are_in_the_lists():
    assert {"FI", "SE", "AX"} <= codes.COUNTRIES
    assert not {"EU", "XK", "UN"} & codes.COUNTRIES
    assert "EUR" in codes.CURRENCIES
    assert not {"FIM", "BGN"} & codes.CURRENCIES
    assert {"0216", "0088"} <= codes.ADDRESS_SCHEMES
    assert not {"0037", "0212", "0213", "0215"} & codes.ADDRESS_SCHEMES
    assert "0212" in codes.IDENTIFIER_SCHEMES
    assert all(codes.is_unit(unit) for unit in codes.UNITS)
    assert "STI" in codes.CLASSIFICATIONS


@pytest.mark.parametrize("mark", "+-YXWVUABCDEF")
def test_every_century_mark_of_an_identity_code_is_seen(mark):
    assert tells_who(f"(100190{mark}999P)")


@pytest.mark.parametrize("text", ["100190-999A", "X100190-999P", "100190-999PP", "T-2026-000123", "2026/451", ""])
def test_what_only_looks_like_an_identity_code_is_left_alone(text):
    assert not tells_who(text)


def test_a_place_is_found_again_by_its_path():
    root = xml.parse(GOLDEN.encode()).getroot()
    price = root.findall(f".//{{{CAC}}}Price")[1]
    path = f"/Q{{urn:x}}Order[1]/Q{{{CAC}}}OrderLine[2]/Q{{{CAC}}}LineItem[1]/Q{{{CAC}}}Price[1]"
    assert element_at(root, path) is price
    assert element_at(root, f"{path}/Q{{{CBC}}}PriceAmount[1]/@currencyID").tag == f"{{{CBC}}}PriceAmount"
    assert element_at(root, f"{path}/Q{{{CBC}}}PriceAmount[1]/text()[1]").tag == f"{{{CBC}}}PriceAmount"
    assert location(price) == "/Order/OrderLine[2]/LineItem/Price"


def test_a_place_is_named_alike_whatever_the_prefixes():
    for root in (
        '<Order xmlns="urn:o" xmlns:c="urn:c"><c:Line/><c:Line><c:Id/></c:Line></Order>',
        '<Order xmlns="urn:o"><Line xmlns="urn:c"/><Line xmlns="urn:c"><Id/></Line></Order>',
        "<Order><Line/><Line><Id/></Line></Order>",
        '<o:Order xmlns:o="urn:o"><o:Line/><Other/><o:Line><o:Id/></o:Line></o:Order>',
    ):
        element = xml.parse(root.encode()).getroot()
        assert location(element) == "/Order"
        assert location(element[-1][0]) == "/Order/Line[2]/Id"


def test_an_end_is_put_to_fatal_findings_but_warnings_hide_none():
    tree = xml.parse(GOLDEN.replace('unitCode="HUR"', 'unitCode="LTR"').replace(">EUR<", "><").encode())
    findings = check_order(tree)
    assert len(fatal(findings)) > 2
    assert len(fatal(check_order(tree, most=2))) == 2
    seen = Counter(finding.severity for finding in check_order(tree, most=len(fatal(findings))))
    assert seen["fatal"] == len(fatal(findings))


def test_an_outline_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="not a line"):
        read_outline("Order", "Some thing", {})
