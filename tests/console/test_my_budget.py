"""What a family sees of its own budget: figures as fresh as the statement's, nothing of anybody else's, three languages, few statements."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from models.case import Client
from models.family import FamilyProposal, FamilyRating
from services.budgets import dirty
from services.family import sessions
from tests.factories.base import added
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.order import make_delivered, make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.support.browsing import Browser
from tests.support.families import come_in
from tests.support.family import Family, recompute
from tests.support.pdf import words
from tests.support.queries import recording

LATER = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
EVIL = "Kaveri <b onclick=alert(1)>{paja}</b> & Co"


@pytest.fixture
def family(session):
    """Twelve visits at 80 € ordered and accepted, two of them delivered; the money would do for 13."""
    made = Family(session)
    made.provider.name = EVIL
    made.price = make_price(session, made.service, made.provider, "80.00")
    made.item = made.plan(session)
    made.case.goals = ["Aamut sujuvat."]
    order = make_order(session, made.decision, made.provider, state="accepted")
    line = make_order_line(session, order, made.item, made.price, "960.00")
    make_delivered(session, line, "2")
    recompute(session, made.decision)
    return made


@pytest.fixture
def browser(family_app, session, family):
    return come_in(family_app, session, family.case)


def here(family, rest=""):
    return f"/my/{family.case.number}{rest}"


def test_the_facts_come_first_then_what_happens_next_and_whom_to_ask(session, family, browser):
    page = browser.get(here(family), params={"lang": "en"})
    assert page.status == 200
    heads = [one.text_content().strip() for one in page.all("//main//h2")]
    assert heads == [
        "In short", "What happens next", "Who helps you?", "Where the money goes", "Your service", "Your goals", "What you can do",
    ]  # fmt: skip
    assert [one.text_content() for one in page.all("//ul[@class='facts']/li/strong")] == ["10 visits", "€914"]
    assert "Your own worker" in page.text
    assert f"12 visits, 2026-11-23 – 2027-02-22, {EVIL}" in page.text
    assert f"{EVIL} has promised to give you this." in page.text
    assert "Aamut sujuvat." in page.text
    assert page.all("//main//b[@onclick]") == [], "a provider's name is no markup"
    assert len(page.all("//p[@class='dots']/i[@class='used']")) == 2
    event = session.execute(
        text("SELECT actor, subject, details FROM audit_event WHERE action = 'family.viewed'")
    ).one()
    assert event.actor.startswith("family:link-")
    assert event.subject == f"case:{family.case.number}"


def test_nothing_of_ours_stands_on_it(session, family, browser):
    order = session.execute(text("SELECT number FROM purchase_order")).scalar_one()
    page = browser.get(here(family))
    for secret in (order, family.worker.external_id, family.case.external_id, "sha256", ".csv", "C62"):
        assert secret not in page.text
    assert "<style" not in page.answer.text
    assert " style=" not in page.answer.text


def test_it_is_as_fresh_as_what_is_known(session, family, browser):
    family.item.quantity = Decimal(13)
    session.flush()
    dirty.mark_decisions(session, [family.decision.id], "choice")
    assert "of 13" in browser.get(here(family), params={"lang": "en"}).text
    assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() == 0, "calculated once"


def test_a_budget_others_calculate_is_shown_as_it_was(session, family, browser, monkeypatch):
    monkeypatch.setattr("services.family.overview.make_fresh_soon", lambda *_, **__: False)
    assert "The newest figures are here in a moment." in browser.get(here(family), params={"lang": "en"}).text


def test_the_number_of_statements_does_not_grow(session, family, browser):
    with recording(session) as few:
        browser.get(here(family))
    for _ in range(3):
        other = make_decision(
            session,
            family.case,
            baseline_service_id=family.baseline.id,
            baseline_quantity=Decimal(9),
            baseline_unit="C62",
        )
        for _ in range(2):
            item = make_plan_item(session, other, family.service)
            make_choice(session, item, family.provider)
            make_order_line(session, make_order(session, other, family.provider), item, family.price, "960.00")
            added(
                session,
                FamilyRating(
                    case_id=family.case.id,
                    plan_item_id=item.id,
                    voice="child",
                    rating=5,
                    rated_by="family:link-1",
                    rated_at=LATER,
                ),
            )
        recompute(session, other)
    with recording(session) as many:
        page = browser.get(here(family))
    assert len(page.all("//ul[@class='facts']")) == 4
    assert len(many) == len(few) <= 22


def test_a_case_that_comes_under_non_disclosure_between_two_clicks_is_gone(session, family, browser):
    assert browser.get(here(family)).status == 200
    session.get_one(Client, family.case.client_id).non_disclosure = True
    session.flush()
    for rest in ("", "/alternatives", "/child", "/statement.pdf"):
        answer = browser.client.get(here(family, rest), follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/my/in")


def test_a_case_that_comes_under_non_disclosure_during_the_click_is_gone_too(session, family, browser, monkeypatch):
    """Between finding out who asks and reading the case another transaction may have committed it."""
    found = sessions.find

    def find(*given, **named):
        family_ = found(*given, **named)
        session.execute(text("UPDATE client SET non_disclosure = true"))
        return family_

    monkeypatch.setattr("services.family.sessions.find", find)
    assert browser.get(here(family)).status == 404


def test_anothers_case_does_not_exist(session, family, browser):
    other = make_case(session)
    for number in (other.number, "HB-2026-999999"):
        for rest in ("", "/alternatives", "/child", "/statement.pdf"):
            page = browser.get(f"/my/{number}{rest}", params={"lang": "en"})
            assert page.status == 404
            assert "There is no such page." in page.text


def test_one_case_opens_at_once_and_several_are_a_list(session, family, browser):
    assert browser.client.get("/my", follow_redirects=False).headers["location"] == here(family)
    link = session.execute(text("SELECT id FROM family_link")).scalar_one()
    session.execute(text("UPDATE client SET blind_index = '\\x01' WHERE id = :id"), {"id": family.case.client_id})
    other = make_case(session)
    session.execute(text("UPDATE client SET blind_index = '\\x01' WHERE id = :id"), {"id": other.client_id})
    session.execute(
        text("UPDATE family_session SET link_id = NULL, blind_index = '\\x01' WHERE link_id = :link"), {"link": link}
    )
    page = browser.get("/my", params={"lang": "en"})
    assert page.status == 200
    assert {f"/my/{one.number}" for one in (family.case, other)} == set(page.all("//main//a/@href"))
    assert family.service.name_fi in page.text
    seen = session.execute(text("SELECT subject FROM audit_event WHERE action = 'family.viewed'")).scalars().all()
    assert sorted(seen) == sorted(f"case:{one.number}" for one in (family.case, other))
    assert "All your cases" in browser.get(here(family), params={"lang": "en"}).text


def test_a_case_without_a_budget_says_what_comes(session, family_app):
    case = make_case(session)
    page = come_in(family_app, session, case).get(f"/my/{case.number}", params={"lang": "en"})
    assert page.status == 200
    assert "There is no budget yet. Your worker tells you when it has been decided." in page.text
    assert [one for one in page.all("//main//a/@href") if one.endswith((".pdf", "/propose", "/alternatives"))] == []


def test_who_only_looks_is_offered_nothing_to_do(session, family, family_app):
    page = come_in(family_app, session, family.case, "support").get(here(family))
    assert page.status == 200
    acts = [one for one in page.all("//main//a/@href") if one.endswith(("/propose", "/rate", "/wishes", "/support"))]
    assert acts == []


def test_a_proposal_is_told_and_what_a_child_answered_is_not(session, family, browser):
    values = {"case_id": family.case.id, "plan_item_id": family.item.id, "voice": "child"}
    added(
        session,
        FamilyProposal(**values, provider_id=family.provider.id, proposed_by="family:link-1", proposed_at=LATER),
    )
    for rating in (2, 5):
        added(session, FamilyRating(**values, rating=rating, rated_by="family:link-1", rated_at=LATER))
    page = browser.get(here(family), params={"lang": "en"})
    assert f"You have proposed {EVIL}. Your worker answers you." in page.text
    assert "5 out of 5" not in page.text
    assert "5/5" not in page.text


def test_a_child_sees_visits_and_no_money(session, family, browser):
    page = browser.get(here(family, "/child"), params={"lang": "en"})
    assert page.status == 200
    assert "Left: 10 visits" in page.text
    assert f"You meet: {EVIL}." in page.text
    assert "€" not in page.text
    assert page.all(f"//a[@href='{here(family, '/rate?voice=child')}']")
    assert page.all(f"//a[@href='{here(family, '/wishes?voice=child')}']")


def test_a_child_can_tell_how_it_has_been_when_all_is_over(session, family, browser):
    family.decision.ended_at = LATER
    session.flush()
    recompute(session, family.decision, now=LATER)
    page = browser.get(here(family, "/child"), params={"lang": "en"})
    assert "There is nothing here just now." in page.text
    assert page.all(f"//a[@href='{here(family, '/rate?voice=child')}']")


def test_the_statement_is_the_worker_s_and_recorded_with_its_sha256(session, family, browser):
    answer = browser.client.get(here(family, "/statement.pdf"), params={"lang": "sv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert f"{family.case.number}-sv.pdf" in answer.headers["content-disposition"]
    assert "Din personliga budget" in words(answer.content)
    event = session.execute(text("SELECT actor, details FROM audit_event WHERE action = 'budget.statement_made'")).one()
    assert event.actor.startswith("family:link-")
    assert set(event.details) == {"language", "sha256"}


def test_what_the_same_money_buys(session, family, browser):
    dear = make_provider(session, name="Kallis Oy")
    make_price(session, family.service, dear, "120.00")
    other = make_service(session)
    session.execute(
        text("INSERT INTO service_alternative (baseline_id, alternative_id) VALUES (:b, :a)"),
        {"b": family.baseline.id, "a": other.id},
    )
    make_price(session, other, dear, "50.00")
    hourly = make_provider(session, name="Tunti Oy")
    make_price(session, other, hourly, "40.00", key=make_price_key(session, other, hourly, unit="HUR"))
    page = browser.get(here(family, "/alternatives"), params={"lang": "en"})
    assert page.status == 200
    assert "There is €1,074 for this." in page.text
    assert "12 visits: €960 in all" in page.text
    assert "The money is enough for: 13 visits." in page.text
    assert "It costs €366 more than there is. Ask your worker what can be done." in page.text
    assert "This has been ordered already." in page.text
    assert "It is counted in another way than what is planned" in page.text
    assert "The money is enough for: 26." in page.text
    assert len(page.all("//span[@class='tag'][.='Lowest price']")) == 1
    assert page.all("//a[contains(@href, '/propose')]") == [], "it is ordered"
    assert page.all("//main//b[@onclick]") == []
    assert (
        session.execute(text("SELECT subject FROM audit_event WHERE action = 'family.compared'")).scalar_one()
        == f"case:{family.case.number}"
    )


def test_what_is_not_ordered_can_be_proposed(session, family_app):
    family = Family(session)
    make_price(session, family.service, family.provider, "80.00")
    item = family.plan(session, choose=False)
    recompute(session, family.decision)
    browser = come_in(family_app, session, family.case)
    page = browser.get(here(family, "/alternatives"), params={"item": item.external_id, "lang": "en"})
    assert page.all(f"//a[@href='{here(family)}/propose?item={item.external_id}&provider={family.provider.id}']")
    assert "choose who gives it to you" in browser.get(here(family)).text
    assert browser.get(here(family, "/alternatives"), params={"item": "none"}).status == 404
    looking = come_in(family_app, session, family.case, "support").get(here(family, "/alternatives"))
    assert looking.all("//a[contains(@href, '/propose')]") == []


@pytest.mark.parametrize("ended", ["decision", "case"])
def test_what_is_over_is_told_and_nothing_can_be_chosen(session, family, browser, ended):
    if ended == "case":
        family.case.status = "closed"
    else:
        family.decision.ended_at = LATER
    session.flush()
    recompute(session, family.decision, now=LATER)
    page = browser.get(here(family), params={"lang": "en"})
    assert page.status == 200
    assert ("Your case with us has been closed." in page.text) == (ended == "case")
    assert page.all("//a[contains(@href, '/propose')]") == []
    assert browser.get(here(family, "/alternatives")).status == 200
    assert browser.get(here(family, "/child")).status == 200


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_it_is_read_in_three_languages(family, browser, language):
    for rest in ("", "/alternatives", "/child"):
        page = browser.get(here(family, rest), params={"lang": language})
        assert page.status == 200
        assert page.all("/html/@lang") == [language]


def test_none_of_it_exists_while_it_is_off(app, session, family):
    for rest in ("", "/alternatives", "/child", "/statement.pdf"):
        page = Browser(app).get(here(family, rest), params={"lang": "en"})
        assert page.status == 404
        assert "There is no such page." in page.text
    assert Browser(app).get("/my").status == 404
