"""Budgets on the real database: ceilings, shares, orders."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from models.base import days
from models.budget import Budget
from models.follow_up import Notice
from models.order import OrderCoverage
from models.price import PriceKey
from services.budgets import dirty
from services.budgets.recompute import Recomputed, anything_noted
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.support.budgets import lines_of, recompute_dirty
from tests.support.family import NOW, SETTINGS, ZERO, Family, current, reasons, recompute


def test_a_planned_service_is_priced_and_the_ceiling_frozen(session, family):
    family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")

    assert recompute(session, family.decision) == Recomputed(recomputed=1, changed=1)

    version = current(session, family.decision)
    assert (version.ceiling, version.planned, version.ordered, version.free) == (
        Decimal("1074.00"),
        Decimal("1056.00"),
        ZERO,
        Decimal("18.00"),
    )
    assert version.state == "near"
    assert version.cause == "cases"
    (line,) = lines_of(session, version)
    assert (line.kind, line.price_id, line.quantity, line.gross) == (
        "planned",
        price.id,
        Decimal(12),
        Decimal("1056.00"),
    )
    assert session.scalars(select(Budget)).one().ceiling_price_id == family.reference.id


def test_nothing_is_written_when_nothing_changed(session, family):
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    before = current(session, family.decision).id

    assert recompute(session, family.decision) == Recomputed(recomputed=1)
    assert current(session, family.decision).id == before
    assert not anything_noted(session)
    assert recompute_dirty(session, now=NOW, settings=SETTINGS) == Recomputed()


def test_a_price_that_starts_mid_item_cuts_the_share(session, family):
    family.plan(session)  # 92 days, 12 visits
    key = make_price_key(session, family.service, family.provider)
    make_price(session, family.service, family.provider, "88.00", last=date(2026, 12, 31), key=key)
    make_price(session, family.service, family.provider, "90.00", first=date(2027, 1, 1), key=key)
    recompute(session, family.decision)

    first, second = lines_of(session, current(session, family.decision))
    assert (first.quantity, first.gross) == (Decimal(5), Decimal("440.00"))  # 39 of 92 days: 5.09 visits
    assert (second.quantity, second.gross) == (Decimal(7), Decimal("630.00"))
    assert first.period.upper == second.period.lower == date(2027, 1, 1)


def test_a_gap_between_prices_is_unpriced_and_said(session, family):
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00", last=date(2026, 12, 31))
    assert recompute(session, family.decision) == Recomputed(recomputed=1, changed=1, unpriced=1)

    version = current(session, family.decision)
    assert version.state == "unpriced"
    assert version.free is None
    assert version.planned == Decimal("440.00")
    (reason,) = reasons(version)
    assert "from 2027-01-01 to 2027-02-22" in reason
    assert family.provider.name in reason
    assert [line.kind for line in lines_of(session, version)] == ["planned", "unpriced"]


def test_without_a_choice_the_reason_says_so_and_nobody_is_told(session, family):
    family.plan(session, choose=False)
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert version.state == "unpriced"
    assert reasons(version) == [f"{family.service.code}: no provider has been chosen yet, so it has no price."]
    assert not session.scalars(select(Notice)).all()


def test_a_price_per_another_unit_does_not_fit(session, family):
    family.plan(session)
    make_price(
        session,
        family.service,
        family.provider,
        "400.00",
        key=make_price_key(session, family.service, family.provider, unit="MON"),
    )
    recompute(session, family.decision)
    (reason,) = reasons(current(session, family.decision))
    assert "planned by the visit" in reason
    assert "by the month" in reason
    assert [notice.kind for notice in session.scalars(select(Notice))] == ["budget_unpriced"]


def test_a_price_per_45_minutes_prices_hours(session, family):
    item = family.plan(session, "7.5", unit="HUR")
    key = make_price_key(session, family.service, family.provider, unit="HUR", base_quantity=Decimal("0.75"))
    make_price(session, family.service, family.provider, "40.00", key=key)
    recompute(session, family.decision)
    (line,) = lines_of(session, current(session, family.decision))
    assert (line.plan_item_id, line.gross) == (item.id, Decimal("400.00"))


def test_the_largest_minimum_quantity_reached_counts_on_its_days(session, family):
    family.plan(session, first=date(2026, 12, 1), last=date(2026, 12, 12))
    make_price(session, family.service, family.provider, "100.00")
    ten = make_price_key(session, family.service, family.provider, minimum_quantity=Decimal(10))
    make_price(session, family.service, family.provider, "90.00", key=ten, first=date(2026, 12, 7))
    many = make_price_key(session, family.service, family.provider, minimum_quantity=Decimal(50))
    make_price(session, family.service, family.provider, "50.00", key=many)
    recompute(session, family.decision)
    figures = [(line.quantity, line.amount) for line in lines_of(session, current(session, family.decision))]
    assert figures == [(Decimal(6), Decimal(100)), (Decimal(6), Decimal(90))]


def test_prices_of_evenings_and_of_other_areas_price_no_plan(session, family):
    family.plan(session)
    for over in ({"time_class": "evening"}, {"territory": "NORTH"}):
        key = make_price_key(session, family.service, family.provider, **over)
        make_price(session, family.service, family.provider, "1.00", key=key)
    recompute(session, family.decision)
    assert current(session, family.decision).state == "unpriced"
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    assert current(session, family.decision).planned == Decimal("1056.00")


@pytest.mark.parametrize(
    ("inclusive", "expected"),
    [(True, ("79.69", "20.32", "100.01")), (False, ("100.01", "25.50", "125.51"))],
)
def test_vat_is_split_by_how_the_price_is_stated(session, family, inclusive, expected):
    family.plan(session, "1")
    make_price(
        session,
        family.service,
        family.provider,
        "100.0050",
        vat_category="S",
        vat_rate=Decimal("0.255"),
        vat_inclusive=inclusive,
    )
    recompute(session, family.decision)
    (line,) = lines_of(session, current(session, family.decision))
    assert (line.net, line.vat, line.gross) == tuple(Decimal(figure) for figure in expected)


def test_the_ceiling_stays_when_reference_prices_change_and_moves_with_the_decision(session, family):
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal("1074.00")

    family.reference.superseded_at = NOW
    session.flush()
    newer = make_price(
        session, family.baseline, amount="99.00", key=session.get(PriceKey, family.reference.price_key_id)
    )
    recompute(session, family.decision, cause="prices")
    assert current(session, family.decision).ceiling == Decimal("1074.00")

    family.decision.baseline_quantity = Decimal(10)
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal("990.00")
    assert session.scalars(select(Budget).execution_options(populate_existing=True)).one().ceiling_price_id == newer.id


def test_a_granted_amount_is_the_ceiling(session):
    family = Family(session, granted_amount=Decimal("900.00"))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ceiling, version.free, version.state) == (Decimal("900.00"), Decimal("900.00"), "ok")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"baseline_service_id": None}, "neither a granted amount"),
        ({"baseline_quantity": None}, "neither a granted amount"),
        ({"decided_on": None}, "no date yet"),
        ({"decided_on": date(2025, 12, 31)}, "was in force on 2025-12-31"),
        ({"baseline_unit": "HUR"}, "per hour was in force"),
        ({"baseline_quantity": Decimal(99_999_999)}, "too much to be true"),
    ],
)
def test_an_unknown_ceiling_is_said_with_what_to_do(session, family, change, sentence):
    for name, value in change.items():
        setattr(family.decision, name, value)
    session.flush()
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ceiling, version.free, version.state) == (None, None, "unpriced")
    (reason,) = reasons(version)
    assert sentence in reason


def test_the_ceiling_rests_on_the_ordinary_price_for_that_many(session, family):
    """Not on an evening's, another area's, or one for more than the decision replaces; of several the one for the most."""
    others: tuple[dict[str, Any], ...] = (
        {"time_class": "evening", "minimum_quantity": Decimal(12)},
        {"territory": "NORTH", "minimum_quantity": Decimal(12)},
        {"minimum_quantity": Decimal(13)},
        {"minimum_quantity": Decimal(10)},
        {"minimum_quantity": Decimal(2)},
    )
    for place, over in enumerate(others):
        make_price(
            session, family.baseline, amount=str(place + 1), key=make_price_key(session, family.baseline, **over)
        )
    foreign = make_price_key(session, family.baseline, family.provider, minimum_quantity=Decimal(12))
    make_price(session, family.baseline, family.provider, "9.00", key=foreign)
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == 12 * Decimal("4.00")


def test_an_unknown_ceiling_becomes_known_with_the_unit_costs(session, family):
    family.reference.superseded_at = NOW
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling is None

    price = make_price(
        session, family.baseline, amount="90.00", key=session.get(PriceKey, family.reference.price_key_id)
    )
    assert dirty.mark_price_keys(session, [price.price_key_id], "prices") == 1
    recompute_dirty(session, now=NOW, settings=SETTINGS)
    assert current(session, family.decision).ceiling == Decimal("1080.00")
    assert dirty.mark_price_keys(session, [price.price_key_id], "prices") == 0, "a known ceiling is frozen"


def test_an_order_binds_its_days_and_a_rejected_one_frees_them(session, family):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    part = days(date(2026, 11, 23), date(2026, 12, 31))
    make_order_line(session, order, item, price, "440.00", period=part, quantity=Decimal(5))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.free) == (Decimal(440), Decimal(616), Decimal(18))

    session.scalars(select(OrderCoverage)).one().live = False
    order.state = "rejected"
    session.flush()
    dirty.mark_orders(session, [order.id])
    recompute_dirty(session, now=NOW, settings=SETTINGS)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.cause) == (ZERO, Decimal(1056), "order")

    again = make_order(session, family.decision, family.provider)
    make_order_line(session, again, item, price, "1056.00")
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.free) == (Decimal(1056), ZERO, Decimal(18))

    again.state = "closed"
    session.flush()
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned) == (ZERO, ZERO), (
        "a closed order is in its invoices, its days stay covered"
    )


def test_an_order_in_the_middle_leaves_two_planned_shares(session, family):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    month = days(date(2026, 12, 1), date(2026, 12, 31))
    make_order_line(session, order, item, price, "352.00", period=month, quantity=Decimal(4))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert [line.quantity for line in lines_of(session, version)] == [1, 4, 7]
    assert version.ordered + version.planned == Decimal(1056)
