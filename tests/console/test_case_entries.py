"""Entering what the client information system says nothing of: saved, refused, or changed by somebody else meanwhile."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from models.case import Case, Decision
from tests.factories.case import make_decision
from tests.factories.price import make_price
from tests.support.family import Family, recompute

CALCULATING = "Saved. The budget is being calculated."


@pytest.fixture
def family(session):
    """A family whose source states no basis, no number and no goals."""
    made = Family(session, number=None)
    made.worker.language = "en"
    make_price(session, made.service, made.provider, "80.00")
    made.plan(session)
    recompute(session, made.decision)
    return made


@pytest.fixture
def browser(family, sign_in):
    return sign_in("worker", worker=family.worker.external_id)


def page_of(family):
    return f"/cases/{family.case.number}"


def form_of(family, what):
    return page_of(family) + ("/goals" if what == "goals" else f"/decisions/{family.decision.id}/{what}")


def kept(session, family):
    session.expire_all()
    return session.get_one(Decision, family.decision.id)


def event(session, action):
    return session.execute(
        text("SELECT actor, subject, details FROM audit_event WHERE action = :action"), {"action": action}
    ).one()


def touched(session):
    return session.execute(text("SELECT cause FROM budget_dirty")).scalars().all()


class TestNumber:
    """The number of the official decision."""

    def test_it_is_saved_recorded_and_the_budget_noted(self, session, family, browser):
        page = browser.submit(browser.get(page_of(family)), form_of(family, "number"), {"value": " P 7/2026 "})
        assert page.status == 200
        assert CALCULATING in page.text
        assert "number P 7/2026 entered here" in page.text
        assert "Something has changed since" in page.text
        assert kept(session, family).number == "P 7/2026"
        assert tuple(event(session, "decision.number_entered")) == (
            f"worker:{family.worker.external_id}",
            f"case:{family.case.number}",
            {"decision": family.decision.id, "before": None, "after": "P 7/2026"},
        )
        assert touched(session) == ["entered"]
        # and taken back
        browser.submit(browser.get(page_of(family)), form_of(family, "number"), {"value": ""})
        assert kept(session, family).number is None

    def test_saving_what_stands_there_already_changes_nothing(self, session, family, browser):
        browser.submit(browser.get(page_of(family)), form_of(family, "number"))
        assert touched(session) == []

    def test_what_somebody_else_saved_meanwhile_is_not_written_over(self, session, family, browser):
        opened = browser.get(page_of(family))
        session.execute(text("UPDATE decision SET number = 'P-theirs' WHERE id = :id"), {"id": family.decision.id})
        page = browser.submit(opened, form_of(family, "number"), {"value": "P-mine"})
        assert page.status == 422
        assert "Somebody has changed this meanwhile: now it is P-theirs. Nothing was saved" in page.text
        assert kept(session, family).number == "P-theirs"
        # nothing is lost: what was typed stands there, and can be saved now that the other is seen
        form = page.form(form_of(family, "number"))
        assert (form["value"], form["seen"]) == ("P-mine", "P-theirs")
        (field,) = page.all("//input[@aria-invalid='true']")
        assert page.all(f"//*[@id='{field.get('aria-describedby')}']")[0].text_content().startswith("Somebody")
        browser.submit(page, form_of(family, "number"))
        assert kept(session, family).number == "P-mine"

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ("x" * 65, "longer than 64 characters"),
            ("P\x00-1", "cannot be printed"),
            ("P\u202e-1", "cannot be printed"),
            ("131052-9074", "holds a henkilötunnus"),
            ("P-taken", "Another decision of this case has the number P-taken already."),
        ],
    )
    def test_what_cannot_be_a_number_is_said(self, session, family, browser, value, why):
        make_decision(session, family.case, number="P-taken")
        page = browser.submit(browser.get(page_of(family)), form_of(family, "number"), {"value": value})
        assert page.status == 422
        assert why in page.text
        assert kept(session, family).number is None
        assert page.all("//details[@open]")

    def test_the_sources_own_number_is_not_changed_here(self, session, family, browser):
        opened = browser.get(page_of(family))
        session.execute(text("UPDATE decision SET number = 'P-source', number_from_source = true"))
        page = browser.submit(opened, form_of(family, "number"), {"value": "P-mine"})
        assert page.status == 422
        assert kept(session, family).number == "P-source"
        assert [one for one in page.tree.forms if one.action == form_of(family, "number")] == []
        assert "The client information system states this itself. Change it there." in page.text
        assert "Not saved. You had typed: P-mine" in page.text

    @pytest.mark.parametrize(
        "over",
        [
            "UPDATE decision SET ended_at = now()",
            "UPDATE client_case SET gone_at = now()",
            "UPDATE client_case SET status = 'closed'",
        ],
    )
    def test_what_has_ended_takes_nothing_in(self, session, family, browser, over):
        opened = browser.get(page_of(family))
        session.execute(text(over))
        page = browser.submit(opened, form_of(family, "number"), {"value": "P-mine"})
        assert page.status == 422
        assert "nothing more is entered to it" in page.text

    @pytest.mark.parametrize("what", ["number", "basis"])
    def test_another_cases_decision_is_not_written_here(self, session, family, browser, what):
        foreign = make_decision(session, number=None)
        csrf = browser.get(page_of(family)).form("/logout")["csrf"]
        path = f"{page_of(family)}/decisions/{foreign.id}/{what}"
        page = browser.post(path, {"csrf": csrf, "value": "P-1", "granted_amount": "5", "seen": ""})
        assert page.status == 422
        assert session.get_one(Decision, foreign.id).number is None

    def test_a_form_of_another_session_is_refused(self, family, browser):
        assert browser.post(form_of(family, "number"), {"csrf": "x", "value": "P-1"}).status == 403


class TestBasis:
    """What the decision grants, or what it replaces."""

    @pytest.fixture
    def family(self, session):
        made = Family(session, granted_amount=None)
        made.worker.language = "en"
        make_price(session, made.service, made.provider, "80.00")
        made.plan(session)
        recompute(session, made.decision)
        return made

    def test_a_granted_amount_makes_the_ceiling(self, session, family, browser):
        assert "states neither a granted amount" in browser.get(page_of(family)).text
        page = browser.submit(browser.get(page_of(family)), form_of(family, "basis"), {"granted_amount": "1 234,50 €"})
        assert CALCULATING in page.text
        assert kept(session, family).granted_amount == Decimal("1234.50")
        assert event(session, "decision.basis_entered").details == {
            "decision": family.decision.id,
            "before": {"granted_amount": None, "service": None, "quantity": None, "unit": None},
            "after": {"granted_amount": "1234.5", "service": None, "quantity": None, "unit": None},
        }
        recompute(session, family.decision, cause="entered")
        assert "Ceiling€1,234.50" in browser.get(page_of(family)).text
        assert page.form(form_of(family, "basis"))["granted_amount"] == "1234.5"

    def test_the_form_shows_what_it_can_read_again(self, session, family, browser):
        browser.submit(browser.get(page_of(family)), form_of(family, "basis"), {"granted_amount": "1 234,50"})
        session.execute(text("DELETE FROM budget_dirty"))
        page = browser.submit(browser.get(page_of(family)), form_of(family, "basis"))
        assert page.status == 200
        assert touched(session) == []

    def test_a_replaced_service_makes_it_too_and_can_be_taken_back(self, session, family, browser):
        typed = {"service": family.baseline.code, "quantity": "12,5", "unit": "C62"}
        browser.submit(browser.get(page_of(family)), form_of(family, "basis"), typed)
        found = kept(session, family)
        assert (found.baseline_service_id, found.baseline_quantity, found.baseline_unit) == (
            family.baseline.id, Decimal("12.5"), "C62",
        )  # fmt: skip
        recompute(session, family.decision, cause="entered")
        assert "Ceiling€1,118.75" in browser.get(page_of(family)).text
        cleared = {"service": "", "quantity": ""}
        browser.submit(browser.get(page_of(family)), form_of(family, "basis"), cleared)
        found = kept(session, family)
        assert (found.baseline_service_id, found.baseline_quantity, found.baseline_unit) == (None, None, None)

    @pytest.mark.parametrize(
        ("typed", "why"),
        [
            ({"granted_amount": "abc"}, "Granted amount: that is not a number"),
            ({"granted_amount": "-5"}, "The granted amount cannot be -5 €."),
            ({"granted_amount": "10000000"}, "The granted amount cannot be 10000000 €."),
            ({"granted_amount": "5,001"}, "more than two decimals"),
            ({"granted_amount": "5", "quantity": "2"}, "not both"),
            ({"quantity": "2"}, "needs a service, a quantity and a unit"),
            ({"service": "SERVICE"}, "needs a service, a quantity and a unit"),
            ({"service": "SERVICE", "quantity": "2", "unit": ""}, "needs a service, a quantity and a unit"),
            ({"service": "SERVICE", "quantity": "0"}, "The replaced quantity cannot be 0."),
            ({"service": "SERVICE", "quantity": "1,00001"}, "more than four decimals"),
            ({"service": "SERVICE", "quantity": "1", "unit": "QQQ"}, "There is no unit QQQ."),
            ({"service": "no such", "quantity": "1"}, "There is no service no such."),
            ({"service": "a\x00b", "quantity": "1"}, "Service: that holds characters that cannot be printed."),
        ],
    )
    def test_what_makes_no_sense_is_said_and_stays_typed(self, session, family, browser, typed, why):
        typed = {name: family.baseline.code if value == "SERVICE" else value for name, value in typed.items()}
        page = browser.submit(browser.get(page_of(family)), form_of(family, "basis"), {"unit": "C62", **typed})
        assert page.status == 422
        assert why in page.text
        form = page.form(form_of(family, "basis"))
        for name in ("granted_amount", "quantity"):
            assert form[name] == typed.get(name, "")
        assert kept(session, family).granted_amount is None
        assert touched(session) == []

    def test_what_somebody_else_saved_meanwhile_is_not_written_over(self, session, family, browser):
        opened = browser.get(page_of(family))
        session.execute(text("UPDATE decision SET granted_amount = 700 WHERE id = :id"), {"id": family.decision.id})
        page = browser.submit(opened, form_of(family, "basis"), {"granted_amount": "800"})
        assert page.status == 422
        assert "Somebody has changed meanwhile what this decision grants or replaces." in page.text
        assert "granted: €700.00" in page.text
        assert page.form(form_of(family, "basis"))["granted_amount"] == "800"
        browser.submit(page, form_of(family, "basis"))
        assert kept(session, family).granted_amount == Decimal(800)

    def test_the_sources_own_basis_is_not_changed_here(self, session, family, browser):
        opened = browser.get(page_of(family))
        session.execute(text("UPDATE decision SET granted_amount = 700, basis_from_source = true"))
        page = browser.submit(opened, form_of(family, "basis"), {"granted_amount": "800"})
        assert page.status == 422
        assert kept(session, family).granted_amount == Decimal(700)


class TestGoals:
    """The goals of the client's plan."""

    def kept(self, session, family):
        session.expire_all()
        return session.get_one(Case, family.case.id).goals

    def test_they_are_saved_a_line_each_and_the_trail_tells_how_many(self, session, family, browser):
        value = "  Aamut   sujuvat.\r\n\r\nKoulu käy.\r\n"
        page = browser.submit(browser.get(page_of(family)), form_of(family, "goals"), {"value": value})
        assert "Saved." in page.text
        assert self.kept(session, family) == ["Aamut sujuvat.", "Koulu käy."]
        assert event(session, "case.goals_entered").details == {"before": 0, "after": 2}
        # browsers send the lines of a hidden field with two characters at each end
        again = browser.get(page_of(family))
        assert again.form(form_of(family, "goals"))["seen"] == "Aamut sujuvat.\nKoulu käy."
        typed = {"seen": "Aamut sujuvat.\r\nKoulu käy.", "value": "Koulu käy."}
        browser.submit(again, form_of(family, "goals"), typed)
        assert self.kept(session, family) == ["Koulu käy."]

    def test_saving_what_stands_there_already_changes_nothing(self, session, family, browser):
        browser.submit(browser.get(page_of(family)), form_of(family, "goals"))
        assert (
            session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'case.goals_entered'")).scalar() == 0
        )

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ("a\nb\nc\nd", "At most 3 goals can be kept."),
            ("x" * 1001, "longer than 1000 characters"),
            ("a\x07b", "cannot be printed"),
            ("Pekka 131052-9074", "holds a henkilötunnus"),
        ],
    )
    def test_what_cannot_be_kept_is_said_and_stays_typed(self, session, family, browser, value, why):
        page = browser.submit(browser.get(page_of(family)), form_of(family, "goals"), {"value": value})
        assert page.status == 422
        assert why in page.text
        assert self.kept(session, family) == []

    def test_what_somebody_else_saved_meanwhile_is_not_written_over(self, session, family, browser):
        opened = browser.get(page_of(family))
        session.execute(text("UPDATE client_case SET goals = '{Heidän}' WHERE id = :id"), {"id": family.case.id})
        page = browser.submit(opened, form_of(family, "goals"), {"value": "Minun"})
        assert page.status == 422
        assert "Somebody has changed the goals meanwhile." in page.text
        assert self.kept(session, family) == ["Heidän"]
        assert page.form(form_of(family, "goals"))["value"] == "Minun"

    def test_the_sources_own_goals_are_not_changed_here(self, session, family, browser):
        opened = browser.get(page_of(family))
        session.execute(text("UPDATE client_case SET goals = '{Lähteen}', goals_from_source = true"))
        page = browser.submit(opened, form_of(family, "goals"), {"value": "Minun"})
        assert page.status == 422
        assert self.kept(session, family) == ["Lähteen"]
