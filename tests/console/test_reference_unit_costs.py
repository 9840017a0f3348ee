"""Own unit costs in the console: entered by a plan that is shown first, ended, explained; frozen ceilings stay."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets
from services.access.people import AUDITOR, OPERATOR, PRICE_MANAGER
from services.budgets.recompute import recompute_now
from services.lanes import take_lane
from services.prices import own_costs, rollback
from tests.factories.case import make_decision
from tests.factories.price import make_price
from tests.factories.service import make_alternative, make_service
from tests.support.queries import recording

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today(session, monkeypatch):
    """Business time stands on 16 November 2026, and no queue is there to be hinted."""
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)
    session.execute(
        text(
            "UPDATE business_clock SET offset_seconds = extract(epoch FROM CAST(:now AS timestamptz) - clock_timestamp())"
        ),
        {"now": NOW},
    )


@pytest.fixture
def manager(sign_in):
    return sign_in(PRICE_MANAGER)


@pytest.fixture
def family_work(session):
    service = make_service(session, code="PERHETYO", name_fi="perhetyö")
    make_alternative(session, service, make_service(session, code="NEPSY"))
    return service


def enter(manager, year=2027, **typed):
    page = manager.get(f"/unit-costs/new?year={year}")
    return manager.submit(page, "/unit-costs/plan", typed or {"cost.0.amount": "91,50"})


def costs(session):
    rows = session.execute(
        text(
            "SELECT code, amount, lower(valid), upper(valid) FROM price JOIN price_key ON price_key.id = price_key_id"
            " JOIN service ON service.id = service_id WHERE superseded_at IS NULL AND provider_id IS NULL ORDER BY code, lower(valid)"
        )
    )
    return [tuple(row) for row in rows]


def test_a_cost_is_planned_entered_and_explained(session, manager, family_work):
    assert "Without a cost in 2027" in manager.get("/unit-costs?year=2027").text
    plan = enter(manager)
    assert plan.status == 200
    assert "91.50" in plan.text
    assert "No budget changes." in plan.text
    assert costs(session) == []
    page = manager.submit(plan, "/unit-costs/apply")
    assert "The unit costs were entered" in page.text
    assert costs(session) == [("PERHETYO", Decimal("91.5"), date(2027, 1, 1), date(2028, 1, 1))]
    row = session.execute(
        text(
            "SELECT price_list.state, file_name, sha256, price_source.name, price_source.kind, run.outcome, work.arguments ->> 'content' AS content,"
            " price.position FROM price JOIN price_list ON price_list.id = price_list_id JOIN price_source ON price_source.id = source_id"
            " JOIN run ON run.id = run_id JOIN work ON work.id = run.work_id"
        )
    ).one()
    assert (row.state, row.name, row.kind, row.outcome) == ("applied", own_costs.SOURCE, "own", "succeeded")
    assert re.fullmatch(r"konsoli-2026-11-16T\d\d-\d\d\.json", row.file_name)
    assert hashlib.sha256(row.content.encode()).hexdigest() == row.sha256
    assert row.position == "$.prices[0]"
    assert row.file_name in page.text
    assert row.sha256[:12] in page.text
    event = session.execute(text("SELECT details FROM audit_event WHERE action = 'unit_costs.entered'")).scalar()
    assert event["changes"] == [["+", "PERHETYO", "C62", "2027-01-01", None, "91.5"]]


def test_what_was_entered_is_a_run_and_a_list_like_any_other(session, sign_in, manager, family_work):
    manager.submit(enter(manager), "/unit-costs/apply")
    row = session.execute(text("SELECT id, run_id FROM price_list")).one()
    page = manager.get("/unit-costs?year=2027")
    linked = {one.get("href") for one in page.all("//tbody//a")}
    assert {f"/prices/lists/{row.id}", f"/runs/{row.run_id}"} <= linked
    operator = sign_in(OPERATOR)
    for path in (f"/prices/lists/{row.id}", f"/runs/{row.run_id}", "/runs", "/sources"):
        assert operator.get(path).status == 200, path
    assert manager.get(f"/prices/lists/{row.id}/rollback").status == 200


def test_somebody_else_is_entering_at_this_moment(session, manager, family_work):
    plan = enter(manager)
    take_lane(session, "import_prices", own_costs.SOURCE, "entered")
    page = manager.submit(plan, "/unit-costs/apply")
    assert page.status == 422
    assert "is being read right now" in page.text
    assert costs(session) == []


def test_several_services_at_once_and_only_those(session, manager, family_work):
    make_price(session, family_work, amount="80.00", first=date(2026, 1, 1))
    page = manager.get("/unit-costs/new?year=2027&all=on")
    typed = {
        name.replace("service", "amount"): "50"
        for name, code in page.form("/unit-costs/plan").items()
        if code == "NEPSY"
    }
    plan = manager.submit(page, "/unit-costs/plan", typed)
    manager.submit(plan, "/unit-costs/apply")
    assert [row[:2] for row in costs(session)] == [("NEPSY", Decimal(50)), ("PERHETYO", Decimal(80))]


def test_an_unknown_ceiling_is_known_and_a_known_one_does_not_move(session, manager, family_work):
    known = make_decision(
        session,
        baseline_service_id=family_work.id,
        baseline_quantity=Decimal(10),
        baseline_unit="C62",
        decided_on=date(2026, 3, 1),
    )
    make_price(session, family_work, amount="80.00", first=date(2026, 1, 1), last=date(2026, 6, 30))
    unknown = make_decision(
        session, baseline_service_id=family_work.id, baseline_quantity=Decimal(10), baseline_unit="C62"
    )
    for decision in (known, unknown):
        recompute_now(session, [decision.id], cause="asked", now=NOW, settings=Budgets())
    plan = enter(manager, 2026, **{"cost.0.amount": "90", "first": "2026-07-01", "last": "2026-12-31"})
    assert "1 budget changes" in plan.text
    manager.submit(plan, "/unit-costs/apply")
    marked = session.execute(
        text(
            "SELECT DISTINCT decision_id FROM budget_dirty JOIN budget ON budget.id = budget_id WHERE cause = 'prices'"
        )
    ).scalars()
    assert list(marked) == [unknown.id]
    for decision in (known, unknown):
        recompute_now(session, [decision.id], cause="prices", now=NOW, settings=Budgets())
    ceilings = session.execute(text("SELECT decision_id, ceiling FROM budget")).all()
    assert {row[0]: row[1] for row in ceilings} == {known.id: Decimal(800), unknown.id: Decimal(900)}


def test_a_price_of_past_days_needs_a_word(session, manager, family_work):
    make_price(session, family_work, amount="80.00", first=date(2026, 1, 1))
    plan = enter(manager, 2026, **{"cost.0.amount": "90", "first": "1.3.2026", "last": ""})
    assert "would change the price of past days" in plan.text
    refused = manager.submit(plan, "/unit-costs/apply", {"note": " "})
    assert refused.status == 422
    assert "Say why, because this needs a person's word" in refused.text
    assert [row[1] for row in costs(session)] == [Decimal(80)]
    manager.submit(refused, "/unit-costs/apply", {"note": "Tilinpäätös vahvistettiin"})
    assert [row[1] for row in costs(session)] == [Decimal(80), Decimal(90)]
    assert (
        session.execute(text("SELECT reason FROM audit_event WHERE action = 'unit_costs.entered'")).scalar()
        == "Tilinpäätös vahvistettiin"
    )


def test_what_was_shown_is_what_is_applied(session, manager, sign_in, family_work):
    mine = enter(manager)
    other = sign_in(PRICE_MANAGER, subject="other")
    other.submit(enter(other, **{"cost.0.amount": "70"}), "/unit-costs/apply")
    page = manager.submit(mine, "/unit-costs/apply")
    assert page.status == 409
    assert "Prices have changed since this was shown to you. Look at it again." in page.text
    assert "70.00" in page.text
    assert "91.50" in page.text
    assert [row[1] for row in costs(session)] == [Decimal(70)]
    manager.submit(page, "/unit-costs/apply")
    assert [row[1] for row in costs(session)] == [Decimal("91.5")]


def test_the_same_again_changes_nothing(session, manager, family_work):
    manager.submit(enter(manager), "/unit-costs/apply")
    again = enter(manager)
    assert "1 cost is the same as the one in force." in again.text
    assert not [one for one in again.all("//main//button") if one.text_content() == "Enter exactly this"]
    page = manager.submit(again, "/unit-costs/apply")
    assert page.status == 422
    assert "These prices are in force already" in page.text


def test_what_was_written_can_be_changed(manager, family_work):
    plan = enter(manager, **{"cost.0.amount": "91,50", "cost.0.unit": "HUR"})
    page = manager.post("/unit-costs/new", plan.form("/unit-costs/apply"))
    form = page.form("/unit-costs/plan")
    assert (form["cost.0.amount"], form["cost.0.unit"], form["first"]) == ("91,50", "HUR", "2027-01-01")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("cost.0.amount", "paljon", "PERHETYO: that is not a number"),
        ("cost.0.amount", "0", "PERHETYO: "),
        ("cost.0.amount", "-5", "PERHETYO: "),
        ("cost.0.amount", "1,23456", "PERHETYO: "),
        ("cost.0.amount", "", "No cost was entered."),
        ("cost.0.unit", "kenkä", "PERHETYO, Unit: is not one of the choices"),
        ("first", "ylihuomenna", "First day: that is not a day"),
        ("last", "31.12.2026", "Last day: is before the first day"),
    ],
)
def test_a_bad_value_has_its_sentence(session, manager, family_work, field, value, said):  # noqa: PLR0917 - fixtures
    typed = {"cost.0.amount": "91,50", field: value}
    page = enter(manager, **typed)
    assert page.status == 422
    assert said in page.text
    if field != "cost.0.unit":
        assert page.form("/unit-costs/plan")[field] == value
    assert costs(session) == []


def test_a_service_that_is_gone_meanwhile(session, manager, family_work):
    page = enter(manager, **{"cost.0.amount": "5", "cost.0.service": "NOBODY"})
    assert page.status == 422
    assert "The service NOBODY is not known." in page.text


def test_a_content_that_is_no_list(manager, family_work):
    plan = enter(manager)
    page = manager.submit(plan, "/unit-costs/apply", {"content": "{"})
    assert page.status == 422
    assert page.all('//*[@role="alert"]')


def test_a_cost_ends(session, manager, family_work):
    price = make_price(session, family_work, amount="80.00", first=date(2026, 1, 1))
    page = manager.get("/unit-costs?year=2026")
    assert page.all(f'//a[@href="/unit-costs/{price.id}/end"]')
    form = manager.get(f"/unit-costs/{price.id}/end")
    for value, said in (("1.1.2026", "past already"), ("", "Last day: is missing"), ("eilen", "that is not a day")):
        wrong = manager.submit(form, f"/unit-costs/{price.id}/end", {"last": value})
        assert wrong.status == 422
        assert said in wrong.text
    plan = manager.submit(form, f"/unit-costs/{price.id}/end", {"last": "31.12.2026"})
    assert plan.status == 200
    done = manager.submit(plan, "/unit-costs/apply")
    assert "The unit costs were entered" in done.text
    assert costs(session) == [
        ("PERHETYO", Decimal(80), date(2026, 1, 1), date(2026, 11, 16)),
        ("PERHETYO", Decimal(80), date(2026, 11, 16), date(2027, 1, 1)),
    ]
    assert manager.get(f"/unit-costs/{price.id}/end").status == 404


def test_a_bounded_or_coming_cost_ends_inside_its_days(session, manager, family_work):
    price = make_price(session, family_work, amount="80.00", first=date(2027, 1, 1), last=date(2027, 12, 31))
    form = manager.get(f"/unit-costs/{price.id}/end")
    for value, said in (
        ("31.12.2028", "The price ends on 2027-12-31 as it is"),
        ("1.12.2026", "The last day is before the first day"),
    ):
        assert said in manager.submit(form, f"/unit-costs/{price.id}/end", {"last": value}).text
    plan = manager.submit(form, f"/unit-costs/{price.id}/end", {"last": "30.6.2027"})
    manager.submit(plan, "/unit-costs/apply")
    assert costs(session) == [("PERHETYO", Decimal(80), date(2027, 1, 1), date(2027, 7, 1))]


def test_what_was_entered_can_be_rolled_back(session, manager, family_work):
    manager.submit(enter(manager), "/unit-costs/apply")
    run = session.execute(text("SELECT run_id FROM price_list")).scalar_one()
    rollback(session, run, "cli:test", "väärä luku", NOW)
    assert costs(session) == []


def test_a_source_of_own_costs_is_named(app, manager, family_work, monkeypatch):
    monkeypatch.setattr(own_costs, "other_sources", lambda _sources: ["own"])
    assert "The source own brings own unit costs too" in manager.get("/unit-costs").text


def test_a_list_asks_as_much_for_many_as_for_one(session, manager, family_work):
    def ask():
        manager.get("/unit-costs?year=2027")
        manager.get("/unit-costs/new?year=2027")

    with recording(session) as few:
        ask()
    for _number in range(10):
        make_price(session, make_service(session))
    with recording(session) as many:
        ask()
    assert len(many) == len(few)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_pages_are_rendered_in_three_languages(session, manager, family_work, language):
    price = make_price(session, family_work)
    for path in ("/unit-costs", "/unit-costs/new", f"/unit-costs/{price.id}/end"):
        page = manager.get(f"{path}?lang={language}")
        assert page.status == 200
        assert page.all(f'/html[@lang="{language}"]')


def test_who_only_looks_is_offered_no_change(sign_in, family_work):
    assert not sign_in(AUDITOR).get("/unit-costs").all('//a[contains(@href, "/new")]')


def test_a_year_that_is_none(manager):
    assert manager.get("/unit-costs?year=abc").status == 400
    assert manager.get("/unit-costs?year=1999").status == 400
    for number in ("0", "9223372036854775808", "abc"):
        assert manager.get(f"/unit-costs/{number}/end").status == 404


@pytest.mark.parametrize("field", ["year", f"cost.{'9' * 5000}.amount"])
def test_a_number_of_thousands_of_digits_is_no_number(session, manager, family_work, field):
    """Python itself refuses to read one."""
    page = manager.get("/unit-costs/new?year=2027")
    sent = {"csrf": page.form("/unit-costs/plan")["csrf"], field: "9" * 5000}
    assert manager.post("/unit-costs/plan", sent).status == 422
