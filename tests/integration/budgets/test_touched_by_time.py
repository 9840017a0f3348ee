"""What nobody's change touches: days that pass, settings that change, ceilings a person has looked up anew."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets, ExtraRule
from core.errors import InputError, NotFound
from models.base import days
from models.service import UnitRule
from services.budgets import dirty
from services.budgets.rebase import rebase
from services.budgets.recompute import recompute_now
from tests.factories.order import make_invoice, make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.support.budgets import recompute_dirty
from tests.support.family import NOW, SETTINGS, ZERO, Family, current, recompute

LAST = date(2027, 2, 22)  # of the plan


def ordered(session, family, gross="1056.00", **over):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider, period=item.period, **over)
    return make_order_line(session, order, item, price, gross)


def test_what_nobody_billed_in_time_is_free_again(session, family):
    line = ordered(session, family)
    make_invoice(session, line, "500.00")
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.invoiced, version.ordered, version.free) == (Decimal(500), Decimal(556), Decimal(18))
    # ninety days after the day after the last
    assert dirty.mark_closed(session, today=date(2027, 5, 23), settings=SETTINGS) == 0
    assert dirty.mark_closed(session, today=date(2027, 5, 24), settings=SETTINGS) == 1
    recompute_dirty(session, now=datetime(2027, 5, 24, 4, tzinfo=UTC), settings=SETTINGS)
    version = current(session, family.decision)
    assert (version.invoiced, version.ordered, version.free, version.cause) == (
        Decimal(500),
        ZERO,
        Decimal(574),
        "closed",
    )
    assert dirty.mark_closed(session, today=date(2027, 5, 24), settings=SETTINGS) == 0


def test_a_final_invoice_ends_what_an_order_binds(session, family):
    line = ordered(session, family)
    make_invoice(session, line, "880.00", final=True)
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.invoiced, version.ordered, version.planned, version.free) == (
        Decimal(880),
        ZERO,
        ZERO,
        Decimal(194),
    )


def test_changed_rules_touch_every_budget_once(session, family):
    other = Family(session)
    recompute(session, family.decision, other.decision)
    assert dirty.mark_recalculated(session, settings=SETTINGS) == 0, "nothing to compare with yet"
    assert dirty.mark_recalculated(session, settings=SETTINGS) == 0
    travel = Budgets(extras=[ExtraRule(extra="travel", unit="KMT", quantity=Decimal(20))])
    touched = dirty.mark_recalculated(session, settings=travel)
    assert touched >= 2
    assert dirty.mark_recalculated(session, settings=travel) == 0
    session.get(UnitRule, "HUR").step = Decimal("0.5")
    session.flush()
    assert dirty.mark_recalculated(session, settings=travel) == touched
    assert (
        dirty.mark_recalculated(session, settings=Budgets(**travel.model_dump() | {"close_after_days": 30})) == touched
    )
    causes = session.execute(text("SELECT DISTINCT cause FROM budget_dirty WHERE cause <> 'cases'")).scalars().all()
    assert causes == ["settings"]


def test_a_ceiling_moves_when_a_person_has_it_looked_up_anew_and_not_before(session, family):
    recompute(session, family.decision)
    session.execute(
        text("UPDATE price SET superseded_at = :now WHERE id = :id"), {"now": NOW, "id": family.reference.id}
    )
    corrected = make_price(session, family.baseline, amount="90.00", key=_key(session, family.reference))
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal(1074)
    number = family.case.number
    assert rebase(session, number, decision=None, actor="cli:enni", reason="yksikköhinta korjattu", now=NOW) == [
        family.decision.id
    ]
    recompute_now(session, [family.decision.id], cause="rebase", now=NOW, settings=SETTINGS)
    version = current(session, family.decision)
    assert (version.ceiling, version.ceiling_price_id, version.cause) == (Decimal(1080), corrected.id, "rebase")
    event = session.execute(
        text("SELECT actor, subject, reason FROM audit_event WHERE action = 'budget.rebased'")
    ).one()
    assert tuple(event) == ("cli:enni", f"case:{number}", "yksikköhinta korjattu")


def _key(session, price):
    from models.price import PriceKey

    return session.get(PriceKey, price.price_key_id)


def test_rebasing_needs_a_reason_a_case_and_a_reference(session, family):
    recompute(session, family.decision)
    number = family.case.number
    with pytest.raises(InputError, match="reason"):
        rebase(session, number, decision=None, actor="cli:enni", reason=" ", now=NOW)
    with pytest.raises(NotFound):
        rebase(session, "HB-0", decision=None, actor="cli:enni", reason="x", now=NOW)
    with pytest.raises(InputError, match=number):
        rebase(session, number, decision="D-0", actor="cli:enni", reason="x", now=NOW)
    granted = Family(session, granted_amount=Decimal(900))
    recompute(session, granted.decision)
    with pytest.raises(InputError, match=granted.case.number):
        rebase(session, granted.case.number, decision=None, actor="cli:enni", reason="x", now=NOW)


def test_a_price_of_another_visit_code_or_of_minutes_prices_a_plan(session, family):
    item = family.plan(session)
    make_price(
        session,
        family.service,
        family.provider,
        "88.00",
        key=make_price_key(session, family.service, family.provider, unit="H87"),
    )
    hours = family.plan(session, "10", unit="HUR", first=date(2026, 12, 1), last=date(2026, 12, 31))
    minutes = make_price_key(session, family.service, family.provider, unit="MIN", base_quantity=Decimal(45))
    make_price(session, family.service, family.provider, "60.00", key=minutes)
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert version.planned == Decimal("1856.00"), "12 × 88 and 10 h × 60 € / 0.75 h"
    assert item.period == days(date(2026, 11, 23), LAST)
    assert hours.unit == "HUR"
