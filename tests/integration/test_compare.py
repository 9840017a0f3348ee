"""Comparisons on the real database: with a case, without one, and their agreement with budgets."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.budget_settings import Budgets
from core.errors import InputError, NotFound
from models.price import PriceKey
from services.budgets.recompute import recompute_now
from services.budgets.show import budgets_of_case
from services.compare import compare_case, compare_service
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_price, make_price_key
from tests.factories.provider import make_provider
from tests.factories.service import make_alternative, make_service
from tests.support.queries import recording

TODAY = date(2026, 11, 16)
NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
SETTINGS = Budgets(tolerance=Decimal("0.05"), near_limit=Decimal("0.90"))


class Market:
    """Family work at 89.50 €, ADHD coaching at two providers, a support person by the hour."""

    def __init__(self, session) -> None:
        self.family_work = make_service(session, code="PERHETYO-T", name_fi="perhetyö", name_sv="familjearbete")
        self.coaching = make_service(session, code="ADHD-T", name_fi="ADHD-valmennus")
        self.support = make_service(session, code="TUKI-T", name_fi="tukihenkilö", unit="HUR")
        make_alternative(session, self.family_work, self.coaching)
        make_alternative(session, self.family_work, self.support)
        self.one = make_provider(session, name="Yksi Oy (keksitty)", facts={"home_visits": True})
        self.two = make_provider(session, name="Kaksi Oy (keksitty)")
        self.own = make_price(session, self.family_work, amount="89.50")
        self.cheap = make_price(session, self.coaching, self.one, "88.00", last=date(2027, 12, 31))
        make_price(session, self.coaching, self.two, "93.00")
        make_price(session, self.support, self.two, "49.00")


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def ask(session, **over):
    values = {"baseline": "perhetyo-t", "quantity": Decimal(12), "today": TODAY, "settings": SETTINGS, **over}
    return compare_service(session, **values)


def test_without_a_case_the_baseline_makes_the_ceiling(session, market):
    found = ask(session)
    assert (found.ceiling, found.limit) == (Decimal("1074.00"), Decimal("1127.7000"))
    assert (found.first, found.last, found.unit) == (TODAY, date(2027, 2, 15), "C62")
    assert found.reference.price_id == market.own.id

    cheap, dear, hours = found.offers
    assert (cheap.provider, cheap.total, cheap.difference, cheap.verdict, cheap.cheapest) == (
        market.one.name,
        Decimal("1056.00"),
        Decimal("18.00"),
        "fits",
        True,
    )
    assert (cheap.buys, cheap.valid_until, cheap.facts) == (12, date(2027, 12, 31), {"home_visits": True})
    (price,) = cheap.prices
    assert (price.price_id, price.position, len(price.sha256)) == (market.cheap.id, "2", 64)
    assert (dear.total, dear.verdict, dear.cheapest, dear.valid_until) == (
        Decimal("1116.00"),
        "within_tolerance",
        False,
        None,
    )
    assert (hours.total, hours.buys, hours.verdict) == (None, Decimal("21.75"), "unknown")
    assert "only what the money buys" in hours.reason.text("en")


def test_over_the_limit_nothing_is_called_cheapest(session, market):
    from models.price import Price

    for price in session.query(Price).where(Price.id != market.own.id):
        price.superseded_at = NOW
    session.flush()
    make_price(session, market.coaching, make_provider(session), "150.00")
    (only,) = ask(session).offers
    assert (only.verdict, only.cheapest, only.difference) == ("over", False, Decimal("-726.00"))


def test_a_gap_in_the_period_and_a_small_quantity_are_said(session, market):
    gone = make_provider(session, name="Loppuva Oy (keksitty)")
    make_price(session, market.coaching, gone, "80.00", last=date(2026, 12, 31))
    bulk = make_provider(session, name="Tukku Oy (keksitty)")
    key = make_price_key(session, market.coaching, bulk, minimum_quantity=Decimal(50))
    make_price(session, market.coaching, bulk, "70.00", key=key)
    offers = {one.provider: one for one in ask(session).offers}
    assert offers[gone.name].total is None
    assert "from 2027-01-01 on" in offers[gone.name].reason.text("en")
    assert offers[gone.name].valid_until == date(2026, 12, 31)
    assert offers[bulk.name].total is None
    assert "small a quantity" in offers[bulk.name].reason.text("en")


def test_inactive_providers_and_past_prices_are_left_out(session, market):
    market.one.active = False
    past = make_provider(session)
    make_price(session, market.coaching, past, "10.00", last=date(2026, 10, 31))
    session.flush()
    assert {one.provider for one in ask(session).offers} == {market.two.name}


def test_without_a_unit_cost_there_is_no_ceiling_and_that_is_said(session, market):
    market.own.superseded_at = NOW
    session.flush()
    found = ask(session)
    assert found.ceiling is None
    assert "Import the unit costs" in found.reason.text("en")
    assert {one.verdict for one in found.offers} == {"unknown"}
    assert found.offers[0].total == Decimal("1056.00")


@pytest.mark.parametrize("over", [{"quantity": Decimal(0)}, {"months": 0}])
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


def decided(session, market, **over):
    stated = {"baseline_service_id": market.family_work.id, "baseline_quantity": Decimal(14), "baseline_unit": "C62"}
    return make_decision(session, make_case(session), **{**stated, **over})


def number_of(session, decision) -> str:
    from models.case import Case

    number: str = session.get(Case, decision.case_id).number
    return number


def test_a_case_compares_its_plan_and_agrees_with_the_budget(session, market):
    decision = decided(session, market)
    item = make_plan_item(session, decision, market.support, "24")
    key = make_price_key(session, market.support, market.one)
    make_price(session, market.support, market.one, "51.3333", key=key, last=date(2026, 12, 31))
    make_price(session, market.support, market.one, "52.6667", key=key, first=date(2027, 1, 1))
    make_choice(session, item, market.one)
    recompute_now(session, [decision.id], cause="cases", now=NOW, settings=SETTINGS)

    (found,) = compare_case(
        session, number_of(session, decision), item=item.external_id, today=TODAY, settings=SETTINGS
    )
    (budget,) = budgets_of_case(session, number_of(session, decision))
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
    decision = decided(session, market, granted_amount=Decimal(900), baseline_service_id=None, baseline_quantity=None)
    make_plan_item(session, decision, market.support, "20")
    (found,) = compare_case(session, number_of(session, decision), today=TODAY, settings=SETTINGS)
    (offer,) = found.offers
    assert (found.ceiling, offer.total, offer.verdict) == (Decimal(900), Decimal(980), "over")
    assert found.baseline is None


def test_a_decision_without_either_says_so(session, market):
    decision = decided(session, market, baseline_service_id=None, baseline_quantity=None, baseline_unit=None)
    (found,) = compare_case(session, number_of(session, decision), today=TODAY, settings=SETTINGS)
    assert found.offers == ()
    assert found.reason is not None
    assert "neither" in found.reason.text("en")


def test_the_reference_is_that_of_the_decision_day(session, market):
    market.own.superseded_at = NOW
    session.flush()
    key = session.get(PriceKey, market.own.price_key_id)
    make_price(session, market.family_work, amount="89.50", last=date(2026, 11, 10), key=key)
    make_price(session, market.family_work, amount="95.00", first=date(2026, 11, 11), key=key)
    (found,) = compare_case(session, number_of(session, decided(session, market)), today=TODAY, settings=SETTINGS)
    assert found.ceiling == Decimal("1253.00")
    assert ask(session).ceiling == Decimal("1140.00")


def test_the_number_of_statements_does_not_grow_with_the_market(session, market):
    def statements() -> int:
        with recording(session) as queries:
            ask(session)
        return len(queries)

    few = statements()
    for _ in range(5):
        make_price(session, market.coaching, make_provider(session), "90.00")
    assert statements() == few
