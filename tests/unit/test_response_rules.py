"""Our T76 rules on responses that break one thing each; their agreement with the official ones: tests/integration/test_official_response_rules.py."""

import pytest

from documents import xml
from documents.peppol_rules import OFFICIAL_RESPONSE_RULES, RESPONSE_GAPS, check_response
from tests.support.response_writing import write_response
from tests.support.responses import with_changes

GOLDEN = write_response(with_changes()).decode()


def broken(old: str, new: str, count: int = 1) -> dict[str, str]:
    """Rules that the response breaks once `old` has become `new` (in its first `count` places), and how grave they are."""
    assert old in GOLDEN
    return {found.rule: found.severity for found in check_response(xml.parse(GOLDEN.replace(old, new, count).encode()))}


PERIOD = "<cbc:StartDate>2026-10-01</cbc:StartDate>"
DELIVERY = GOLDEN[GOLDEN.index("<cac:Delivery>") : GOLDEN.index("</cac:Delivery>") + len("</cac:Delivery>")]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<cbc:ID>V-1</cbc:ID>", "", "PEPPOL-T76-B00103"),
        ("bis:ordering:3", "bis:advanced_ordering:3", "PEPPOL-T76-B00301"),
        (">CA<", ">XX<", "PEPPOL-T76-B00801"),
        ("</cac:OrderReference>", "<cbc:IssueDate>2026-08-20</cbc:IssueDate></cac:OrderReference>", "PEPPOL-T76-B01202"),
        ('schemeID="0216"', 'schemeID="0037"', "PEPPOL-T76-B01602"),
        (">3<", ">4<", "PEPPOL-T76-B04201"),
        ('unitCode="HUR"', "", "PEPPOL-T76-B04301"),
        ("<cbc:RegistrationName>Valmennus &amp; Tuki Oy</cbc:RegistrationName>", "<cbc:X/>", "PEPPOL-T76-B02101"),
        (">T-2026-000123<", "><", "PEPPOL-COMMON-R001"),
        (">2026-08-21<", ">21.8.2026<", "PEPPOL-COMMON-R030"),
        ('schemeID="0216">003701234562', 'schemeID="0088">5790000435952', "PEPPOL-COMMON-R040"),
        ("<cbc:ID>2</cbc:ID>", "<cbc:ID>1</cbc:ID>", "PEPPOL-T76-R003"),
        ("<cbc:EndDate>2026-11-30<", "<cbc:EndDate>2026-09-30<", "PEPPOL-T76-R004"),
        ('currencyID="EUR"', 'currencyID="SEK"', "PEPPOL-T76-R005"),
        ("trns:order_response:3", "trns:order_response_advanced:3", "PEPPOL-T76-R006"),
        (">CA<", ">AP<", "PEPPOL-T76-R008"),
        (">CA<", ">RE<", "PEPPOL-T76-R009"),
        (">CA<", "> AB <", "PEPPOL-T76-R010"),
        ("003701234562", "0123456-2", "AVAIN-T76-ADDRESS"),
        ("<cac:SellerS", "<cac:OrderReference><cbc:ID>T-2</cbc:ID></cac:OrderReference><cac:SellerS", "AVAIN-T76-SEVERAL"),
        (DELIVERY, DELIVERY + DELIVERY, "AVAIN-T76-SEVERAL"),
        ("<cbc:LineID>2<", "<cbc:LineID> 1 <", "AVAIN-T76-DUPLICATE-LINE"),
        (">20<", ">-1<", "AVAIN-T76-NUMBER"),
        (">20<", f">1{'0' * 12}<", "AVAIN-T76-NUMBER"),
        (">62.50<", ">-62.50<", "AVAIN-T76-NUMBER"),
        (">1</cbc:BaseQuantity", ">0</cbc:BaseQuantity", "AVAIN-T76-BASE-QUANTITY"),
        ('<cbc:BaseQuantity unitCode="HUR">', '<cbc:BaseQuantity unitCode="DAY">', "AVAIN-T76-PRICE-UNIT"),
        ('currencyID="EUR"', 'currencyID="SEK"', "AVAIN-T76-CURRENCY"),
        ("Aloitus siirtyy", "Asiakas 100190-999P", "AVAIN-T76-PRIVACY"),
    ],
)  # fmt: skip
def test_each_mistake_breaks_its_rule(old, new, rule):
    assert broken(old, new)[rule] == "fatal"
    assert rule in OFFICIAL_RESPONSE_RULES | RESPONSE_GAPS.ids()


def test_accepting_with_changes_needs_lines():
    lines = GOLDEN[GOLDEN.index("<cac:OrderLine>") : GOLDEN.rindex("</OrderResponse>")]
    assert broken(lines, "") == {"PEPPOL-T76-R007": "fatal"}


@pytest.mark.parametrize(("party", "rule"), [("Seller", "R002"), ("Buyer", "R001")])
def test_a_party_needs_a_name_or_an_identifier(party, rule):
    start = GOLDEN.index(f"<cac:{party}")
    part = GOLDEN[start : GOLDEN.index("</cac:Party>", start)]
    ids = part[part.index("<cac:PartyIdentification>") : part.index("<cac:PartyLegalEntity>")]
    legal = part[part.index("<cac:PartyLegalEntity>") :]
    assert broken(part, part.replace(ids, "").replace(legal, "")) == {f"PEPPOL-T76-{rule}": "fatal"}
    assert broken(part, part.replace(ids, "")) == broken(part, part.replace(legal, "")) == {}


def test_what_may_be_meant_is_only_a_warning():
    assert broken(">3<", ">5<") == {"AVAIN-T76-NO-CHANGE": "warning"}
    says_what = GOLDEN[GOLDEN.index("<cbc:Quantity") : GOLDEN.index("<cac:Item>")]
    assert broken("<cbc:Note>Alkaa vasta lokakuussa</cbc:Note>", "") == {}
    changed = GOLDEN.replace("<cbc:Note>Alkaa vasta lokakuussa</cbc:Note>", "").replace(says_what, "")
    assert [found.rule for found in check_response(xml.parse(changed.encode()))] == ["AVAIN-T76-WHAT-CHANGED"]


def test_an_added_line_may_name_a_line_that_another_answers():
    added = GOLDEN.replace(">5<", ">1<").replace("<cbc:LineID>2<", "<cbc:LineID>1<")
    assert check_response(xml.parse(added.encode())) == []


def test_another_document_is_not_taken_for_a_faultless_response():
    (finding,) = check_response(xml.parse(b"<Order/>"))
    assert (finding.rule, finding.severity, finding.location) == ("AVAIN-T76-DOCUMENT", "fatal", "/Order")


def test_an_empty_response_misses_everything_and_raises_nothing():
    root = GOLDEN[GOLDEN.index("<OrderResponse") : GOLDEN.index(">", GOLDEN.index("<OrderResponse"))] + "/>"
    found = [finding.rule for finding in check_response(xml.parse(root.encode()))]
    assert {f"PEPPOL-T76-B0010{number}" for number in range(1, 10)} <= set(found)
