"""The paper of an order: accessible, the same twice, in the provider's language, on a page where it fits, and never about a person."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from core.i18n import LANGUAGES, day, money, speaking, translate
from documents.pdf import page_count
from services.orders.sending.paper import write_pdf
from services.orders.sending.paper_values import Buyer, Invoicing, Link, Paper, Seller
from tests.support.order_paper import COACHING, REPLY, TRAVEL, a_paper
from tests.support.pdf import opened, root, tags_of, title, words


def said(paper: Paper, language: str = "en") -> str:
    return words(write_pdf(paper, language)).replace("\u00a0", " ")


def test_the_golden_paper(snapshot: SnapshotAssertion) -> None:
    text = "\n".join(page.extract_text() for page in opened(write_pdf(a_paper(), "en")).pages)
    assert text.replace("\u00a0", " ") == snapshot


def test_it_is_an_accessible_document() -> None:
    document = write_pdf(a_paper(), "fi")
    catalogue = root(document)
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in catalogue["/Metadata"].get_data()
    names = [tag["/S"] for tag in tags_of(document)]
    assert (names.count("/H1"), names.count("/Table"), names.count("/Link")) == (1, 2, 1)
    assert names.count("/TH") == 10
    assert page_count(document) == 1


def test_its_properties_tell_the_number_and_no_more() -> None:
    document = write_pdf(a_paper(), "fi")
    assert title(document) == "T-2026-000123"
    metadata = opened(document).metadata
    assert metadata is not None
    assert {str(value) for name, value in metadata.items() if name in {"/Author", "/Subject", "/Keywords"}} == set()
    properties = root(document)["/Metadata"].get_data()
    for private in ("7F3K9Q2MX47F3K9Q", "2026/451", "Palveluohjaus", "ADHD"):
        assert private.encode() not in properties


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_in_the_language_of_the_provider(language: str) -> None:
    document = write_pdf(a_paper(), language)
    text = words(document).replace("\u00a0", " ")
    assert root(document)["/Lang"] == language
    with speaking(language):
        assert money(Decimal("1083.51")).replace("\u00a0", " ") in text
        assert day(date(2026, 12, 16)) in text
    for sentence in ("Purchase order {number}", "Buyer", "How to answer", "Quantity at most"):
        assert translate(sentence, language).format(number="T-2026-000123") in text
    assert "{" not in text
    assert page_count(document) == 1


def test_another_language_is_finnish() -> None:
    assert write_pdf(a_paper(), "xx") == write_pdf(a_paper(), "fi")


def test_equal_values_give_equal_bytes_and_others_do_not() -> None:
    assert write_pdf(a_paper(), "sv") == write_pdf(a_paper(), "sv")
    assert write_pdf(a_paper(issue_date=date(2026, 11, 11)), "sv") != write_pdf(a_paper(), "sv")


def test_what_is_ordered_is_a_maximum_with_vat_by_rate() -> None:
    text = said(a_paper())
    for part in (
        "1 ADHD-valmennus 2026-11-16–2027-02-15 12 visits €88.00/visit €1,056.00",
        "48 kilometres €0.4567 €/kilometre, VAT 0 % €27.51".replace("€0.4567 €", "0.4567 €"),
        "exempt from VAT €1,056.00 €0.00 €1,056.00",
        "VAT 25.5 % €21.92 €5.59 €27.51",
        "All €1,077.92 €5.59 €1,083.51",
        "This order is a maximum: €1,083.51 with VAT",
        "7F3K9Q2MX47F3K9Q. It stands for the client. Quote it, and never a name.",
        "2026/451, 2026-11-09",
    ):
        assert part in text, part
    with_vat = said(a_paper(lines=(replace(TRAVEL, vat_inclusive=True),)))
    assert "0.4567 €/kilometre with VAT" in with_vat
    assert "All " not in with_vat, "one VAT needs no sum of sums"


@pytest.mark.parametrize(
    ("category", "named"), [("Z", "VAT 0 %"), ("AE", "reverse charge"), ("O", "outside VAT"), ("?", "VAT 0 %")]
)
def test_vat_without_a_rate_has_a_name(category: str, named: str) -> None:
    assert f"{named} €1,056.00 €0.00" in said(a_paper(lines=(replace(COACHING, vat_category=category),)))


def test_the_link_leads_where_it_says_and_is_printed_whole() -> None:
    document = write_pdf(a_paper(), "en")
    (link,) = [one.get_object()["/A"]["/URI"] for page in opened(document).pages for one in page.get("/Annots", [])][:1]
    assert link == REPLY.url
    printed = "".join(page.extract_text() for page in opened(document).pages)
    assert "\u200b" not in printed, "copied by hand it must be the same address"
    assert REPLY.url in "".join(printed.split())
    assert "Answer on this page until 2026-12-16" in words(document)


def test_what_was_delivered_is_told_on_a_page_of_its_own() -> None:
    report = Link("https://avain.esimerkki.invalid/toteuma/x", date(2027, 3, 15))
    text = said(a_paper(report=report))
    assert "What was delivered Tell on this page what was delivered, until 2027-03-15." in text
    assert report.url in text
    assert page_count(write_pdf(a_paper(report=report), "fi")) == 1
    assert "What was delivered" not in said(a_paper())


def test_what_is_not_known_is_left_out() -> None:
    bare = a_paper(
        reply=None, invoicing=None, no_show="", cancellation="\n", contract=None, decision_date=None,
        buyer=Buyer("Esimerkin hyvinvointialue", "1234567-1"),
    )  # fmt: skip
    text = said(bare)
    for part in ("E-invoice", "does not come", "Cancelling", "Contract:", "Unit:", "None", "password"):
        assert part not in text, part
    assert "Answer by the channel the order came by. Quote the order number." in text
    assert "or to palveluohjaus@hva.test." in said(a_paper(reply=None))
    assert "E-invoice address: 003712345671." in said(a_paper(invoicing=Invoicing("003712345671")))


def test_a_proposal_says_that_nothing_is_ordered_yet() -> None:
    document = write_pdf(a_paper(number="", client_reference="", reply=None), "en")
    text = words(document)
    assert text.startswith("Purchase order Nothing has been ordered yet.")
    assert title(document) == "Purchase order, not approved yet"
    for part in ("T-2026", "How to answer", "Quote", "Client reference"):
        assert part not in text


NASTY = [
    '#read("/etc/passwd") *lihava* _kursiivi_ $x^2$',
    "[sulut] @viite <nimi> `koodi` = Otsikko",
    "\\ // huomautus /* ja */ ~ -- #panic()",
    "Tuki & Apu <Oy> &amp; \"lainaus\" 'toinen'",
    "- luettelo + numero / käsite: selitys",
    "שלום 😀 Привет",
]


def printed(text: str) -> str:
    """As papers print it: what the fonts lack is a box."""
    return text.replace("😀", "□")


@pytest.mark.parametrize("text", NASTY)
def test_text_of_others_is_never_markup(text: str) -> None:
    paper = a_paper(
        buyer=Buyer(text, text, text, text), seller=Seller(text, text), decision_number=text, contract=text,
        client_reference=text, lines=(replace(COACHING, service=text, unit="XX"),), invoicing=Invoicing(text, text),
        no_show=text, cancellation=text, number=text,
    )  # fmt: skip
    shown = said(paper)
    letters = [one for one in printed(text).split() if one.isascii()]
    assert all(shown.count(one) >= 12 for one in letters), letters
    assert "root:" not in shown
    assert title(write_pdf(paper, "en")) == printed(text)


def test_right_to_left_and_steering_characters_do_not_turn_the_paper_around() -> None:
    shown = said(a_paper(seller=Seller("Tuki\u202eyO\u2066 \x00\x1b[2J Oy", "0123456-2")))
    assert "TukiyO [2J Oy" in shown
    assert "\u05e9" in said(a_paper(seller=Seller("שלום Oy", "0123456-2")))


def test_a_very_long_order_has_its_headings_on_every_page() -> None:
    lines = tuple(replace(COACHING, number=number) for number in range(1, 1000))
    document = write_pdf(a_paper(lines=lines), "en")
    pages = [page.extract_text() for page in opened(document).pages]
    assert 15 < len(pages) < 40
    with_lines = [page for page in pages if "ADHD-valmennus" in page]
    assert all("Quantity at most" in page for page in with_lines)
    assert "\n999 ADHD-valmennus" in "".join(with_lines)
    assert "€1,054,944.00" in words(document)


def test_long_names_stay_on_the_paper() -> None:
    name = "Neuropsykiatrisen-valmennuksen-ja-elämänhallinnan-tuki " * 8 + "x" * 400
    document = write_pdf(a_paper(lines=(replace(COACHING, service=name),), seller=Seller(name, "0123456-2")), "fi")
    for page in opened(document).pages:
        right = float(page.mediabox.right)
        places: list[float] = []

        def note(_text: str, _user: Any, matrix: Any, _font: Any, _size: Any, into: list[float] = places) -> None:
            into.append(matrix[4])

        page.extract_text(visitor_text=note)
        assert max(places) < right
