"""Comparisons for a case: its decision, its plan, what is ordered or lies outside, and what else the budget has to pay."""

from datetime import date
from decimal import Decimal

import pytest

from core.errors import InputError, NotFound
from models.base import days
from models.price import PriceKey
from services.budgets.recompute import recompute_now
from services.budgets.show import budgets_of_case
from services.compare import compare_case
from tests.factories.case import make_case, make_choice, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.support.market import NOW, SETTINGS, TODAY, Market, ask, case_of, compared, reason_of
from tests.support.queries import recording


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def test_a_case_compares_its_plan_and_agrees_with_the_budget(session, market):
    decision = market.decided()
    item = make_plan_item(session, decision, market.support, "24")
    key = make_price_key(session, market.support, market.one)
    make_price(session, market.support, market.one, "51.3333", key=key, last=date(2026, 12, 31))
    make_price(session, market.support, market.one, "52.6667", key=key, first=date(2027, 1, 1))
    make_choice(session, item, market.one)
    recompute_now(session, [decision.id], cause="cases", now=NOW, settings=SETTINGS)

    (found,) = compare_case(session, case_of(session, decision), item=item.external_id, today=TODAY, settings=SETTINGS)
    (budget,) = budgets_of_case(session, case_of(session, decision))
    chosen = next(one for one in found.offers if one.chosen)
    assert (chosen.service, chosen.provider, chosen.quantity) == ("TUKI-T", market.one.name, Decimal(24))
    assert chosen.total == budget.planned
    assert found.ceiling == budget.ceiling == Decimal("1253.00")
    assert len(chosen.prices) == 2
    other = next(one for one in found.offers if one.service == "TUKI-T" and not one.chosen)
    assert (other.total, other.cheapest) == (Decimal("1176.00"), True)
    coaching = next(one for one in found.offers if one.service == "ADHD-T")
    assert coaching.quantity == 14, "services outside the plan are compared for the quantity they would replace"


def test_a_granted_amount_is_compared_with_the_plan_alone(session, market):
    decision = market.decided(granted_amount=Decimal(900), baseline_service_id=None, baseline_quantity=None)
    make_plan_item(session, decision, market.support, "20")
    (found,) = compare_case(session, case_of(session, decision), today=TODAY, settings=SETTINGS)
    (offer,) = found.offers
    assert (found.ceiling, offer.total, offer.verdict) == (Decimal(900), Decimal(980), "over")
    assert found.baseline is None


def test_a_decision_without_either_says_so(session, market):
    decision = market.decided(baseline_service_id=None, baseline_quantity=None, baseline_unit=None)
    (found,) = compare_case(session, case_of(session, decision), today=TODAY, settings=SETTINGS)
    assert found.offers == ()
    assert found.reason is not None
    assert "neither" in reason_of(found)


def test_the_reference_is_that_of_the_decision_day(session, market):
    market.own.superseded_at = NOW
    session.flush()
    key = session.get(PriceKey, market.own.price_key_id)
    make_price(session, market.family_work, amount="89.50", last=date(2026, 11, 10), key=key)
    make_price(session, market.family_work, amount="95.00", first=date(2026, 11, 11), key=key)
    (found,) = compare_case(session, case_of(session, market.decided()), today=TODAY, settings=SETTINGS)
    assert found.ceiling == Decimal("1253.00")
    assert ask(session).ceiling == Decimal("1140.00")


def noted(comparison) -> str:
    return " ".join(note.text("en") for note in comparison.notes)


def calculated(session, decision) -> None:
    recompute_now(session, [decision.id], cause="cases", now=NOW, settings=SETTINGS)


def test_each_planned_service_is_compared_with_what_the_others_leave(session, market):
    decision = market.decided()
    coaching = make_plan_item(session, decision, market.coaching, "6", external_id="I-1")
    support = make_plan_item(session, decision, market.support, "10", external_id="I-2")
    make_choice(session, coaching, market.one)
    calculated(session, decision)
    first, second = compared(session, decision)
    assert (first.item, first.beside, second.item, second.beside) == ("I-1", Decimal(0), "I-2", Decimal("528.00"))
    assert "have no price yet" in noted(first)
    assert not second.notes
    make_choice(session, support, market.two)
    calculated(session, decision)
    first, second = compared(session, decision)
    assert (first.beside, first.ceiling) == (Decimal("490.00"), Decimal("1253.00"))
    cheap, dear = first.offers
    assert (cheap.total, cheap.difference, cheap.chosen) == (Decimal("528.00"), Decimal("235.00"), True)
    assert dear.quantity == 6
    assert {offer.service for offer in second.offers} == {"TUKI-T"}, "the other planned service is no alternative to it"
    assert cheap.buys == 8, "763.00 € are left for it"
    (only,) = compared(session, decision, item="I-2")
    assert only == second
    (same,) = compared(session, decision, item=f"{case_of(session, decision)}/I-2")
    assert same == second


def test_services_that_could_replace_one_among_several_are_compared_for_its_quantity(session, market):
    decision = market.decided()
    make_plan_item(session, decision, market.coaching, "6")
    make_plan_item(session, decision, market.family_work, "4")
    first, second = compared(session, decision)
    hours = next(one for one in first.offers if one.service == "TUKI-T")
    assert (hours.total, hours.quantity) == (None, None)
    assert [(one.service, one.quantity) for one in second.offers] == [("TUKI-T", None)], "nobody sells family work"


def test_a_decision_without_a_plan_is_compared_for_what_it_replaces(session, market):
    (found,) = compared(session, market.decided())
    assert (found.item, found.first, found.last) == (None, TODAY, date(2027, 2, 15))
    assert [one.total for one in found.offers] == [Decimal("1232.00"), Decimal("1302.00"), None]


def ordered(session, market, decision, item, last=None):
    """An order for the first days of an item, at 88.00 € a visit."""
    period = item.period if last is None else days(item.period.lower, last)
    order = make_order(session, decision, market.one, number="T-2026-777777", period=period)
    make_order_line(session, order, item, market.cheap, "264.00", period=period, quantity=Decimal(3))
    return order


def test_what_is_ordered_in_part_is_compared_for_the_rest(session, market):
    decision = market.decided()
    item = make_plan_item(session, decision, market.coaching)
    make_choice(session, item, market.one)
    ordered(session, market, decision, item, date(2026, 12, 15))
    calculated(session, decision)
    (budget,) = budgets_of_case(session, case_of(session, decision))
    (found,) = compared(session, decision)
    assert found.beside == budget.ordered == Decimal("264.00")
    chosen = next(one for one in found.offers if one.chosen)
    assert (chosen.quantity, chosen.total) == (Decimal(9), budget.planned)
    assert chosen.difference == budget.free
    assert "ordered in part (T-2026-777777)" in noted(found)
    assert {one.quantity for one in found.offers if one.service == "ADHD-T"} == {9}


def test_what_is_ordered_in_full_is_compared_as_if_it_were_not(session, market):
    decision = market.decided()
    item = make_plan_item(session, decision, market.coaching)
    make_choice(session, item, market.one)
    ordered(session, market, decision, item)
    calculated(session, decision)
    (found,) = compared(session, decision)
    assert "already ordered (T-2026-777777)" in noted(found)
    assert (found.beside, found.offers[0].quantity) == (Decimal(0), Decimal(12))


def test_days_outside_the_decision_are_not_counted_and_that_is_said(session, market):
    decision = market.decided(valid=days(date(2026, 11, 9), date(2027, 1, 7)))
    item = make_plan_item(session, decision, market.coaching)
    make_choice(session, item, market.one)
    calculated(session, decision)
    (budget,) = budgets_of_case(session, case_of(session, decision))
    (found,) = compared(session, decision)
    assert "from 2027-01-08 to 2027-02-22 lie outside" in noted(found)
    chosen = next(one for one in found.offers if one.chosen)
    assert (chosen.total, chosen.quantity) == (budget.planned, Decimal(6))


def test_a_plan_wholly_outside_its_decision_has_no_totals(session, market):
    decision = market.decided(valid=days(date(2025, 1, 1), date(2025, 12, 31)))
    make_plan_item(session, decision, market.coaching)
    (found,) = compared(session, decision)
    assert {one.total for one in found.offers} == {None}
    assert "No part of it" in reason_of(found.offers[0])
    assert "ended on 2025-12-31" in noted(found)


def test_the_frozen_ceiling_is_shown_with_the_price_it_came_from(session, market):
    decision = market.decided()
    make_plan_item(session, decision, market.coaching)
    calculated(session, decision)
    market.own.superseded_at = NOW
    session.flush()
    key = session.get(PriceKey, market.own.price_key_id)
    make_price(session, market.family_work, amount="120.00", key=key)
    (found,) = compared(session, decision)
    assert found.reference is not None
    assert (found.ceiling, found.reference.price_id) == (Decimal("1253.00"), market.own.id)


def test_a_closed_or_a_gone_case_is_compared_and_says_so(session, market):
    decision = market.decided(make_case(session, status="closed"))
    make_plan_item(session, decision, market.coaching)
    (found,) = compared(session, decision)
    assert found.offers
    assert "is closed" in noted(found)
    gone = market.decided(make_case(session, gone_at=NOW))
    (found,) = compared(session, gone)
    assert "no longer in its source system" in noted(found)


def test_what_has_ended_is_not_compared(session, market):
    decision = market.decided()
    make_plan_item(session, decision, market.coaching, external_id="I-1", ended_at=NOW)
    with pytest.raises(InputError, match="I-1 has ended"):
        compared(session, decision, item="I-1")
    with pytest.raises(NotFound, match="I-2"):
        compared(session, decision, item="I-2")
    make_plan_item(session, decision, market.coaching, external_id="I-3")
    decision.ended_at = NOW
    session.flush()
    with pytest.raises(InputError, match="Every decision"):
        compared(session, decision)
    with pytest.raises(InputError, match="I-3 has ended"):
        compared(session, decision, item="I-3")


def test_two_decisions_are_two_comparisons(session, market):
    first = market.decided(number="P-1")
    second = market.decided(session.get_one(type(make_case(session)), first.case_id), number="P-2", granted_amount=500)
    make_plan_item(session, second, market.coaching, "5")
    one, two = compared(session, first)
    assert (one.decision, two.decision, two.ceiling, two.reference) == ("P-1", "P-2", Decimal(500), None)


def test_a_decision_without_a_date_is_measured_with_today(session, market):
    decision = market.decided(decided_on=None)
    make_plan_item(session, decision, market.coaching)
    calculated(session, decision)
    (found,) = compared(session, decision)
    assert (found.ceiling, found.reference_day) == (Decimal("1253.00"), TODAY)
    assert "no date yet" in noted(found)


def test_a_budget_that_is_about_to_change_is_said_to_be(session, market):
    from services.budgets import dirty

    decision = market.decided()
    make_plan_item(session, decision, market.coaching)
    make_plan_item(session, decision, market.support)
    calculated(session, decision)
    dirty.mark_decisions(session, [decision.id], "choice")
    assert "about to be calculated anew" in noted(compared(session, decision)[0])


def test_the_number_of_statements_does_not_grow_with_the_plan(session, market):
    def statements(decision) -> int:
        with recording(session) as queries:
            compared(session, decision)
        return len(queries)

    decision = market.decided()
    make_plan_item(session, decision, market.coaching)
    few = statements(decision)
    for _ in range(4):
        make_plan_item(session, decision, market.support)
    assert statements(decision) == few <= 12


def test_orders_of_a_service_no_longer_planned_are_still_paid(session, market):
    decision = market.decided()
    gone = make_plan_item(session, decision, market.coaching, "3")
    make_plan_item(session, decision, market.coaching, "6", external_id="I-2")
    ordered(session, market, decision, gone)
    gone.ended_at = NOW
    session.flush()
    calculated(session, decision)
    (found,) = compared(session, decision)
    assert (found.item, found.beside) == ("I-2", Decimal("264.00"))
    assert found.offers[0].difference == Decimal("1253.00") - Decimal("264.00") - Decimal("528.00")
