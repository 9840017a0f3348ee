"""The supervisor's page: whose it is, what it tells and hides, and the workbook of it."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text

from core.clock import local_date
from core.i18n import LANGUAGES
from models.case import Client
from services.oversight.counting import count_units
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.follow_up import make_follow_up
from tests.factories.order import make_order
from tests.factories.worker import make_unit, make_worker
from tests.support.oversight_world import World
from tests.support.queries import recording

NOW = datetime(2026, 11, 16, 7, 0, tzinfo=UTC)
TODAY = local_date(NOW)
YEAR = "from=2026-01&to=2027-11"


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def town(session) -> World:
    """Two units: W-900 supervises the first, which has fourteen cases; W-901 the second."""
    made = World(session, Random(11), cases=0)
    for _ in range(14):
        made.live(0)
    for at in (0, 1):
        head = make_worker(
            session, external_id=f"W-90{at}", name=f"Enni {at}", language="en", unit_id=made.units[at].id
        )
        made.units[at].supervisor_id = head.id
    session.flush()
    count_units(session, TODAY)
    return made


@pytest.fixture
def head(town, sign_in):
    return sign_in("supervisor", worker="W-900")


def over(session, town, at=0, **order):
    """A decision over its ceiling, that something was approved for."""
    case = make_case(session, responsible_worker_id=town.workers[at].id)
    item = make_plan_item(session, make_decision(session, case), town.services[0])
    lines = [("planned", Decimal("1250.00"), (date(2026, 11, 23), date(2027, 2, 23)))]
    town.budget(item.decision_id, item, Decimal("1000.00"), lines)
    decision = session.get_one(type(make_decision(session)), item.decision_id)
    if order:
        make_order(session, decision, town.providers[0], **order)
    count_units(session, TODAY)
    return case, item


def late(session, town, item, **over_):
    return make_follow_up(
        session, item, planned_for=TODAY - timedelta(days=30), **{"escalated_on": TODAY - timedelta(days=3), **over_}
    )


def table(page, label):
    rows = page.all(f"//*[@aria-label='{label}']//tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


def test_a_supervisor_reads_what_may_be_told(session, town, head):
    page = head.get(f"/unit?{YEAR}")
    assert page.status == 200
    assert "ost-neutral" in page.text
    told = [row for row in table(page, "Euros month by month") if len(row) == 8]
    assert told
    assert any("fewer than five" in row[1] for row in table(page, "Euros month by month") if len(row) == 2)
    assert page.all("//svg[@role='img']/title")
    assert len(page.all("//svg/rect")) >= len(told)
    assert "Groups of fewer than five cases are left out everywhere" in page.text
    assert [row[0] for row in table(page, "Workload of each worker")][-1] != ""


def test_what_the_page_shows_is_what_was_counted(session, town, head):
    from tests.support import oversight_world as plain

    facts = town.facts[town.units[0].id]
    blocks = plain.euros(facts)
    page = head.get("/unit?from=2015-01&to=2019-12")
    assert "No month of this period can be told" in page.text
    page = head.get(f"/unit?{YEAR}")
    cost = sum(one[2] for one in blocks)
    assert f"€{cost:,.2f}" in page.text
    answers = sum(one[4] for one in plain.ratings(facts))
    assert sum(int(row[3]) for row in table(page, "Ratings by service and provider")) == answers


def test_another_units_page_does_not_exist(session, town, head):
    for path in ("/unit", "/unit.xlsx"):
        for wanted in (str(town.units[1].id), "999999", "-1", "abc", "%00", "1 OR 1=1", "9" * 30):
            assert head.get(f"{path}?id={wanted}").status == 404, (path, wanted)
        assert head.get(f"{path}?id={town.units[0].id}").status == 200
    seen = session.execute(
        text("SELECT id FROM audit_event WHERE subject = :unit"), {"unit": f"unit:{town.units[1].code}"}
    ).all()
    assert seen == []


def test_nothing_of_another_units_cases_is_told(session, town, head, sign_in):
    case, item = over(session, town, at=1, approval_reason="toisen yksikön syy")
    late(session, town, item)
    mine, theirs = head.get("/unit"), sign_in("supervisor", worker="W-901").get("/unit")
    assert case.number not in mine.text
    assert "toisen yksikön syy" not in mine.text
    assert case.number in theirs.text
    assert "toisen yksikön syy" in theirs.text


def test_a_case_whose_own_supervisor_one_is_shows_when_it_was_passed_on(session, town, head):
    case, item = over(session, town, at=1)
    late(session, town, item)
    case.supervisor_id = session.execute(text("SELECT id FROM worker WHERE external_id = 'W-900'")).scalar_one()
    session.flush()
    assert [row[1] for row in table(head.get("/unit"), "Follow-ups that were passed on")] == [case.number]


def test_who_supervises_nothing_is_told_so(session, town, sign_in):
    make_worker(session, external_id="W-77", language="en")
    page = sign_in("supervisor", worker="W-77").get("/unit")
    assert page.status == 200
    assert "You supervise no unit" in page.text
    assert sign_in("supervisor", worker="W-77").get("/unit.xlsx").status == 200
    assert sign_in("worker", worker="W-900").get("/unit").status == 403


def test_of_several_units_one_is_chosen(session, town, head):
    second = make_unit(session, code="TOINEN", name="Ensimmäinen aakkosissa")
    second.supervisor_id = session.execute(text("SELECT id FROM worker WHERE external_id = 'W-900'")).scalar_one()
    session.flush()
    page = head.get("/unit")
    assert page.all("//h1/text()") == ["Ensimmäinen aakkosissa"]
    assert len(page.all("//select[@name='id']/option")) == 2
    assert "The unit has no" not in head.get(f"/unit?id={town.units[0].id}").text


def test_exceptions_are_told_with_their_reasons(session, town, head):
    said, _ = over(session, town, approval_reason="kaksi lasta", approved_at=datetime(2026, 11, 10, tzinfo=UTC))
    silent, _ = over(session, town)
    rows = {row[0]: row for row in table(head.get("/unit"), "Decisions over the ceiling, or approved with a reason")}
    assert rows[said.number][2:5] == ["€1,000.00", "€1,250.00", "€250.00 (25 %)"]
    assert "kaksi lasta" in rows[said.number][5]
    assert "no reason is recorded" in rows[silent.number][5]
    long_ago = head.get("/unit?from=2016-01&to=2016-12")
    assert said.number not in long_ago.text


def test_workload_counts_what_lies_with_each(session, town, head):
    mine = make_worker(session, name="Wilma Work", unit_id=town.units[0].id)
    helper = make_worker(session, name="Henna Helper", unit_id=town.units[0].id)
    case = make_case(session, responsible_worker_id=mine.id)
    item = make_plan_item(session, make_decision(session, case), town.services[0], last=date(2027, 12, 1))
    make_choice(session, item, town.providers[0])
    late(session, town, item, kind="start")
    make_follow_up(session, item, kind="interval", planned_for=TODAY)
    make_follow_up(session, item, kind="final", planned_for=TODAY + timedelta(days=1))
    late(session, town, item, kind="before_end", handed_to_id=helper.id, escalated_on=None)
    make_case(session, responsible_worker_id=mine.id, status="closed")
    count_units(session, TODAY)
    rows = {row[0]: row[1:] for row in table(head.get("/unit"), "Workload of each worker")}
    assert rows["Wilma Work"] == ["1", "2", "1", "1", "1"]
    assert rows["Henna Helper"] == ["0", "1", "1", "0", "0"]


def test_months_that_are_none_are_said(town, head):
    for query in ("from=2026-13", "from=2027-01&to=2026-01", "to=2050-01", "from=%27%3B--", "from=2015-01&to=2026-10"):
        page = head.get(f"/unit?{query}")
        assert page.status == 422, query
        assert page.all("//*[@role='alert']")
        assert head.get(f"/unit.xlsx?{query}").status == 422, query


def test_a_view_and_a_file_are_in_the_audit_trail(session, town, head):
    head.get("/unit?from=2026-01&to=2026-06")
    head.get("/unit.xlsx?from=2026-01&to=2026-06")
    seen = session.execute(
        text(
            "SELECT action, subject, details FROM audit_event WHERE actor = 'worker:W-900' AND action LIKE 'unit.%' ORDER BY id"
        )
    ).all()
    assert [(row.action, row.subject, row.details) for row in seen] == [
        (action, f"unit:{town.units[0].code}", {"count": 0, "cases": [], "months": "2026-01–2026-06"})
        for action in ("unit.viewed", "unit.reported")
    ]


def test_the_workbook_holds_a_sheet_for_each_subject_and_no_formula(session, town, head):
    evil = '=HYPERLINK("http://evil.test","x")'
    over(session, town, approval_reason=evil, approved_at=NOW)
    over(session, town, approval_reason="lapsi 010190-999W sai", approved_at=NOW)
    town.workers[0].name = "@SUM(A1)"
    town.services[0].name_fi = town.services[0].name_en = "+cmd|' /C calc'!A0"
    town.units[0].name = "-2+3"
    _, item = over(session, town)
    late(session, town, item)
    session.flush()
    answer = head.get(f"/unit.xlsx?{YEAR}").answer
    assert answer.headers["content-type"].startswith("application/vnd.openxml")
    assert "attachment" in answer.headers["content-disposition"]
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == [
        "About",
        "Euros",
        "Exceptions",
        "Days to start",
        "Ratings",
        "Results",
        "Passed on",
        "Workload",
    ]
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert [one for one in texts if one.startswith(("=", "+", "-", "@"))] == []
    assert f"'{evil}" in texts
    assert not any("010190-999W" in one for one in texts)
    months = list(book["Euros"].iter_rows(min_row=2, values_only=True))
    assert months[-1][0] == "Together"
    euros: list[Any] = [row[2] for row in months]
    assert round(sum(one for one in euros[:-1] if one is not None), 2) == pytest.approx(euros[-1])
    assert not any(head_ in {"Ceiling", "Used"} for head_ in [str(cell.value) for cell in book["Exceptions"][1]])


def test_no_client_is_in_the_page_or_the_file(session, town, head):
    _, item = over(session, town)
    late(session, town, item)
    page, file = head.get(f"/unit?{YEAR}"), head.get(f"/unit.xlsx?{YEAR}").answer
    book = load_workbook(io.BytesIO(file.content))
    told = (
        " ".join(str(cell.value) for sheet in book.worksheets for row in sheet.iter_rows() for cell in row) + page.text
    )
    for client in session.scalars(select(Client)):
        assert client.external_id not in told.split()


def test_the_page_and_the_file_in_every_language(town, head):
    for language in LANGUAGES:
        page = head.get(f"/unit?{YEAR}&lang={language}")
        assert page.status == 200
        assert page.all("/html/@lang") == [language]
        assert len(load_workbook(io.BytesIO(head.get("/unit.xlsx").answer.content)).sheetnames) == 8


def test_before_the_first_night_nothing_is_told(session, town, head):
    session.execute(text("DELETE FROM unit_count"))
    page = head.get("/unit")
    assert page.status == 200
    assert "that has not been done yet" in page.text


def test_the_number_of_statements_does_not_grow(session, town, head):
    head.get("/unit")
    with recording(session) as few:
        head.get(f"/unit?{YEAR}")
    for _ in range(5):
        _, item = over(session, town, approval_reason="syy", approved_at=NOW)
        late(session, town, item)
    with recording(session) as many:
        head.get(f"/unit?{YEAR}")
    assert len(few) == len(many)
