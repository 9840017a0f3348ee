"""Random plans are ordered whole: what was planned is then ordered to the cent, and a budget has as much left as before."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.budget_settings import Budgets, ExtraRule
from models.order import PurchaseOrder
from models.price import Price
from services.budgets.recompute import recompute_now
from tests.factories.case import make_choice, make_plan_item
from tests.factories.price import make_price, make_price_key
from tests.factories.service import make_service
from tests.support.budgets import current_version, lines_of, recompute_dirty
from tests.support.ordering import NOW, World, make_world, order

RULES = Budgets(
    extras=[
        ExtraRule(extra="travel", unit="KMT", quantity=Decimal("12.5")),
        ExtraRule(extra="no_show", unit="HUR", for_unit="HUR", quantity=Decimal("0.05")),
    ]
)
#: Units a plan may be in, and those its prices may be in.
PRICED = {"C62": ("C62", "ACT"), "HUR": ("HUR", "MIN"), "MIN": ("HUR", "MIN")}
BASES = {"HUR": ("1", "0.75", "3"), "MIN": ("45", "7", "1")}


@given(seed=st.integers(0, 2**48))
@settings(
    max_examples=2,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_is_ordered_is_what_was_planned(session, seed):
    with session.begin_nested() as savepoint:
        random = Random(seed)
        for _ in range(8):
            _order_one(session, random)
        savepoint.rollback()
    session.expunge_all()


def _order_one(session: Session, random: Random) -> None:
    world = make_world(session, granted="5000000.00")
    items = [world.item.id, *(_plan(session, random, world) for _ in range(random.randint(1, 3)))]
    recompute_now(session, [world.decision.id], cause="cases", now=NOW, settings=RULES)
    planned = current_version(session, world.decision.id)
    assert planned.free is not None, planned.reasons
    shares = lines_of(session, planned)

    approved = order(session, *items, budgets=RULES)
    assert not approved.refused, [one.reason.text("en") for one in approved.refused]
    assert recompute_dirty(session, now=NOW, settings=RULES).changed == 1
    ordered = current_version(session, world.decision.id)
    assert (ordered.ordered, ordered.planned, ordered.free) == (planned.planned, Decimal(0), planned.free)
    assert ordered.state == planned.state
    asked = select(func.sum(PurchaseOrder.total_gross)).where(PurchaseOrder.decision_id == world.decision.id)  # type: ignore[arg-type]
    assert session.scalar(asked) == ordered.ordered
    bound = lines_of(session, ordered)
    assert {one.kind for one in bound} == {"ordered"}
    told = [
        (one.plan_item_id, one.extra, one.period.lower, one.price_id, one.net, one.vat, one.gross) for one in shares
    ]
    assert sorted(told) == sorted(
        (one.plan_item_id, one.extra, one.period.lower, one.price_id, one.net, one.vat, one.gross) for one in bound
    )
    for one in bound:
        price = session.get_one(Price, one.price_id)
        assert one.amount == price.amount


def _plan(session: Session, random: Random, world: World) -> int:
    """A planned service with prices that change on its way, and perhaps what comes beside it."""
    unit = random.choice(["C62", "HUR", "HUR", "MIN"])
    quantity = Decimal(random.randint(1, 40)) if unit == "C62" else Decimal(random.randint(4, 200)) / 4
    first = date(2026, 11, 23) + timedelta(days=random.randrange(120))
    last = first + timedelta(days=random.randrange(200))
    service = make_service(session, unit=unit)
    item = make_plan_item(session, world.decision, service, quantity, first=first, last=last)
    make_choice(session, item, world.provider)
    priced = [("", random.choice(PRICED[unit]))]
    if unit == "C62" and random.random() < 0.6:
        priced.append(("travel", "KMT"))
    if unit == "HUR" and random.random() < 0.6:
        priced.append(("no_show", "HUR"))
    rate = Decimal(random.choice(["0", "0.135", "0.255"]))
    for extra, priced_unit in priced:
        base = Decimal(random.choice(BASES.get(priced_unit, ("1", "5"))))
        key = make_price_key(session, service, world.provider, unit=priced_unit, base_quantity=base, extra=extra)
        turn = first + timedelta(days=random.randrange(100))
        for days in ({"last": turn}, {"first": turn + timedelta(days=1)}):
            make_price(
                session, service, world.provider, str(Decimal(random.randint(1, 900_000)) / 10_000), key=key,
                vat_rate=rate, vat_category="S" if rate else "E", vat_inclusive=random.random() < 0.5, **days,
            )  # fmt: skip
    item_id: int = item.id
    return item_id
