"""Our T19 rules on catalogues that break one thing each; their agreement with the official ones is tests/integration/test_official_catalogue_rules.py."""

import pytest

from documents import xml
from documents.peppol_rules import CATALOGUE_GAPS, OFFICIAL_CATALOGUE_RULES, check_catalogue
from documents.schemas import check_schema
from tests.support.catalogues import catalogue, line, price, territory, vat

SELLER = "<cac:SellerSupplierParty><cac:Party><cac:PartyName><cbc:Name>Tuki Oy</cbc:Name></cac:PartyName></cac:Party></cac:SellerSupplierParty>"
CONTRACTOR = SELLER.replace("SellerSupplierParty", "ContractorCustomerParty")
QUANTITIES = '<cbc:MinimumOrderQuantity unitCode="HUR">1</cbc:MinimumOrderQuantity><cbc:MaximumOrderQuantity unitCode="HUR">9</cbc:MaximumOrderQuantity>'
GOOD = catalogue(
    line("A", price("60", start="2026-02-01", end="2026-06-30"), price("61", base="1", minimum="2", more=territory("Espoo"))),
    line("B", price("70", end="2026-06-30"), price("72", start="2026-07-01"), tax=vat("S", "25.5"), start="2026-01-02"),
    line("C", price("80"), number="3", more=QUANTITIES),
    seller=SELLER + CONTRACTOR,
).decode()  # fmt: skip


def broken(text):
    return {finding.rule for finding in check_catalogue(xml.parse(text.encode()))}


def test_the_good_catalogue_is_valid_and_breaks_no_rule():
    tree = xml.parse(GOOD.encode())
    assert check_schema(tree, "Catalogue") == []
    assert check_catalogue(tree) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<cbc:ID>HINNASTO-2026</cbc:ID>", "", "PEPPOL-T19-B00103"),
        ("<cbc:CustomizationID>", "<cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:CustomizationID>", "PEPPOL-T19-B00110"),
        (">2025-11-01<", ">1.11.2025<", "PEPPOL-COMMON-R030"),
        (">HVA-2026-77<", "> <", "PEPPOL-COMMON-R001"),
        ('schemeID="0216"', 'schemeID="0037"', "PEPPOL-T19-B01702"),
        ('unitCode="HUR">2<', 'unitCode="tunti">2<', "PEPPOL-T19-B15302"),
        ("<cbc:Name>ADHD-valmennus</cbc:Name>", "", "PEPPOL-T19-B17701"),
        ('currencyID="EUR"', 'currencyID="EURO"', "PEPPOL-T19-B16802"),
        ("<cbc:IssueDate>", "<cbc:ActionCode>Insert</cbc:ActionCode><cbc:IssueDate>", "PEPPOL-T19-B00501"),
        ("<cbc:OrderableUnit>", "<cbc:ActionCode>Replace</cbc:ActionCode><cbc:OrderableUnit>", "PEPPOL-T19-B11401"),
        (">2026-01-01<", ">2027-01-01<", "PEPPOL-T19-R001"),
        (SELLER, SELLER.replace("PartyName", "PostalAddress"), "PEPPOL-T19-R004"),
        (CONTRACTOR, CONTRACTOR.replace("PartyName", "PostalAddress"), "PEPPOL-T19-R005"),
        (">60<", ">-60<", "PEPPOL-T19-R006"),
        (">60<", ">kuusikymmentä<", "PEPPOL-T19-R006"),
        (">2026-01-02<", ">2025-12-31<", "PEPPOL-T19-R007"),
        (">9</cbc:MaximumOrderQuantity>", ">-9</cbc:MaximumOrderQuantity>", "PEPPOL-T19-R008"),
        (">1</cbc:MinimumOrderQuantity>", ">-1</cbc:MinimumOrderQuantity>", "PEPPOL-T19-R009"),
        (">9</cbc:MaximumOrderQuantity>", ">0.5</cbc:MaximumOrderQuantity>", "PEPPOL-T19-R010"),
        (">2026-02-01<", ">2025-02-01<", "PEPPOL-T19-R011"),
        ("SellersItemIdentification", "BuyersItemIdentification", "PEPPOL-T19-R012"),
        ("<cbc:StartDate>2026-01-02</cbc:StartDate>", "<cbc:StartDate>2026-03-02</cbc:StartDate><cbc:EndDate>2026-03-01</cbc:EndDate>", "PEPPOL-T19-R013"),
        ("<cbc:Percent>25.5</cbc:Percent>", "", "PEPPOL-T19-R014"),
        (">25.5<", ">0<", "PEPPOL-T19-R015"),
        (">2026-02-01<", ">2026-07-01<", "PEPPOL-T19-R016"),
        ("catalogue_wo_response", "ordering", "PEPPOL-T19-R017"),
        ("trns:catalogue:3", "trns:catalogue:2", "PEPPOL-T19-R018"),
        ("003701234562", "0037-0123456-2", "AVAIN-T19-ADDRESS"),
        ("<cbc:OrderableUnit>", "<cbc:ActionCode>Update</cbc:ActionCode><cbc:OrderableUnit>", "AVAIN-T19-LINE-ACTION"),
        ("<cbc:ID>B</cbc:ID>", "<cbc:ID>a</cbc:ID>", "AVAIN-T19-DUPLICATE-ITEM"),
        (">2026-07-01<", ">2026-06-30<", "AVAIN-T19-OVERLAP"),
    ],
)  # fmt: skip
def test_each_mistake_breaks_its_rule(old, new, rule):
    assert old in GOOD
    assert rule in broken(GOOD.replace(old, new, 2 if "ItemIdentification" in old else 1))
    assert rule in OFFICIAL_CATALOGUE_RULES | CATALOGUE_GAPS.ids()


def test_a_change_is_no_contradiction_in_an_update():
    text = GOOD.replace("<cbc:OrderableUnit>", "<cbc:ActionCode>Delete</cbc:ActionCode><cbc:OrderableUnit>", 1)
    update = text.replace("<cbc:IssueDate>", "<cbc:ActionCode>Update</cbc:ActionCode><cbc:IssueDate>")
    assert broken(text) == {"AVAIN-T19-LINE-ACTION"}
    assert broken(update) == set()
    assert broken(update.replace(">Update<", ">Add<", 1)) == {"AVAIN-T19-LINE-ACTION"}


def test_prices_for_other_units_quantities_and_places_do_not_overlap():
    prices = [
        price(),
        price(base="2"),
        price(base="1", unit="DAY"),
        price(minimum="10"),
        price(more=territory("Espoo")),
        price(more=territory("Vantaa")),
    ]
    assert broken(catalogue(line("A", *prices)).decode()) == set()
    for again in (price(base="1.0"), price(base="2.00"), price(minimum="10.0"), price(more=territory("Espoo"))):
        assert broken(catalogue(line("A", *prices, again)).decode()) == {"AVAIN-T19-OVERLAP"}


def test_another_document_is_not_taken_for_a_faultless_catalogue():
    (finding,) = check_catalogue(xml.parse(b"<Invoice/>"))
    assert (finding.rule, finding.severity, finding.location) == ("AVAIN-T19-DOCUMENT", "fatal", "/Invoice")


def test_an_empty_catalogue_misses_everything_and_raises_nothing():
    root = GOOD[GOOD.index("<Catalogue") : GOOD.index(">", GOOD.index("<Catalogue"))] + "/>"
    assert {f"PEPPOL-T19-B0010{number}" for number in range(1, 9)} <= broken(root)


def test_a_mistake_in_every_line_is_not_looked_for_in_all_of_them():
    tree = xml.parse(catalogue(*(line(f"A{number}", price("-1")) for number in range(30))))
    assert len(check_catalogue(tree)) == 30
    assert [finding.rule for finding in check_catalogue(tree, most=10)] == ["PEPPOL-T19-R006"] * 10
