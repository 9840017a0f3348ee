"""The page of one case: who may open it, what it tells, and the statement for the family."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.clock import business_now, local_date
from models.base import days
from models.worker import Absence
from tests.factories.base import added
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_price
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import Opener
from tests.support.family import Family, recompute
from tests.support.queries import recording


def make_reader(session, **over):
    """A worker who reads English."""
    return make_worker(session, **{"language": "en", **over})


@pytest.fixture
def family(session):
    """A family with twelve visits planned at 80 €, of a ceiling of 1,074 €."""
    made = Family(session)
    made.worker.language = "en"
    make_price(session, made.service, made.provider, "80.00")
    made.item = made.plan(session)
    recompute(session, made.decision)
    return made


@pytest.fixture
def browser(family, sign_in):
    return sign_in("worker", worker=family.worker.external_id)


def address(family):
    return f"/cases/{family.case.number}"


def actions(session):
    return list(
        session.execute(text("SELECT action FROM audit_event WHERE action NOT LIKE 'console.%' ORDER BY id")).scalars()
    )


def test_the_page_tells_of_case_decision_services_and_budget(session, family, browser):
    family.case.goals = ["Aamut sujuvat."]
    family.case.goals_from_source = True
    family.decision.number_from_source = family.decision.basis_from_source = True
    session.flush()
    page = browser.get(address(family))
    assert page.status == 200
    for said in (
        f"Case {family.case.number}",
        "Responsible workerAino Esimerkki",
        "Aamut sujuvat.",
        f"Decision {family.decision.number}",
        "Steering group's stand2026-11-05",
        f"Official decision2026-11-09, number {family.decision.number}",
        "12 visits",
        family.provider.name,
        "parent",
        "recorded by worker:W-101",
        "€1,074.00",
        "€960.00",
        "€114.00",
    ):
        assert said in page.text
    assert "Non-disclosure" not in page.text
    assert "entered here" not in page.text
    assert page.all("//summary") == []
    assert actions(session) == ["case.viewed"]


def test_the_picture_is_told_in_words_and_keeps_to_the_content_security_policy(family, browser):
    page = browser.get(address(family))
    (picture,) = page.all("//svg")
    assert picture.get("role") == "img"
    told = page.all("//svg/desc")[0].text
    assert told == (
        "Ceiling: €1,074.00. Invoiced: €0.00. Delivered, not invoiced yet: €0.00. Ordered, not delivered yet: €0.00."
        " Planned: €960.00. Free: €114.00."
    )
    widths = {one.get("class"): float(one.get("width")) for one in page.all("//svg/rect")}
    assert widths["part-planned"] / widths["part-ceiling"] == pytest.approx(960 / 1074, abs=0.001)
    html = page.answer.text
    assert not re.search(r"<style|\sstyle=|<script|\son\w+=|https?://", html)


def test_non_disclosure_stands_out(session, family, browser):
    session.execute(text("UPDATE client SET non_disclosure = true WHERE id = :id"), {"id": family.case.client_id})
    page = browser.get(address(family))
    assert page.all("//p[contains(@class, 'wrong')]")[0].text_content().startswith("Non-disclosure (turvakielto).")
    assert "hand the statement over in person only" in page.text


def test_a_closed_case_takes_nothing_in(session, family, browser):
    family.case.status = "closed"
    session.flush()
    page = browser.get(address(family))
    assert page.all("//summary") == []
    assert "The case is closed: nothing more is planned in it." in page.text


def test_a_case_without_decisions_says_so(session, sign_in):
    me = make_reader(session, external_id="ME")
    case = make_case(session, responsible_worker_id=me.id)
    page = sign_in("worker", worker="ME").get(f"/cases/{case.number}")
    assert "No decision is known yet." in page.text
    assert "No goals are known yet." in page.text


def test_a_budget_that_is_not_calculated_yet_is_waited_for(session, sign_in):
    me = make_reader(session, external_id="ME")
    case = make_case(session, responsible_worker_id=me.id)
    decision = make_decision(session, case, number=None)
    page = sign_in("worker", worker="ME").get(f"/cases/{case.number}")
    assert f"Decision {decision.external_id}" in page.text
    assert "The budget has not been calculated yet." in page.text
    assert "no number yet" in page.text


class TestWhoMayOpenIt:
    """The same page for all, or none: nobody learns that a case exists."""

    def test_co_worker_supervisor_and_supervisor_by_unit(self, session, family, sign_in):
        co, own, boss = (make_reader(session) for _ in range(3))
        unit = make_unit(session, supervisor_id=boss.id)
        family.worker.unit_id = unit.id
        family.case.co_worker_id, family.case.supervisor_id = co.id, own.id
        session.flush()
        for role, who, how in (
            ("worker", co, "co_worker"),
            ("supervisor", own, "supervisor"),
            ("supervisor", boss, "supervisor"),
        ):
            assert sign_in(role, worker=who.external_id).get(address(family)).status == 200
            details = session.execute(
                text("SELECT details FROM audit_event WHERE action = 'case.viewed' ORDER BY id DESC LIMIT 1")
            )
            assert details.scalar_one() == {"how": how}

    def test_a_deputy_during_an_absence_only(self, session, family, sign_in):
        deputy = make_reader(session, external_id="DEPUTY")
        today = local_date(business_now(session))
        absence = added(
            session, Absence(worker_id=family.worker.id, deputy_id=deputy.id, period=days(today, today), actor="test")
        )
        browser = sign_in("worker", worker="DEPUTY")
        page = browser.get(address(family))
        assert "You stand in for Aino Esimerkki." in page.text
        absence.cancelled_at = datetime(2026, 1, 1, tzinfo=UTC)
        session.flush()
        assert browser.get(address(family)).status == 404

    @pytest.mark.parametrize("path", ["", "/statement.pdf", "/budgets/1"])
    def test_a_case_of_others_is_like_one_that_does_not_exist(self, session, family, sign_in, path):
        make_reader(session, external_id="OTHER")
        browser = sign_in("worker", "supervisor", worker="OTHER")
        theirs = browser.get(address(family) + path)
        none = browser.get(f"/cases/HB-1999-000001{path}")
        assert (theirs.status, none.status) == (404, 404)
        assert theirs.text.replace(family.case.number, "…") == none.text.replace("HB-1999-000001", "…")
        assert actions(session) == []

    @pytest.mark.parametrize("path", ["identity", "goals", "decisions/1/number", "decisions/1/basis"])
    def test_nothing_is_written_to_a_case_of_others(self, session, family, sign_in, path):
        make_reader(session, external_id="OTHER")
        browser = sign_in("worker", worker="OTHER")
        csrf = browser.get("/").form("/logout")["csrf"]
        before = actions(session)
        assert browser.post(f"{address(family)}/{path}", {"csrf": csrf}).status == 404
        assert actions(session) == before

    def test_a_number_with_characters_nobody_can_have(self, session, sign_in):
        make_reader(session, external_id="OTHER")
        assert sign_in("worker", worker="OTHER").get("/cases/HB%00").status == 404


class TestOtherCases:
    """Of the client's other cases only those are named that the person may see."""

    def test_mine_is_linked_and_anothers_is_only_counted(self, session, family, browser):
        other = make_reader(session, name="Toinen Työntekijä")
        mine, theirs = (make_case(session, responsible_worker_id=one.id) for one in (family.worker, other))
        for case in (mine, theirs):
            case.client_id = family.case.client_id
        session.flush()
        page = browser.get(address(family))
        assert [one.get("href") for one in page.all("//h2[@id='others']/following-sibling::ul//a")] == [
            f"/cases/{mine.number}"
        ]
        assert "1 case of another unit" in page.text
        assert theirs.number not in page.answer.text
        assert "Toinen Työntekijä" not in page.answer.text


class TestLink:
    """The way into the client information system."""

    def test_values_are_quoted(self, session, family, make_app):
        family.case.external_id = "LC 7/ä?x=1&y"
        session.flush()
        with Opener(make_app(case_url="https://atj.example/case/{source}/{external_id}?n={number}"), session) as opener:
            page = opener.sign_in("worker", worker=family.worker.external_id).get(address(family))
        (link,) = page.all("//a[@rel='external noreferrer']")
        assert link.get("href") == f"https://atj.example/case/test/LC%207%2F%C3%A4%3Fx%3D1%26y?n={family.case.number}"

    def test_without_an_address_there_is_none(self, family, browser):
        assert browser.get(address(family)).all("//a[@rel='external noreferrer']") == []


class TestStatement:
    """The family's paper."""

    @pytest.mark.parametrize("language", ["fi", "sv", "en"])
    def test_it_is_made_fresh_in_the_family_s_language_and_recorded(self, session, family, browser, language):
        answer = browser.client.get(f"{address(family)}/statement.pdf?language={language}")
        assert answer.status_code == 200
        assert answer.content.startswith(b"%PDF-")
        assert answer.headers["content-disposition"].endswith(f"{family.case.number}-{language}.pdf")
        assert answer.headers["cache-control"] == "no-store"
        assert actions(session) == ["budget.statement_made"]

    def test_a_language_nobody_writes_is_said(self, family, browser):
        page = browser.get(f"{address(family)}/statement.pdf?language=de")
        assert page.status == 400
        assert "Statements are made in these languages: fi, sv, en" in page.text

    def test_a_case_without_a_budget_has_none(self, session, sign_in):
        me = make_reader(session, external_id="ME")
        case = make_case(session, responsible_worker_id=me.id)
        page = sign_in("worker", worker="ME").get(f"/cases/{case.number}/statement.pdf?language=fi")
        assert page.status == 404
        assert f"Case {case.number} has no budget yet." in page.text


def test_the_number_of_queries_does_not_grow_with_what_the_case_holds(session, family, browser):
    counts = []
    for many in (0, 20):
        for _ in range(many):
            decision = make_decision(session, family.case, granted_amount=Decimal(500))
            item = make_plan_item(session, decision, family.service, "3")
            make_choice(session, item, family.provider)
            recompute(session, decision)
            make_case(session, responsible_worker_id=family.worker.id).client_id = family.case.client_id
        session.flush()
        with recording(session) as statements:
            assert browser.get(address(family)).status == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_written_in_the_readers_language(family, browser, language):
    page = browser.get(f"{address(family)}?lang={language}")
    assert (page.status, page.tree.get("lang")) == (200, language)


def test_planned_over_the_ceiling_is_drawn_beyond_it(session, family, browser):
    family.item.quantity = Decimal(20)
    session.flush()
    recompute(session, family.decision)
    page = browser.get(address(family))
    widths = {one.get("class"): float(one.get("width")) for one in page.all("//svg/rect")}
    assert widths["part-planned"] > widths["part-ceiling"]
    assert "part-free" not in widths
    assert "Free: -€526.00." in page.all("//svg/desc")[0].text
    assert page.all("//h2//span[contains(@class, 'bad')]")[0].text == "over"
