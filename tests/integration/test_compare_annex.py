"""The annex for the steering group: one page whatever there is to say, accessible, in three languages, about prices and never about a client."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.budget_settings import Budgets, ExtraRule
from core.i18n import speaking
from documents.pdf import page_count
from services.compare.annex import annex
from tests.factories.case import make_choice, make_plan_item
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.factories.provider import make_provider
from tests.support.market import Market, ask, case_of, compared
from tests.support.pdf import root, tags_of, title, words

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
FACTS = {
    "areas": ["Espoo", "Kauniainen"], "languages": ["fi", "sv"], "home_visits": True, "earliest_start_days": 14,
    "specialisation": ["ADHD", "autismin kirjo"],
}  # fmt: skip


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def printed(comparison, language="en") -> bytes:
    return annex(comparison, made_by="enni", now=NOW, language=language)


def said(document: bytes) -> str:
    return words(document).replace("\u00a0", " ")


def test_it_says_what_is_replaced_what_it_costs_elsewhere_and_where_that_stands(session, market):
    listed = make_price_list(session, make_price_source(session, market.two), file_name="tukipolku.xlsx")
    seller = make_provider(session, name="Kolmas Oy (keksitty)", facts=FACTS)
    make_price(session, market.coaching, seller, "85.00", price_list=listed, position="17", last=date(2027, 5, 31))
    key = make_price_key(session, market.coaching, seller, unit="KMT", extra="travel")
    make_price(session, market.coaching, seller, "0.50", key=key, price_list=listed, position="18")
    rule = ExtraRule(extra="travel", unit="KMT", quantity=Decimal(4))
    found = ask(session, settings=Budgets(extras=[rule]))
    assert found.reference is not None
    document = printed(found)
    text = said(document)
    for part in (
        "Comparison of alternatives",
        "2026-11-16–2027-02-15",
        "perhetyö, 12 visits",
        "€89.50/visit, in force on 2026-11-16",
        found.reference.sha256[:12],
        "€1,074.00; with the tolerance of 5 % €1,127.70",
        "Kolmas Oy (keksitty)",
        "Espoo, Kauniainen, ADHD, autismin kirjo, fi, sv, home visits, starts in 14 d",
        "12 × €85.00/visit",
        "+ travel, 48 kilometres: €24.00",
        "€1,044.00",
        "fits, cheapest",
        "€30.00 left",
        "2027-05-31",
        "tukipolku.xlsx:17",
        listed.sha256[:12],
        "cannot be told 1)",
        "1) Priced in another unit than",
        "only what the money buys can be told",
        "Prices may change",
        "Made by enni on 16.11.2026 06.00.",
    ):
        assert part in text, part
    assert "HB-" not in text
    assert "best" in text, "cheapest is said not to mean best"
    assert page_count(document) == 1


def test_it_is_an_accessible_document(session, market):
    document = printed(ask(session))
    catalogue = root(document)
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en"
    assert title(document) == "Comparison of alternatives"
    assert len(tags_of(document, "/Table")) == 1
    assert len(tags_of(document, "/TH")) == 6
    assert len(tags_of(document, "/TR")) == 1 + len(ask(session).offers)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_sixty_alternatives_are_one_page_in_every_language(session, market, language):
    for number in range(60):
        seller = make_provider(session, name=f"Palveluntuottaja numero {number} Oy (keksitty)", facts=FACTS)
        make_price(session, market.coaching, seller, f"{70 + number}.00")
    with speaking(language):
        found = ask(session)
        document = printed(found, language)
    shown = len(tags_of(document, "/TR")) - 1
    assert page_count(document) == 1
    assert 6 <= shown < 30
    assert str(len(found.offers) - shown) in said(document)
    assert root(document)["/Lang"] == language
    names = [offer.provider for offer in found.offers[:shown]]
    assert all(name in said(document) for name in names)


def test_one_page_for_texts_nobody_would_write(session, market):
    endless = {"areas": ["Pitkäkaupunki"] * 400, "specialisation": ["x" * 900]}
    for number in range(4):
        seller = make_provider(session, name=f"{number}" + "W" * 700, facts=endless)
        listed = make_price_list(session, make_price_source(session, seller), file_name="f" * 300 + ".csv")
        make_price(session, market.coaching, seller, "80.00", price_list=listed, position="rivi " * 40)
    market.family_work.name_fi = "perhetyö " * 200
    session.flush()
    document = printed(ask(session))
    assert page_count(document) == 1
    assert len(tags_of(document, "/TR")) > 2


def test_names_are_never_markup(session, market):
    seller = make_provider(session, name='#panic("x") *Oy* $1$ <b> \u202e@keksitty')
    make_price(session, market.coaching, seller, "80.00")
    assert '#panic("x") *Oy* $1$ <b> @keksitty' in said(printed(ask(session)))


def test_with_a_case_its_number_stands_there_and_nothing_of_the_client(session, market):
    decision = market.decided(number="P-2026-101")
    item = make_plan_item(session, decision, market.coaching, external_id="I-1")
    make_choice(session, item, market.two, reason="lapsi tapasi valmentajan")
    (found,) = compared(session, decision)
    text = said(printed(found))
    assert f"Case {case_of(session, decision)}, decision P-2026-101 · I-1" in text
    assert "chosen" in text
    assert "tapasi" not in text


def test_the_chosen_one_is_shown_however_dear(session, market):
    decision = market.decided()
    item = make_plan_item(session, decision, market.coaching)
    for number in range(40):
        market.sold_alone(f"{70 + number}.00")
    dear = make_provider(session, name="Kallein Oy (keksitty)")
    make_price(session, market.coaching, dear, "400.00")
    make_choice(session, item, dear)
    (found,) = compared(session, decision)
    document = printed(found)
    assert "Kallein Oy (keksitty)" in said(document)
    assert page_count(document) == 1


def test_nothing_to_show_is_said(session, market):
    document = printed(ask(session, baseline="ADHD-T", unit="MON"))
    assert "only what the money buys" in said(document) or "nothing to compare" in said(document)
    lonely = ask(session, baseline=market.family_work.code, unit="MON")
    assert "nothing to compare with" in said(printed(lonely))


def test_the_same_comparison_gives_the_same_bytes(session, market):
    found = ask(session)
    assert printed(found) == printed(found)
