"""The list of cases: whose, in which order, narrowed, page by page."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from core.clock import business_now, local_date
from models.base import days
from models.worker import Absence
from tests.factories.base import added
from tests.factories.case import make_case, make_decision
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import Browser
from tests.support.queries import recording

STATES = ("over", "unpriced", "within_tolerance", "near", "ok", "ended")


def make_reader(session, **over):
    """A worker who reads English."""
    return make_worker(session, **{"language": "en", **over})


def make_state(session, case, state, free="1.00"):
    """A decision of the case whose budget is in a state."""
    decision = make_decision(session, case)
    session.execute(
        text(
            """
            WITH made AS (INSERT INTO budget (decision_id, ceiling_basis) VALUES (:decision, '{}') RETURNING id)
            INSERT INTO budget_version (budget_id, ceiling, ceiling_basis, invoiced, delivered, ordered, planned, free, state, reasons, cause, recorded_at)
            SELECT id, CAST(:free AS numeric), '{}', 0, 0, 0, 0, CAST(:free AS numeric), :state, '[]', 'cases', now() FROM made
            """
        ),
        {"decision": decision.id, "state": state, "free": free},
    )
    return decision


def numbers(page):
    return [one.text_content() for one in page.all("//tbody/tr/th/a")]


def test_a_worker_sees_their_own_what_needs_attention_first(session, sign_in):
    me, other = make_reader(session, external_id="ME"), make_reader(session)
    mine = {state: make_case(session, responsible_worker_id=me.id) for state in ("ok", "near", "over", "unpriced")}
    for state, case in mine.items():
        make_state(session, case, state)
    # a case stands where its worst budget puts it
    make_state(session, mine["near"], "ok")
    bare = make_case(session, responsible_worker_id=me.id)
    make_state(session, make_case(session, responsible_worker_id=other.id), "over")
    page = sign_in("worker", worker="ME").get("/cases")
    assert page.status == 200
    wanted = [mine[state].number for state in ("over", "unpriced", "near", "ok")]
    assert numbers(page) == [*wanted, bare.number]
    assert "no budget yet" in page.text


def test_closed_and_gone_ones_are_shown_when_asked_for(session, sign_in):
    me = make_reader(session, external_id="ME")
    closed = make_case(session, responsible_worker_id=me.id, status="closed")
    gone = make_case(session, responsible_worker_id=me.id, gone_at=datetime(2026, 11, 1, tzinfo=UTC))
    browser = sign_in("worker", worker="ME")
    assert browser.get("/cases").text.endswith("There are no such cases that you can see.")
    assert set(numbers(browser.get("/cases?every=1"))) == {closed.number, gone.number}


def test_a_deputy_sees_whose_case_it_is_while_the_worker_is_away(session, sign_in):
    me, away = make_reader(session, external_id="ME"), make_reader(session, name="Pekka Poissaoleva")
    case = make_case(session, responsible_worker_id=away.id)
    today = local_date(business_now(session))
    absence = added(session, Absence(worker_id=away.id, deputy_id=me.id, period=days(today, today), actor="test"))
    browser = sign_in("worker", worker="ME")
    page = browser.get("/cases")
    assert numbers(page) == [case.number]
    assert "Pekka Poissaoleva you stand in" in page.text
    absence.cancelled_at = datetime(2026, 11, 1, tzinfo=UTC)
    session.flush()
    assert numbers(browser.get("/cases")) == []


def test_a_supervisor_sees_the_units_and_narrows_to_a_worker(session, sign_in):
    boss = make_reader(session, external_id="BOSS")
    unit = make_unit(session, supervisor_id=boss.id)
    a, b = (make_reader(session, unit_id=unit.id, name=name) for name in ("Aino", "Eino"))
    cases = [make_case(session, responsible_worker_id=one.id) for one in (a, b)]
    browser = sign_in("supervisor", worker="BOSS")
    page = browser.get("/cases")
    assert set(numbers(page)) == {case.number for case in cases}
    assert [one.text for one in page.all("//select[@name='worker']/option")] == ["anybody", "Aino", "Eino"]
    assert numbers(browser.get(f"/cases?worker={b.external_id}")) == [cases[1].number]


@pytest.mark.parametrize("everything", [False, True])
def test_pages_follow_one_another_without_a_gap(session, sign_in, everything, monkeypatch):
    monkeypatch.setattr("services.case_lists.PAGE", 3)
    me = make_reader(session, external_id="ME")
    order = ["over", "over", "unpriced", "within_tolerance", "near", "ok", "ok", "ended", "none", "none"]
    cases = [make_case(session, responsible_worker_id=me.id) for _ in order]
    for case, state in zip(cases, order, strict=True):
        if state != "none":
            make_state(session, case, state)
    browser = sign_in("worker", worker="ME", everything=everything)
    seen: list[str] = []
    path: str | None = "/cases"
    while path:
        page = browser.get(path)
        assert len(numbers(page)) <= 3
        seen += numbers(page)
        path = next((one.get("href") for one in page.all("//a[@rel='next']")), None)
    assert seen == [case.number for case in cases]


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("state", [*STATES, "none"])
def test_a_list_is_narrowed_to_a_state(session, sign_in, everything, state):
    me = make_reader(session, external_id="ME")
    cases = {one: make_case(session, responsible_worker_id=me.id) for one in (*STATES, "none")}
    for one in STATES:
        make_state(session, cases[one], one)
    page = sign_in("worker", worker="ME", everything=everything).get(f"/cases?state={state}")
    assert numbers(page) == [cases[state].number]


def test_who_sees_many_cases_gets_the_same_list(session, sign_in, monkeypatch):
    monkeypatch.setattr("services.access.cases.MOST", 2)
    boss = make_reader(session, external_id="BOSS")
    mine, others = make_reader(session, unit_id=make_unit(session, supervisor_id=boss.id).id), make_reader(session)
    order = ["over", "near", "ok", "none"]
    cases = [make_case(session, responsible_worker_id=mine.id) for _ in order]
    for case, state in zip(cases, order, strict=True):
        make_state(session, make_case(session, responsible_worker_id=others.id), "over")
        if state != "none":
            make_state(session, case, state)
    make_state(session, cases[1], "ok")
    assert numbers(sign_in("supervisor", worker="BOSS").get("/cases")) == [case.number for case in cases]


def test_a_case_is_found_by_its_number_and_by_the_sources_id(session, sign_in):
    me, other = make_reader(session, external_id="ME"), make_reader(session)
    case = make_case(session, responsible_worker_id=me.id, external_id="LC-77/a", status="closed")
    hidden = make_case(session, responsible_worker_id=other.id)
    browser = sign_in("worker", worker="ME")
    for search in (case.number, case.number.lower(), f" {case.number} ", "LC-77/a"):
        assert numbers(browser.get("/cases", params={"q": search})) == [case.number]
    for search in (hidden.number, hidden.external_id, "HB-1999-000001"):
        assert "There are no such cases that you can see." in browser.get("/cases", params={"q": search}).text


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"q": "a\x00b"}, "cannot be printed"),
        ({"worker": "a\x00b"}, "cannot be printed"),
        ({"state": "fine"}, "There is no state of budgets called fine."),
        ({"after": "x"}, "Begin again at its first page"),
        ({"after": "9.1"}, "Begin again at its first page"),
        ({"after": "1." + "9" * 30}, "Begin again at its first page"),
        ({"after": "-1.5"}, "Begin again at its first page"),
    ],
)
def test_what_makes_no_sense_is_said(session, sign_in, query, why):
    make_reader(session, external_id="ME")
    page = sign_in("worker", worker="ME").get("/cases", params=query)
    assert page.status == 422
    assert why in page.text


def test_nobody_is_looked_for_by_henkilotunnus(session, sign_in):
    make_reader(session, external_id="ME")
    page = sign_in("worker", worker="ME").get("/cases", params={"q": "131052-9074"})
    assert page.answer.url.query == b""
    assert "Cases are not looked for by henkilötunnus." in page.text
    assert "131052" not in page.answer.text


def test_looking_at_the_list_is_recorded_once(session, sign_in):
    me = make_reader(session, external_id="ME")
    case = make_case(session, responsible_worker_id=me.id)
    sign_in("worker", worker="ME").get("/cases")
    found = session.execute(text("SELECT actor, subject, details FROM audit_event WHERE action = 'cases.listed'")).all()
    assert [tuple(one) for one in found] == [("worker:ME", "cases:mine", {"count": 1, "cases": [case.number]})]


@pytest.mark.parametrize("everything", [False, True])
def test_the_number_of_queries_does_not_grow_with_the_cases(session, sign_in, everything):
    me = make_reader(session, external_id="ME")
    browser = sign_in("worker", worker="ME", everything=everything)
    counts = []
    for many in (1, 20):
        for _ in range(many):
            make_state(session, make_case(session, responsible_worker_id=me.id), "over")
        with recording(session) as statements:
            browser.get("/cases")
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_list_is_written_in_the_readers_language(session, sign_in, language):
    me = make_reader(session, external_id="ME")
    make_state(session, make_case(session, responsible_worker_id=me.id), "over")
    page = sign_in("worker", worker="ME").get(f"/cases?lang={language}")
    assert page.status == 200
    assert page.tree.get("lang") == language


@pytest.mark.parametrize("role", ["price_manager", "operator", "auditor"])
def test_other_roles_have_no_list_of_cases(sign_in, role):
    assert sign_in(role).get("/cases").status == 403


def test_nobody_is_led_to_the_login(app, sign_in):
    assert Browser(app).client.get("/cases", follow_redirects=False).headers["location"] == "/login?to=/cases"
