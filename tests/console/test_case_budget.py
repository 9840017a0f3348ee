"""How a budget was calculated, as it was known on a day, what became of it, and having its ceiling looked up anew."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.factories.case import make_decision
from tests.factories.order import make_delivered, make_invoice, make_order, make_order_line
from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.factories.worker import make_worker
from tests.support.family import Family, recompute
from tests.support.queries import recording

LATER = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)


@pytest.fixture
def family(session):
    """Twelve visits planned at 80 €, calculated on 16 November; fourteen from 18 November on."""
    made = Family(session)
    made.worker.language = "en"
    made.price = make_price(session, made.service, made.provider, "80.00")
    made.item = made.plan(session)
    recompute(session, made.decision)
    made.item.quantity = Decimal(14)
    session.flush()
    recompute(session, made.decision, cause="choice", now=LATER)
    return made


@pytest.fixture
def browser(family, sign_in):
    return sign_in("worker", "supervisor", worker=family.worker.external_id)


def address(family):
    return f"/cases/{family.case.number}/budgets/{family.decision.id}"


def test_every_figure_leads_to_a_row_of_a_list(session, family, browser):
    page = browser.get(address(family))
    assert page.status == 200
    lists = session.execute(
        text(
            "SELECT price.id, file_name, position, sha256, run_id FROM price JOIN price_list ON price_list.id = price_list_id"
        )
    ).all()
    assert len(lists) == 2
    for price, file, position, sha256, run in lists:
        assert f"{file}:{position}, sha256 {sha256}, run {run}" in page.text
        assert f"price version {price}" in page.text
    for said in (
        "14 visits × €80.00/visit = €1,120.00",
        "12 visits at €89.50/visit, the unit cost in force on 2026-11-09",
        family.provider.name,
        "cause: a choice of provider",
        "within the tolerance",
    ):
        assert said in page.text
    assert "<style" not in page.answer.text
    assert session.execute(text("SELECT details FROM audit_event WHERE action = 'budget.viewed'")).scalar_one() == {
        "decision": family.decision.id,
        "at": None,
    }


def test_orders_deliveries_and_invoices_are_told(session, family, browser):
    order = make_order(session, family.decision, family.provider)
    line = make_order_line(session, order, family.item, family.price, "1120.00")
    make_delivered(session, line, 2)
    make_invoice(session, line, "80.00")
    recompute(session, family.decision, cause="order", now=LATER)
    page = browser.get(address(family))
    assert f"purchase order {order.number}" in page.text
    number = session.execute(text("SELECT number FROM invoice")).scalar_one()
    assert f"invoices {number}" in page.text


@pytest.mark.parametrize("at", ["2026-11-16", "16.11.2026", "17.11.2026"])
def test_it_is_told_as_it_was_known_on_a_day(session, family, browser, at):
    page = browser.get(address(family), params={"at": at})
    assert "As it was known at the end of 2026-11-1" in page.text
    assert "12 visits × €80.00/visit = €960.00" in page.text
    assert session.execute(text("SELECT details ->> 'at' FROM audit_event WHERE action = 'budget.viewed'")).scalar_one()


def test_before_anything_was_known_that_is_said(family, browser):
    page = browser.get(address(family), params={"at": "2026-11-01"})
    assert page.status == 200
    assert "Nothing was known yet of this budget on 2026-11-01." in page.text


def test_a_day_that_is_none_is_said_beside_the_field(family, browser):
    page = browser.get(address(family), params={"at": "31.11.2026"})
    assert page.status == 422
    assert "there is no such day" in page.text
    assert page.all("//input[@name='at']")[0].get("value") == "31.11.2026"
    assert "14 visits" in page.text


def test_what_became_of_it_is_told_newest_first(family, browser):
    page = browser.get(address(family))
    events = [" ".join(" ".join(one.itertext()).split()) for one in page.all("//ol[@class='history']/li")]
    assert len(events) == 2
    assert "a choice of provider" in events[0]
    assert (
        "Planned: €960.00 → €1,120.00 Free: €114.00 → -€46.00 State: ok → over the ceiling, within the tolerance"
        in events[0]
    )
    assert "a change in the client information system calculated for the first time: ok" in events[1]


def test_a_long_history_is_cut_and_says_so(family, browser, monkeypatch):
    monkeypatch.setattr("console.pages.case_budget.history_of", _short)
    page = browser.get(address(family))
    assert len(page.all("//ol[@class='history']/li")) == 1
    assert "Older ones are not shown" in page.text


def _short(session, decision_id):
    from services.budgets.history import history_of

    return history_of(session, decision_id, limit=1)


def test_figures_that_stay_are_said_to_stay(session, family, browser):
    other = make_provider(session, name="Toinen Oy (keksitty)")
    make_price(session, family.service, other, "80.00")
    session.execute(text("UPDATE choice SET provider_id = :other"), {"other": other.id})
    recompute(session, family.decision, cause="choice", now=LATER)
    page = browser.get(address(family))
    assert "the figures stayed; what they are made of changed" in page.text
    assert "Toinen Oy (keksitty)" in page.text


@pytest.mark.parametrize("decision", ["0", "999999999999", "9" * 40])
def test_a_decision_that_is_not_the_cases_is_not_found(family, browser, decision):
    assert browser.get(f"/cases/{family.case.number}/budgets/{decision}").status == 404


def test_another_cases_decision_is_not_found_here(session, family, browser):
    foreign = make_decision(session)
    assert browser.get(f"/cases/{family.case.number}/budgets/{foreign.id}").status == 404
    csrf = browser.get(address(family)).form(address(family) + "/rebase")["csrf"]
    path = f"/cases/{family.case.number}/budgets/{foreign.id}/rebase"
    assert browser.post(path, {"csrf": csrf, "reason": "x"}).status == 404


def test_a_budget_without_a_version_is_waited_for(session, family, browser):
    bare = make_decision(session, family.case)
    page = browser.get(f"/cases/{family.case.number}/budgets/{bare.id}")
    assert "The budget has not been calculated yet." in page.text
    assert "Nothing yet." in page.text


class TestRebase:
    """A ceiling looked up anew: by a supervisor, with a reason."""

    def correct(self, session, family):
        session.execute(text("UPDATE price SET superseded_at = now() WHERE id = :id"), {"id": family.reference.id})
        key = session.execute(
            text("SELECT price_key_id FROM price WHERE id = :id"), {"id": family.reference.id}
        ).scalar_one()
        session.execute(
            text(
                "INSERT INTO price (price_key_id, valid, amount, vat_category, vat_rate, vat_inclusive, price_list_id, position)"
                " SELECT price_key_id, valid, 95, vat_category, vat_rate, vat_inclusive, price_list_id, 'row 2' FROM price"
                " WHERE price_key_id = :key"
            ),
            {"key": key},
        )

    def test_with_a_reason_it_is_noted_for_the_worker_process(self, session, family, browser):
        self.correct(session, family)
        page = browser.submit(
            browser.get(address(family)), address(family) + "/rebase", {"reason": "yksikköhinta korjattu"}
        )
        assert page.answer.url.path == address(family)
        assert "The ceiling is looked up anew, and the budget calculated." in page.text
        assert "Something has changed since" in page.text
        event = session.execute(
            text("SELECT actor, reason, details FROM audit_event WHERE action = 'budget.rebased'")
        ).one()
        assert tuple(event) == (
            f"worker:{family.worker.external_id}", "yksikköhinta korjattu", {"decisions": [family.decision.id]},
        )  # fmt: skip
        assert session.execute(text("SELECT cause FROM budget_dirty")).scalars().all() == ["rebase"]
        recompute(session, family.decision, cause="rebase", now=LATER)
        assert "Ceiling €1,140.00" in browser.get(address(family)).text

    @pytest.mark.parametrize(("reason", "why"), [("  ", "needs a reason"), ("a\x00", "cannot be printed")])
    def test_without_one_nothing_is_done(self, session, family, browser, reason, why):
        page = browser.submit(browser.get(address(family)), address(family) + "/rebase", {"reason": reason})
        assert page.status == 422
        assert why in page.text
        assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() == 0

    def test_an_amount_that_was_granted_is_not_looked_up(self, session, family, browser):
        granted = make_decision(session, family.case, granted_amount=Decimal(500))
        recompute(session, granted)
        path = f"/cases/{family.case.number}/budgets/{granted.id}"
        assert [one for one in browser.get(path).tree.forms if one.action == path + "/rebase"] == []
        csrf = browser.get(address(family)).form(address(family) + "/rebase")["csrf"]
        page = browser.post(path + "/rebase", {"csrf": csrf, "reason": "x"})
        assert page.status == 422

    def test_a_worker_is_not_asked(self, family, sign_in):
        browser = sign_in("worker", worker=family.worker.external_id)
        page = browser.get(address(family))
        assert "Look up the ceiling anew" not in page.text
        csrf = page.form("/logout")["csrf"]
        assert browser.post(address(family) + "/rebase", {"csrf": csrf, "reason": "x"}).status == 403


def test_the_number_of_queries_does_not_grow_with_lines_and_versions(session, family, browser):
    counts, path = [], address(family)
    for many in (0, 20):
        for number in range(many):
            family.plan(session, "1")
            recompute(session, family.decision, now=LATER.replace(minute=number + 1))
        with recording(session) as statements:
            assert browser.get(path).status == 200
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_written_in_the_readers_language(family, browser, language):
    page = browser.get(f"{address(family)}?at=2026-11-16&lang={language}")
    assert (page.status, page.tree.get("lang")) == (200, language)


def test_somebody_elses_budget_is_not_found(session, family, sign_in):
    make_worker(session, external_id="OTHER")
    assert sign_in("worker", worker="OTHER").get(address(family)).status == 404
