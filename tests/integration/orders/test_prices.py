"""Orders of what is priced beside a service, or in another unit than the plan's."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.budget_settings import Budgets, ExtraRule
from documents import xml
from models.order import OrderLine
from tests.factories.price import make_price, make_price_key
from tests.support.budgets import current_version, recompute_dirty
from tests.support.ordering import NOW, make_world, order, reason_of

UBL = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def test_travel_is_ordered_beside_the_service_and_named_in_the_providers_language(session: Session) -> None:
    world = make_world(session)
    world.provider.language = "sv"
    kilometres = make_price_key(session, world.service, world.provider, unit="KMT", extra="travel")
    make_price(session, world.service, world.provider, "0.55", key=kilometres)
    travel = Budgets(extras=[ExtraRule(extra="travel", unit="KMT", quantity=Decimal(20))])
    (made,) = order(session, world.item, budgets=travel).orders
    lines = session.scalars(select(OrderLine).filter_by(order_id=made.id).order_by("line_number")).all()
    assert [(one.extra, one.quantity, one.unit, one.gross) for one in lines] == [
        ("", Decimal(12), "C62", Decimal("1056.00")),
        ("travel", Decimal(240), "KMT", Decimal("132.00")),
    ]
    assert made.total_gross == Decimal("1188.00")
    names = [one.text for one in xml.parse(made.document).iter(f"{UBL}Name")]
    assert any(name and name.endswith("(resor)") for name in names), names
    version = current_version(session, world.decision.id)
    assert (version.ordered, version.planned) == (Decimal(0), Decimal("1188.00")), "noted, not yet calculated"
    recompute_dirty(session, now=NOW, settings=travel)
    version = current_version(session, world.decision.id)
    assert (version.ordered, version.planned) == (Decimal("1188.00"), Decimal(0))


def test_travel_that_has_a_price_on_some_days_only_is_not_left_out_of_an_order(session: Session) -> None:
    world = make_world(session)
    kilometres = make_price_key(session, world.service, world.provider, unit="KMT", extra="travel")
    make_price(session, world.service, world.provider, "0.55", key=kilometres, last=date(2026, 12, 31))
    travel = Budgets(extras=[ExtraRule(extra="travel", unit="KMT", quantity=Decimal(20))])
    refused = order(session, world.item, budgets=travel)
    assert "from 2027-01-01 to" in reason_of(refused) or "1.1.2027" in reason_of(refused)


@pytest.mark.parametrize(
    ("plan", "priced", "base", "expected"),
    [
        ("HUR", "MIN", "45", ("12", "HUR", "0.75")),
        ("HUR", "MIN", "50", ("720", "MIN", "50")),
        ("MIN", "HUR", "1", ("12", "MIN", "60")),
        ("C62", "ACT", "1", ("12", "C62", "1")),
    ],
)
def test_a_price_in_another_unit_is_ordered_in_one(session: Session, plan, priced, base, expected) -> None:
    world = make_world(session, price=None)
    world.item.unit = plan
    key = make_price_key(session, world.service, world.provider, unit=priced, base_quantity=Decimal(base))
    make_price(session, world.service, world.provider, "60.00", key=key)
    (made,) = order(session, world.item).orders
    (line,) = session.scalars(select(OrderLine).filter_by(order_id=made.id))
    quantity, unit, base_quantity = expected
    assert (line.quantity, line.unit, line.base_quantity) == (Decimal(quantity), unit, Decimal(base_quantity))


def test_a_price_that_no_order_can_state_refuses_its_order_and_no_other(session: Session) -> None:
    world, other = make_world(session, price=None), make_world(session)
    world.item.unit, world.item.quantity = "MIN", Decimal(600)
    key = make_price_key(session, world.service, world.provider, unit="HUR", base_quantity=Decimal(2_000_000))
    make_price(session, world.service, world.provider, "900000.00", key=key)
    done = order(session, world.item, other.item)
    assert [made.decision_id for made in done.orders] == [other.decision.id]
    assert [refused.reason.text() for refused in done.refused] == [
        "The figures of this order are more than can be true. Check the plan and the price list."
    ]
