"""Comparisons before there is a case: the baseline, its alternatives, what cannot be asked."""

from datetime import date
from decimal import Decimal

import pytest

from core.errors import InputError, NotFound
from services.compare import compare_case
from tests.factories.case import make_case, make_decision
from tests.factories.price import make_price, make_price_key
from tests.factories.provider import make_provider
from tests.support.market import NOW, SETTINGS, TODAY, Market, ask, reason_of
from tests.support.queries import recording


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def test_without_a_case_the_baseline_makes_the_ceiling(session, market):
    found = ask(session)
    assert (found.ceiling, found.limit) == (Decimal("1074.00"), Decimal("1127.7000"))
    assert (found.first, found.last, found.unit) == (TODAY, date(2027, 2, 15), "C62")
    assert found.reference is not None
    assert found.reference.price_id == market.own.id

    cheap, dear, hours = found.offers
    assert (cheap.provider, cheap.total, cheap.difference, cheap.verdict, cheap.cheapest) == (
        market.one.name,
        Decimal("1056.00"),
        Decimal("18.00"),
        "fits",
        True,
    )
    assert (cheap.buys, cheap.valid_until, dict(cheap.facts)) == (
        Decimal(12),
        date(2027, 12, 31),
        {"home_visits": True},
    )
    (price,) = cheap.prices
    assert (price.price_id, price.position, len(price.sha256)) == (market.cheap.id, "2", 64)
    assert (dear.total, dear.verdict, dear.cheapest, dear.valid_until) == (
        Decimal("1116.00"),
        "within_tolerance",
        False,
        None,
    )
    assert (hours.total, hours.buys, hours.verdict) == (None, Decimal("21.75"), "unknown")
    assert "only what the money buys" in reason_of(hours)


def test_over_the_limit_nothing_is_called_cheapest(session, market):
    from models.price import Price

    for price in session.query(Price).where(Price.id != market.own.id):
        price.superseded_at = NOW
    session.flush()
    make_price(session, market.coaching, make_provider(session), "150.00")
    (only,) = ask(session).offers
    assert (only.verdict, only.cheapest, only.difference) == ("over", False, Decimal("-726.00"))


def test_a_gap_in_the_period_and_a_small_quantity_are_reason_of(session, market):
    gone = make_provider(session, name="Loppuva Oy (keksitty)")
    make_price(session, market.coaching, gone, "80.00", last=date(2026, 12, 31))
    bulk = make_provider(session, name="Tukku Oy (keksitty)")
    key = make_price_key(session, market.coaching, bulk, minimum_quantity=Decimal(50))
    make_price(session, market.coaching, bulk, "70.00", key=key)
    offers = {one.provider: one for one in ask(session).offers}
    assert offers[gone.name].total is None
    assert "from 2027-01-01 on" in reason_of(offers[gone.name])
    assert offers[gone.name].valid_until == date(2026, 12, 31)
    assert offers[bulk.name].total is None
    assert "small a quantity" in reason_of(offers[bulk.name])


def test_inactive_providers_and_past_prices_are_left_out(session, market):
    market.one.active = False
    past = make_provider(session)
    make_price(session, market.coaching, past, "10.00", last=date(2026, 10, 31))
    session.flush()
    assert {one.provider for one in ask(session).offers} == {market.two.name}


def test_without_a_unit_cost_there_is_no_ceiling_and_that_is_reason_of(session, market):
    market.own.superseded_at = NOW
    session.flush()
    found = ask(session)
    assert found.ceiling is None
    assert "Import the unit costs" in reason_of(found)
    assert {one.verdict for one in found.offers} == {"unknown"}
    assert found.offers[0].total == Decimal("1056.00")


@pytest.mark.parametrize(
    "over",
    [
        *({"quantity": Decimal(one)} for one in ("0", "-1", "NaN", "sNaN", "Infinity", "0.00001", "1e8")),
        *({"months": one} for one in (0, -1, 121)),
    ],
)
def test_nothing_cannot_be_compared(session, market, over):
    with pytest.raises(InputError):
        ask(session, **over)


def test_unknown_names_are_refused(session, market):
    with pytest.raises(NotFound, match="TUNTEMATON"):
        ask(session, baseline="TUNTEMATON")
    with pytest.raises(NotFound):
        compare_case(session, "HB-0", today=TODAY, settings=SETTINGS)
    case = make_case(session)
    with pytest.raises(InputError, match=case.number):
        compare_case(session, case.number, today=TODAY, settings=SETTINGS)
    make_decision(session, case)
    with pytest.raises(NotFound, match="X-1"):
        compare_case(session, case.number, item="X-1", today=TODAY, settings=SETTINGS)


def test_the_number_of_statements_does_not_grow_with_the_market(session, market):
    def statements() -> int:
        with recording(session) as queries:
            ask(session)
        return len(queries)

    few = statements()
    for _ in range(5):
        make_price(session, market.coaching, make_provider(session), "90.00")
    assert statements() == few
