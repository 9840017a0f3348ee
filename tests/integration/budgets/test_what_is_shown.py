"""A budget as it was known: the last word of a day counts, and what was priced then is what is named."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from services.budgets import dirty
from services.budgets.show import budgets_of_case
from tests.factories.case import make_decision
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.factories.service import make_service
from tests.support.family import NOW, SETTINGS, current, reasons, recompute

DAY = NOW.date()


def shown(session, family, *, at=None):
    (budget,) = budgets_of_case(session, family.case.number, at=at)
    return budget


def test_of_two_versions_of_one_moment_the_later_was_known(session, family):
    item = family.plan(session, "10")
    make_price(session, family.service, family.provider, "88.00")
    for quantity in ("10", "11", "12"):
        item.quantity = Decimal(quantity)
        session.flush()
        recompute(session, family.decision)
    assert shown(session, family, at=DAY).planned == Decimal("1056.00")
    # of the past the case's state is not told: it is the present one
    assert shown(session, family, at=DAY) == replace(shown(session, family), case_status=None)


def test_a_service_that_changed_later_is_named_as_it_was_priced(session, family):
    item = family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    before = shown(session, family, at=DAY)
    item.service_id = make_service(session).id
    session.flush()
    recompute(session, family.decision, now=NOW + timedelta(days=1))
    assert shown(session, family, at=DAY) == before
    assert before.lines[0].service == family.service.code


def test_only_a_newer_list_that_waits_makes_a_price_pending_and_only_now(session, family):
    family.plan(session)
    source = make_price_source(session, family.provider)
    make_price_list(session, source, state="held", plan={})
    listed = make_price_list(session, source)
    make_price(session, family.service, family.provider, "88.00", price_list=listed)
    recompute(session, family.decision)
    assert not shown(session, family).lines[0].price.pending
    make_price_list(session, source, state="held", plan={})
    assert shown(session, family).lines[0].price.pending
    assert not shown(session, family, at=DAY).lines[0].price.pending


def test_a_price_of_what_comes_beside_is_no_other_unit_of_the_service(session, family):
    family.plan(session)
    travel = make_price_key(session, family.service, family.provider, unit="KMT", extra="travel")
    make_price(session, family.service, family.provider, "0.57", key=travel)
    recompute(session, family.decision)
    (reason,) = reasons(current(session, family.decision))
    assert "no price of" in reason
    assert "kilometre" not in reason


def test_a_decision_that_ended_grants_no_days_twice(session, family):

    make_decision(session, family.case, valid=family.decision.valid, granted_amount=Decimal(10), ended_at=NOW)
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    assert reasons(current(session, family.decision)) == []


def test_a_ceiling_is_that_of_the_new_date_when_the_decision_is_dated_anew(session, family):
    key = make_price_key(session, family.baseline, minimum_quantity=Decimal(1))
    make_price(session, family.baseline, amount="91.00", key=key, first=date(2026, 11, 1))
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal("1092.00")
    family.decision.decided_on = date(2026, 10, 20)
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal("1074.00")


def test_a_budget_that_is_ended_already_is_not_noted_again(session, family):
    family.decision.valid = type(family.decision.valid)(date(2026, 1, 1), DAY)
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).state == "ended"
    assert dirty.mark_by_time_and_settings(session, today=DAY, settings=SETTINGS) == 0


def test_the_cause_is_the_one_noted_last(session, family):
    dirty.mark_decisions(session, [family.decision.id], "cases")
    recompute(session, family.decision, cause="choice")
    assert current(session, family.decision).cause == "choice"


def test_a_price_that_is_in_force_no_more_keeps_the_end_its_list_gave_it(session, family):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00", last=date(2027, 12, 31))
    make_order_line(session, make_order(session, family.decision, family.provider), item, price, "1056.00")
    recompute(session, family.decision)
    price.superseded_at = NOW
    session.flush()
    assert shown(session, family).lines[0].price.valid_until == date(2027, 12, 31)
