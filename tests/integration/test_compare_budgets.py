"""What a comparison says a provider comes to is what the budget plans once that provider is chosen: to the cent, for random markets."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import DATERANGE
from sqlalchemy.orm import Session

from core.budget_settings import Budgets, ExtraRule
from models.base import days
from models.case import Case
from models.order import OrderCoverage
from models.provider import Provider
from services.budgets.reasons import OUTSIDE_DECISION
from services.budgets.recompute import recompute_now
from services.compare import compare_case, compare_choice
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.order import make_order
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.support.market import reason_of

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
FIRST = date(2028, 2, 1)  # over a leap day and the night the clocks are moved

units = st.sampled_from(["C62", "H87", "HUR", "MIN", "DAY"])
amounts = st.integers(1, 3_000_000).map(lambda n: Decimal(n) / 10_000)
quantities = st.integers(1, 4_000).map(lambda n: Decimal(n) / 100) | st.integers(1, 40).map(Decimal)


@st.composite
def price_lists(draw):
    """What one provider charges: keys with prices one after another, some with gaps between, some of extras."""
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["", "", "", "travel", "no_show"]),
                units | st.just("KMT"),
                st.sampled_from(["1", "0.75", "45"]),
                st.sampled_from(["0", "0", "5", "100"]),
            ),
            max_size=5,
            unique=True,
        )
    )
    found = []
    for key in keys:
        turns = sorted(draw(st.sets(st.integers(-60, 120), min_size=1, max_size=3)))
        for start, end in zip(turns, [*turns[1:], None], strict=True):
            gap = 0 if end is None else draw(st.sampled_from([0, 0, 5]))
            last = None if end is None else FIRST + timedelta(days=end - 1 - gap)
            first = FIRST + timedelta(days=start)
            if last is None or first <= last:
                found.append(
                    (
                        key,
                        draw(amounts),
                        first,
                        last,
                        draw(st.sampled_from(["0", "0.14", "0.255"])),
                        draw(st.booleans()),
                    )
                )
    return found


extra_rules = st.lists(
    st.builds(
        ExtraRule,
        extra=st.sampled_from(["travel", "no_show"]),
        unit=st.sampled_from(["KMT", "C62", "HUR"]),
        for_unit=units,
        quantity=st.integers(1, 2_000).map(lambda n: Decimal(n) / 100),
        services=st.sampled_from([[], [], ["OMA-T"]]),
    ),
    max_size=4,
    unique_by=lambda rule: (rule.extra, rule.unit, rule.for_unit, tuple(rule.services)),
)
markets = st.fixed_dictionaries(
    {
        "unit": units,
        "quantity": quantities,
        "length": st.integers(1, 120),
        "granted": st.none() | st.tuples(st.integers(-30, 60), st.integers(1, 120)),
        "covered": st.none() | st.tuples(st.integers(0, 60), st.integers(1, 60)),
        "sellers": st.lists(price_lists(), min_size=1, max_size=2),
        "rules": extra_rules,
    }
)


def sold(session: Session, service, prices) -> int:
    """A provider with its list; its id."""
    provider = make_provider(session)
    listed = make_price_list(session, make_price_source(session, provider))
    keys: dict[tuple[Any, ...], Any] = {}
    for (extra, unit, base, minimum), amount, first, last, rate, inclusive in prices:
        key = keys.setdefault(
            (extra, unit, base, minimum),
            make_price_key(
                session,
                service,
                provider,
                unit=unit,
                extra=extra,
                base_quantity=Decimal(base),
                minimum_quantity=Decimal(minimum),
            )
            if (extra, unit, base, minimum) not in keys
            else None,
        )
        make_price(
            session,
            service,
            provider,
            amount,
            key=key,
            first=first,
            last=last,
            price_list=listed,
            vat_category="S" if rate != "0" else "E",
            vat_rate=Decimal(rate),
            vat_inclusive=inclusive,
        )
    return int(provider.id)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(markets)
def test_the_total_of_an_offer_is_what_the_budget_plans(session, market):
    with session.begin_nested() as trial:
        check(session, market)
        trial.rollback()


def check(session: Session, market) -> None:
    """Compare once, then choose each provider in turn and have the budget calculated."""
    service = make_service(session, code="OMA-T", unit=market["unit"])
    granted = market["granted"]
    valid = granted and days(FIRST + timedelta(days=granted[0]), FIRST + timedelta(days=sum(granted)))
    decision = make_decision(session, make_case(session), granted_amount=Decimal(1000), valid=valid)
    last = FIRST + timedelta(days=market["length"] - 1)
    item = make_plan_item(session, decision, service, market["quantity"], first=FIRST, last=last)
    wholly = cover(session, decision, item, market["covered"])
    asked = Budgets(extras=market["rules"])
    case = session.get_one(Case, decision.case_id).number
    sellers = [sold(session, service, prices) for prices in market["sellers"]]
    (found,) = compare_case(session, case, today=NOW.date(), settings=asked)
    offers = {offer.provider_id: offer for offer in found.offers}
    for provider in sellers:
        with session.begin_nested() as tried:
            session.execute(text("DELETE FROM choice WHERE plan_item_id = :id"), {"id": item.id})
            make_choice(session, item, session.get_one(Provider, provider))
            recompute_now(session, [decision.id], cause="choice", now=NOW, settings=asked)
            if not wholly:  # what is ordered in full is compared as if it were not
                agrees(session, decision.id, offers.get(provider))
            tried.rollback()
        _, chosen = compare_choice(session, case, item.external_id, provider, today=NOW.date(), settings=asked)
        assert (chosen and chosen.total) == (offers.get(provider) and offers[provider].total)


def cover(session: Session, decision, item, covered) -> bool:
    """Have an order cover some days of the item; whether that is all that is granted."""
    if covered is None:
        return False
    order = make_order(session, decision, make_provider(session), period=item.period)
    first = FIRST + timedelta(days=covered[0])
    period = days(first, first + timedelta(days=covered[1] - 1))
    session.add(OrderCoverage(order_id=order.id, plan_item_id=item.id, period=period))
    session.flush()
    granted = "datemultirange(period) * datemultirange(coalesce(valid, '(,)'))"
    whole = f"SELECT {granted} <@ datemultirange(:days) FROM plan_item JOIN decision ON decision.id = decision_id WHERE plan_item.id = :id"
    values = {"id": item.id, "days": period}
    return bool(session.execute(text(whole).bindparams(bindparam("days", type_=DATERANGE)), values).scalar_one())


class _Id:
    def __init__(self, id: int) -> None:
        self.id = id


def agrees(session: Session, decision: int, offer) -> None:
    """The offer beside the budget's lines."""
    version = session.execute(
        text(
            "SELECT version.id, planned, reasons FROM budget_version AS version JOIN budget ON budget.id = budget_id"
            " WHERE decision_id = :id AND superseded_at IS NULL"
        ),
        {"id": decision},
    ).one()
    unpriced = [reason for reason in version.reasons if reason["msgid"] != OUTSIDE_DECISION]
    if unpriced or offer is None:
        assert offer is None or offer.total is None, version.reasons
        return
    lines = session.execute(
        text(
            "SELECT extra, unit, sum(gross), sum(quantity) FROM budget_line WHERE version_id = :id AND kind = 'planned' GROUP BY 1, 2"
        ),
        {"id": version.id},
    ).all()
    if not lines:  # nothing of it is granted, or it is all ordered
        assert offer.total is None
        return
    assert offer.total == version.planned
    beside = {(row[0], row[1]): (row[2], row[3]) for row in lines if row[0]}
    assert {(one.extra, one.unit): (one.gross, one.quantity) for one in offer.extras if one.quantity} == beside
    assert sum((row[3] for row in lines if not row[0]), start=Decimal(0)) == offer.quantity


@pytest.mark.parametrize("unit", ["MON", "DAY"])
def test_a_price_per_month_says_nothing_about_a_plan_in_hours(session, unit):
    service = make_service(session, unit="HUR")
    decision = make_decision(session, make_case(session), granted_amount=Decimal(1000))
    item = make_plan_item(session, decision, service, "10")
    provider = make_provider(session)
    make_price(session, service, provider, "400", key=make_price_key(session, service, provider, unit=unit))
    (found,) = compare_case(session, session.get_one(Case, item.case_id).number, today=NOW.date(), settings=Budgets())
    (offer,) = found.offers
    assert (offer.total, offer.verdict, offer.unit, offer.buys) == (
        None,
        "unknown",
        unit,
        Decimal("2.5") // 1 if unit == "DAY" else Decimal("2.5"),
    )
    assert "another unit" in reason_of(offer)
