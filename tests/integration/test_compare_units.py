"""Units that convert, what comes beside a service, and what the same money buys."""

from datetime import date
from decimal import Decimal

import pytest

from core.budget_settings import Budgets, ExtraRule
from services.compare.words import bought_in_words, extra_in_words, price_in_words, verdict_in_words
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.factories.provider import make_provider
from tests.support.market import SETTINGS, Market, ask, reason_of

TRAVEL = ExtraRule(extra="travel", unit="KMT", quantity=Decimal(20))


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def offer_of(session, provider, **over):
    (found,) = [one for one in ask(session, **over).offers if one.provider_id == provider.id]
    return found


def travelling(market, amount="0.50", **over):
    """A provider at 80.00 € a visit that bills kilometres."""
    session = market.session
    seller = market.sold_alone("80.00")
    key = make_price_key(session, market.coaching, seller, unit="KMT", extra="travel", **over.pop("key", {}))
    make_price(session, market.coaching, seller, amount, key=key, **over)
    return seller


def test_a_visit_is_a_visit_by_any_code(session, market):
    seller = market.sold_alone("80.00", unit="ACT")
    found = offer_of(session, seller)
    assert (found.unit, found.total, found.buys) == ("C62", Decimal(960), 13)
    assert price_in_words(found) == "12 × €80.00/visit"


def test_an_hour_is_priced_by_the_minute_and_by_three_quarters(session, market):
    by_minute = make_provider(session)
    make_price(
        session, market.support, by_minute, "0.80", key=make_price_key(session, market.support, by_minute, unit="MIN")
    )
    by_lesson = make_provider(session)
    key = make_price_key(session, market.support, by_lesson, unit="MIN", base_quantity=Decimal(45))
    make_price(session, market.support, by_lesson, "40.00", key=key)
    make_price(session, market.support, amount="50.00")
    asked = {"baseline": "TUKI-T", "quantity": Decimal("10.5")}
    minutes, lessons = offer_of(session, by_minute, **asked), offer_of(session, by_lesson, **asked)
    assert (minutes.total, minutes.buys) == (Decimal("504.00"), Decimal("10.75"))
    assert price_in_words(lessons) == "10.5 hours, €40.00/45 minutes"
    assert (lessons.total, lessons.buys) == (Decimal("560.00"), Decimal("9.75"))  # 10.5 × 60 × 40 / 45; 525 / 53.333…


def test_the_own_unit_comes_first_then_the_largest_minimum_reached(session, market):
    seller = market.sold_alone("90.00")
    market.sold_alone("50.00", provider=seller, unit="H87")
    assert offer_of(session, seller).total == Decimal("1080.00")
    market.sold_alone("85.00", provider=seller, minimum_quantity=Decimal(10))
    market.sold_alone("70.00", provider=seller, minimum_quantity=Decimal(20))
    found = offer_of(session, seller)
    assert found.total == Decimal("1020.00")
    assert found.buys == 12, "at 85.00 €: the 15 it would buy at 70.00 € are fewer than that price is for"


def test_the_money_may_reach_a_price_for_more(session, market):
    seller = market.sold_alone("90.00")
    market.sold_alone("70.00", provider=seller, minimum_quantity=Decimal(15))
    found = offer_of(session, seller)
    assert (found.total, found.buys) == (Decimal("1080.00"), 15)


def test_visits_and_hours_are_told_of_one_offer(session, market):
    seller = market.sold_alone("80.00")
    market.sold_alone("60.00", provider=seller, unit="HUR")
    market.sold_alone("1.00", provider=seller, unit="MIN")
    found = offer_of(session, seller)
    assert (found.total, found.buys, found.also_buys) == (Decimal(960), 13, ((Decimal("17.75"), "HUR"),))
    assert bought_in_words(found) == "13 visits or 17.75 hours"


def test_travel_is_inside_the_total_where_the_provider_bills_it(session, market):
    seller = travelling(market)
    with_travel = Budgets(extras=[TRAVEL])
    assert offer_of(session, seller).total == Decimal("960.00")
    found = offer_of(session, seller, settings=with_travel)
    (extra,) = found.extras
    assert (extra.extra, extra.quantity, extra.unit, extra.gross) == ("travel", 240, "KMT", Decimal("120.00"))
    assert (found.total, found.difference, found.verdict) == (Decimal("1080.00"), Decimal("-6.00"), "within_tolerance")
    assert found.buys == 11, "90.00 € for each visit with its travel"
    assert len(extra.prices[0].sha256) == 64
    assert extra_in_words(extra) == "+ travel, 240 kilometres: €120.00"
    assert extra_in_words(extra) in price_in_words(found)
    assert offer_of(session, market.one, settings=with_travel).extras == ()


def test_a_rule_of_a_service_beats_that_of_all(session, market):
    seller = travelling(market)
    own = ExtraRule(extra="travel", unit="KMT", quantity=Decimal(2), services=["ADHD-T"])
    other = ExtraRule(extra="travel", unit="KMT", quantity=Decimal(50), services=["TUKI-T"])
    assert offer_of(session, seller, settings=Budgets(extras=[TRAVEL, own, other])).total == Decimal("972.00")
    hours = ExtraRule(extra="travel", unit="KMT", for_unit="HUR", quantity=Decimal(5))
    assert offer_of(session, seller, settings=Budgets(extras=[hours])).total == Decimal("960.00")


def test_travel_without_a_price_on_some_days_has_no_total(session, market):
    seller = travelling(market, last=date(2026, 12, 31))
    found = offer_of(session, seller, settings=Budgets(extras=[TRAVEL]))
    assert (found.total, found.verdict) == (None, "unknown")
    assert reason_of(found) == "An extra charge, travel, has no price from 2027-01-01 on."
    assert found.valid_until == date(2026, 12, 31) or found.valid_until is None
    gone = travelling(market, last=date(2026, 10, 31))
    assert offer_of(session, gone, settings=Budgets(extras=[TRAVEL])).total == Decimal("960.00"), "it charges none now"


def test_travel_is_billed_from_a_quantity_on(session, market):
    seller = travelling(market, key={"minimum_quantity": Decimal(241)})
    assert offer_of(session, seller, settings=Budgets(extras=[TRAVEL])).extras == ()
    assert offer_of(session, seller, quantity=Decimal(13), settings=Budgets(extras=[TRAVEL])).extras


def test_a_price_that_changes_on_the_way_is_shown_with_its_day(session, market):
    seller = make_provider(session)
    key = make_price_key(session, market.coaching, seller)
    make_price(session, market.coaching, seller, "80.00", key=key, last=date(2026, 12, 31))
    make_price(session, market.coaching, seller, "100.00", key=key, first=date(2027, 1, 1))
    found = offer_of(session, seller)
    assert found.total == Decimal("1080.00")  # six visits at each
    assert found.buys == 11, "at the average of 90.00 €"
    assert price_in_words(found) == "12 × €80.00/visit\nfrom 2027-01-01 on €100.00/visit"
    later = market.sold_alone("70.00", first=date(2026, 12, 1))
    assert offer_of(session, later).buys == 15, "as soon as there is a price"


def test_what_the_money_buys_fits_to_the_cent(session, market):
    seller = market.sold_alone("89.5004")  # 12 × is 1,074.0048: rounded it fits 1,074.00
    found = offer_of(session, seller)
    assert (found.total, found.verdict, found.buys) == (Decimal("1074.00"), "fits", 12)
    dear = market.sold_alone("89.5005")
    found = offer_of(session, dear)
    assert (found.total, found.verdict, found.buys) == (Decimal("1074.01"), "within_tolerance", 11)


def test_an_amount_beyond_belief_is_no_total(session, market):
    found = ask(session, quantity=Decimal(99_999))
    assert (found.ceiling, found.limit) == (Decimal("8949910.50"), Decimal("9397406.025"))
    seller = market.sold_alone("99999.00")
    assert "more than can be true" in offer_of(session, seller, quantity=Decimal(1000)).reason.text("en")
    found = ask(session, quantity=Decimal(200_000))
    assert found.ceiling is None
    assert "more than can be true" in reason_of(found)
    assert {one.total for one in found.offers} == {None}


def test_a_newer_list_that_waits_is_reason_of(session, market):
    source = make_price_source(session, market.one)
    listed = make_price_list(session, source)
    seller = make_provider(session)
    make_price(session, market.coaching, seller, "81.00", price_list=listed)
    assert not offer_of(session, seller).pending
    make_price_list(session, source, state="held")
    found = offer_of(session, seller)
    assert found.pending
    assert "price pending" in verdict_in_words(found)
    assert SETTINGS.extras == []
