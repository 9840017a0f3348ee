"""The paper of a stored order says what was ordered, read in two queries however long the order is, and nothing about a person."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from core.budget_settings import Budgets, ExtraRule
from core.clock import local_date
from core.errors import InputError, NotFound
from core.order_settings import Orders, Terms
from core.settings import Organisation
from models.order import PurchaseOrder
from models.provider import Contract
from services.orders.approving.proposing import propose
from services.orders.sending.paper import paper_of, paper_of_proposal, write_pdf
from services.orders.sending.paper_values import Invoicing, Link, Paper
from tests.factories.price import make_price, make_price_key
from tests.support.ordering import NOW, World, add_item, make_world, order
from tests.support.pdf import words
from tests.support.queries import recording

ORGANISATION = Organisation(einvoice_address="003799999992", einvoice_operator="Esimerkkivälittäjä")
TERMS = Orders(
    no_show=Terms(fi="Puolet hinnasta.", sv="Hälften av priset."),
    cancellation=Terms(fi="Kaksi viikkoa.", en="Two weeks."),
)


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def ordered(session: Session, world: World, *more: int) -> PurchaseOrder:
    (stored,) = order(session, world.item, *more, organisation=ORGANISATION).orders
    return stored


def read(session: Session, stored: PurchaseOrder, **links: Link) -> Paper:
    return paper_of(session, stored.id, organisation=ORGANISATION, orders=TERMS, **links)


def test_it_says_what_was_ordered(session: Session, world: World) -> None:
    stored = ordered(session, world)
    link = Link("https://avain.esimerkki.invalid/reply/x", date(2027, 1, 15))
    paper = read(session, stored, reply_link=link, delivered_link=link)
    assert (paper.number, paper.client_reference) == (stored.number, stored.client_reference)
    assert (paper.seller.name, paper.seller.business_id) == (world.provider.name, world.provider.business_id)
    assert (paper.buyer.name, paper.buyer.mail) == (ORGANISATION.name, "palveluohjaus@esimerkki.invalid")
    assert (paper.decision_number, paper.decision_date) == (world.decision.number, world.decision.decided_on)
    assert (paper.first, paper.last + timedelta(days=1)) == (stored.period.lower, stored.period.upper)
    assert paper.contract == session.get_one(Contract, stored.contract_id).number
    assert (paper.total.net, paper.total.vat, paper.total.gross) == (
        stored.total_net,
        stored.total_vat,
        stored.total_gross,
    )
    (line,) = paper.lines
    assert (line.service, line.quantity, line.unit, line.price) == (
        world.service.name_fi,
        Decimal(12),
        "C62",
        Decimal("88.00"),
    )
    assert paper.invoicing == Invoicing("003799999992", "Esimerkkivälittäjä")
    assert (paper.reply, paper.report) == (link, link)
    text = words(write_pdf(paper, "en"))
    assert stored.number in text
    assert world.worker.name not in text
    assert world.case.number not in text


def test_names_and_terms_are_in_the_language_of_the_provider(session: Session, world: World) -> None:
    world.service.name_sv = "ADHD-coachning"
    stored = ordered(session, world)
    found = {}
    for language in ("fi", "sv", "en"):
        world.provider.language = language
        session.flush()
        paper = read(session, stored)
        found[language] = (paper.lines[0].service, paper.no_show, paper.cancellation)
        assert write_pdf(paper) == write_pdf(paper, language)
    assert found == {
        "fi": (world.service.name_fi, "Puolet hinnasta.", "Kaksi viikkoa."),
        "sv": ("ADHD-coachning", "Hälften av priset.", "Kaksi viikkoa."),
        "en": (world.service.name_fi, "Puolet hinnasta.", "Two weeks."),
    }


def test_a_contracts_own_terms_go_before_the_organisations(session: Session, world: World) -> None:
    stored = ordered(session, world)
    contract = session.get_one(Contract, stored.contract_id)
    contract.no_show_terms, contract.cancellation_terms = "Koko hinta.", "Kuukausi."
    session.flush()
    paper = read(session, stored)
    assert (paper.no_show, paper.cancellation) == ("Koko hinta.", "Kuukausi.")
    assert paper_of(session, stored.id, organisation=Organisation(), orders=Orders()).invoicing is None


def test_what_comes_beside_a_service_is_a_line_of_its_own(session: Session, world: World) -> None:
    key = make_price_key(session, world.service, world.provider, unit="KMT", extra="travel")
    make_price(session, world.service, world.provider, "0.50", key=key)
    rule = ExtraRule(extra="travel", unit="KMT", quantity=Decimal(4))
    (stored,) = order(session, world.item, budgets=Budgets(extras=[rule])).orders
    paper = read(session, stored)
    assert [(line.number, line.extra, line.unit) for line in paper.lines] == [(1, "", "C62"), (2, "travel", "KMT")]
    assert "(travel)" in words(write_pdf(paper, "en"))


def test_two_queries_however_long_the_order_is(session: Session, world: World) -> None:
    stored = ordered(session, world, *(add_item(session, world, price="1.00").id for _ in range(5)))
    with recording(session) as statements:
        paper = read(session, stored)
    assert len(paper.lines) == 6
    assert len(statements) == 2


def test_a_proposal_is_the_paper_of_the_order_it_would_be_but_for_what_only_an_order_has(
    session: Session, world: World
) -> None:
    key = make_price_key(session, world.service, world.provider, unit="KMT", extra="travel")
    make_price(session, world.service, world.provider, "0.50", key=key)
    ids = [world.item.id, add_item(session, world, price="1.00").id]
    budgets = Budgets(extras=[ExtraRule(extra="travel", unit="KMT", quantity=Decimal(4))])
    (draft,) = propose(session, ids, now=NOW, settings=TERMS, organisation=ORGANISATION, budgets=budgets)
    today = local_date(NOW)
    with recording(session) as statements:
        proposed = paper_of_proposal(session, draft, organisation=ORGANISATION, orders=TERMS, today=today)
    assert len(statements) == 1
    (stored,) = order(session, *ids, budgets=budgets).orders
    paper = read(session, stored)
    assert proposed == replace(paper, number="", client_reference="")
    assert "Nothing has been ordered yet" in words(write_pdf(proposed, "en"))
    (refused,) = propose(session, ids[:1], now=NOW, settings=TERMS, organisation=ORGANISATION, budgets=budgets)
    with pytest.raises(InputError, match="already ordered"):
        paper_of_proposal(session, refused, organisation=ORGANISATION, orders=TERMS, today=today)


def test_an_order_there_is_none_of(session: Session) -> None:
    with pytest.raises(NotFound):
        paper_of(session, 0, organisation=ORGANISATION, orders=TERMS)
