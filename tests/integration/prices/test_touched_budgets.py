"""A list touches the budgets planned on days whose price it changes, and no others; a copy of a price changes nothing by itself."""

from datetime import date

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets
from models.price import Price
from services import prices
from services.budgets import dirty
from services.budgets.show import budgets_of_case
from tests.support.budgets import current_version, lines_of, recompute_dirty
from tests.support.price_rows import NOW, row, use


def noted(session):
    return set(
        session.execute(text("SELECT decision_id FROM budget_dirty JOIN budget ON budget.id = budget_id")).scalars()
    )


@pytest.fixture
def families(session, bring, nepsy, provider):
    """One plan that ends this year, one that goes on into the next; both calculated."""
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    ends, _ = use(session, nepsy, provider, first=date(2026, 11, 16), last=date(2026, 12, 31))
    goes_on, _ = use(session, nepsy, provider, first=date(2026, 11, 16), last=date(2027, 1, 31))
    dirty.mark_decisions(session, [ends.id, goes_on.id], "cases")
    recompute_dirty(session, now=NOW, settings=Budgets())
    return ends, goes_on


def test_next_years_prices_touch_plans_of_next_year_only(session, bring, families):
    ends, goes_on = families
    before = {one.id: current_version(session, one.id).id for one in families}
    bring(row("NEPSY-VALMENNUS", "97", "2", first=date(2027, 1, 1)))
    assert noted(session) == {goes_on.id}
    recompute_dirty(session, now=NOW, settings=Budgets())
    assert current_version(session, ends.id).id == before[ends.id]
    assert current_version(session, goes_on.id).id != before[goes_on.id]
    # asked for all the same, the budget that ends this year is what it was, though its price is a shortened copy now
    dirty.mark_all(session, "asked")
    assert recompute_dirty(session, now=NOW, settings=Budgets()).changed == 0


def test_a_line_cites_the_version_the_list_wrote_and_says_until_when_it_holds_now(session, bring, families):
    _, goes_on = families
    original = session.query(Price).one()
    bring(row("NEPSY-VALMENNUS", "97", "2", first=date(2027, 1, 1)))
    recompute_dirty(session, now=NOW, settings=Budgets())
    first, second = lines_of(session, current_version(session, goes_on.id))
    assert (first.price_id, second.price_id != original.id) == (original.id, True)
    (case,) = session.execute(
        text(
            "SELECT client_case.number FROM client_case JOIN decision ON case_id = client_case.id WHERE decision.id = :id"
        ),
        {"id": goes_on.id},
    ).scalars()
    (budget,) = budgets_of_case(session, case)
    assert [one.price.valid_until for one in budget.lines if one.price] == [date(2026, 12, 31), None]


def test_a_rolled_back_list_leaves_the_budgets_it_did_not_touch(session, bring, families):
    ends, goes_on = families
    bring(row("NEPSY-VALMENNUS", "97", "2", first=date(2027, 1, 1)))
    recompute_dirty(session, now=NOW, settings=Budgets())
    before = current_version(session, ends.id).id
    prices.rollback(session, bring.run, "cli:test", "väärä vuosi", NOW)
    assert noted(session) == {goes_on.id}
    recompute_dirty(session, now=NOW, settings=Budgets())
    assert len(lines_of(session, current_version(session, goes_on.id))) == 1
    dirty.mark_all(session, "asked")
    assert recompute_dirty(session, now=NOW, settings=Budgets()).changed == 0
    assert current_version(session, ends.id).id == before


def test_a_list_that_says_the_same_touches_nothing(session, bring, families):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    assert noted(session) == set()
