"""Services in the console: names, unit, alternatives; the steps of units, on which every budget depends."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from services.access.people import AUDITOR, PRICE_MANAGER
from tests.factories.case import make_decision, make_plan_item
from tests.factories.provider import make_provider
from tests.factories.service import make_alternative, make_service
from tests.support.queries import recording

NEW = {
    "code": "PERHETYO", "name_fi": "perhetyö", "name_sv": "familjearbete", "name_en": "family work", "unit": "HUR",
    "accounting_cost": "HB-4100", "cpv": "85320000", "alternative.NEPSY": "on",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nobody_is_hinted(monkeypatch):
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)


@pytest.fixture
def manager(sign_in):
    return sign_in(PRICE_MANAGER)


@pytest.fixture
def nepsy(session):
    return make_service(session, code="NEPSY", name_fi="nepsy-valmennus")


def alternatives(session):
    rows = session.execute(
        text(
            "SELECT a.code, b.code FROM service_alternative JOIN service AS a ON a.id = baseline_id JOIN service AS b ON b.id = alternative_id"
            " ORDER BY 1, 2"
        )
    )
    return [tuple(row) for row in rows]


def test_a_service_is_added_shown_and_changed(session, manager, nepsy):
    page = manager.submit(manager.get("/services/new"), "/services/new", NEW)
    assert "perhetyö was saved." in page.text
    assert "family work" in page.text
    assert alternatives(session) == [("PERHETYO", "NEPSY")]
    assert "PERHETYO" in manager.get("/services/NEPSY").text
    make_service(session, code="TUKI")
    form = manager.get("/services/PERHETYO/edit")
    assert form.form("/services/PERHETYO/edit")["alternative.NEPSY"] == "on"
    fields = {
        **form.form("/services/PERHETYO/edit"),
        "free_of_charge": "on",
        "alternative.TUKI": "on",
        "alternative.NEPSY": "",
    }
    del fields["alternative.NEPSY"]
    manager.post("/services/PERHETYO/edit", fields)
    assert alternatives(session) == [("PERHETYO", "TUKI")]
    told = session.execute(
        text("SELECT details -> 'changes' FROM audit_event WHERE action = 'service.changed'")
    ).scalar()
    assert told == {"free_of_charge": [False, True], "alternatives": [["NEPSY"], ["TUKI"]]}


def test_saving_what_is_kept_changes_nothing(session, manager, nepsy):
    make_alternative(session, nepsy, make_service(session, code="TUKI"))
    page = manager.submit(manager.get("/services/NEPSY/edit"), "/services/NEPSY/edit")
    assert "Nothing was changed." in page.text
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'service.changed'")).scalar() == 0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("code", "perhetyö", "Code: is a code of at most 40 capital letters and digits"),
        ("code", "", "Code: is missing"),
        ("name_fi", " ", "Name in Finnish: is missing"),
        ("unit", "kenkä", "Unit: is not one of the choices"),
        ("cpv", "8532", "CPV code: is a CPV code of eight digits, such as 85320000"),
        ("alternative.PERHETYO", "on", "a service cannot be its own alternative"),
        ("alternative.NOBODY", "on", "There is no service NOBODY."),
    ],
)
def test_a_bad_value_has_its_sentence(session, manager, nepsy, field, value, said):  # noqa: PLR0917 - fixtures
    page = manager.submit(manager.get("/services/new"), "/services/new", {**NEW, field: value})
    assert page.status == 422
    assert said in page.text
    described = [one.get("aria-describedby").split()[-1] for one in page.all("//*[contains(@aria-describedby, 'p-')]")]
    assert any(said in page.all(f'//*[@id="{one}"]')[0].text_content() for one in described)
    assert page.form("/services/new")["name_sv"] == "familjearbete"
    assert session.execute(text("SELECT count(*) FROM service")).scalar() == 1


def test_a_code_is_taken_once(session, manager, nepsy):
    fields = {"code": "NEPSY", "name_fi": "toinen"}
    page = manager.submit(manager.get("/services/new"), "/services/new", fields)
    assert page.status == 422
    assert "There is a service of this code already: nepsy-valmennus." in page.text


def test_two_people_at_once_both_are_shown(session, manager, sign_in, nepsy):
    other = sign_in(PRICE_MANAGER, subject="other")
    mine, theirs = manager.get("/services/NEPSY/edit"), other.get("/services/NEPSY/edit")
    other.submit(theirs, "/services/NEPSY/edit", {"name_fi": "toinen"})
    page = manager.submit(mine, "/services/NEPSY/edit", {"cpv": "85320000"})
    assert page.status == 409
    cells = [[cell.text_content() for cell in row] for row in page.all('//section[@role="alert"]//tbody/tr')]
    assert cells == [["CPV code", "–", "85320000"], ["Name in Finnish", "toinen", "nepsy-valmennus"]]
    manager.submit(page, "/services/NEPSY/edit", {"name_fi": "toinen"})
    row = session.execute(text("SELECT name_fi, cpv FROM service")).one()
    assert tuple(row) == ("toinen", "85320000")


def dirty(session):
    return session.execute(text("SELECT count(*) FROM budget_dirty WHERE cause = 'settings'")).scalar()


def test_a_changed_step_has_budgets_calculated_anew(session, manager, nepsy):
    make_plan_item(session, make_decision(session), nepsy)
    page = manager.get("/services")
    again = manager.submit(page, "/services/steps")
    assert "Nothing was changed." in again.text
    assert dirty(session) == 0
    done = manager.submit(again, "/services/steps", {"step.HUR": "0,5"})
    assert "All budgets are calculated anew." in done.text
    assert session.execute(text("SELECT step FROM unit_rule WHERE unit = 'HUR'")).scalar() == Decimal("0.5")
    assert dirty(session) == 1
    assert session.execute(text("SELECT count(*) FROM work WHERE kind = 'recompute_budgets'")).scalar() == 1
    told = session.execute(
        text("SELECT details -> 'changes' FROM audit_event WHERE action = 'unit_steps.changed'")
    ).scalar()
    assert told == {"HUR": ["0.25", "0.5"]}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0", "A step is more than zero"),
        ("-1", "more than zero"),
        ("0,00001", "four decimals"),
        ("vartti", "hour: that is not a number"),
    ],
)
def test_a_step_that_is_none(session, manager, value, said):
    page = manager.submit(manager.get("/services"), "/services/steps", {"step.HUR": value})
    assert page.status == 422
    assert said in page.text
    assert page.form("/services/steps")["step.HUR"] == value


def test_two_people_at_the_steps(session, manager, sign_in):
    other = sign_in(PRICE_MANAGER, subject="other")
    mine, theirs = manager.get("/services"), other.get("/services")
    other.submit(theirs, "/services/steps", {"step.HUR": "0,5"})
    page = manager.submit(mine, "/services/steps", {"step.DAY": "0,5"})
    assert page.status == 409
    assert "What is kept now" in page.text
    assert session.execute(text("SELECT step FROM unit_rule WHERE unit = 'DAY'")).scalar() == 1


def test_a_list_asks_as_much_for_many_as_for_one(session, manager, nepsy):
    paths = ("/services", "/services/NEPSY", "/services/NEPSY/edit")
    with recording(session) as few:
        [manager.get(path) for path in paths]
    for _number in range(10):
        other = make_service(session)
        make_alternative(session, nepsy, other)
        make_provider(session, services=[nepsy, other])
    with recording(session) as many:
        [manager.get(path) for path in paths]
    assert len(many) == len(few)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_pages_are_rendered_in_three_languages(session, manager, nepsy, language):
    make_plan_item(session, make_decision(session), nepsy, last=date(2027, 3, 1))
    for path in ("/services", "/services/new", "/services/NEPSY", "/services/NEPSY/edit"):
        page = manager.get(f"{path}?lang={language}")
        assert page.status == 200
        assert page.all(f'/html[@lang="{language}"]')


def test_who_only_looks_is_offered_no_change(sign_in, nepsy):
    looking = sign_in(AUDITOR)
    assert not looking.get("/services").all('//a[@href="/services/new"] | //form[@action="/services/steps"]')
    assert not looking.get("/services/NEPSY").all('//a[contains(@href, "/edit")]')


def test_what_is_not_there_is_not_found(manager):
    assert manager.get("/services/NOBODY").status == 404
    assert manager.get("/services/NOBODY/edit").status == 404
    assert manager.get("/services/%00").status == 404
