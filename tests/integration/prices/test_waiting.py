"""What a list that waits would do is kept with it, and what a person approves is exactly that."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.budget_settings import Budgets
from core.errors import InputError
from models.price import Price
from services import prices
from services.prices.watching import held_since
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.support.budgets import recompute_dirty
from tests.support.price_rows import NOW, row, use


def test_what_a_held_list_would_do_to_budgets_is_kept_with_it(session, bring, provider, nepsy):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    decision, _ = use(session, nepsy, provider)
    order = make_order(session, make_decision(session, make_case(session)), provider)
    price = session.get(Price, session.execute(text("SELECT id FROM price WHERE superseded_at IS NULL")).scalar_one())
    make_order_line(session, order, make_plan_item(session, decision, nepsy), price, "95")
    recompute_dirty(session, now=NOW, settings=Budgets())
    before = session.execute(text("SELECT count(*) FROM budget_version")).scalar_one()
    risen = row("NEPSY-VALMENNUS", "190", "2", first=date(2026, 12, 1))
    result = bring(risen)
    (waiting,) = held_since(session)
    assert (waiting.price_list_id, waiting.source, waiting.run_id) == (result.price_list_id, "tukipolku", bring.run)
    effect = waiting.effect or {}
    assert (effect["budgets"], effect["orders"], effect["over"]) == (1, 1, 1)
    assert Decimal(effect["planned_before"]) < Decimal(effect["planned"])
    (moved,) = effect["moved"]
    assert (moved["state_before"], moved["state"]) == ("ok", "over")
    assert session.execute(text("SELECT count(*) FROM budget_version")).scalar_one() == before
    prices.approve(session, result.price_list_id, "cli:test", "Sovittu", NOW)
    recompute_dirty(session, now=NOW, settings=Budgets())
    planned = session.execute(
        text(
            "SELECT planned FROM budget_version JOIN budget ON budget.id = budget_id"
            " WHERE superseded_at IS NULL AND decision_id = :id"
        ),
        {"id": decision.id},
    ).scalar_one()
    assert planned == Decimal(effect["planned"])


def test_what_a_held_plan_rests_on_is_named_when_it_changes(session, bring, provider, nepsy):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    held = bring(row("NEPSY-VALMENNUS", "110", "2", first=date(2026, 12, 1)))

    def why_not():
        with pytest.raises(InputError) as refused, session.begin_nested():
            prices.approve(session, held.price_list_id, "cli:test", "Sovittu", NOW)
        return str(refused.value)

    with session.begin_nested() as undone:
        session.execute(text("UPDATE contract SET price_rule = '{\"kind\": \"free\"}' WHERE number = 'S-1'"))
        assert "contract S-1" in why_not()
        undone.rollback()
    with session.begin_nested() as undone:
        session.execute(text("UPDATE provider_service SET vat_rate = 0.255, vat_category = 'S'"))
        assert "NEPSY-VALMENNUS" in why_not()
        undone.rollback()
    with session.begin_nested() as undone:
        session.execute(text("UPDATE provider SET active = false"))
        assert "provider" in why_not()
        undone.rollback()
    with session.begin_nested() as undone:
        bring(row("TUKIHENKILO", "49", "2", unit="HUR"), source="toinen", complete=False)
        assert "another list of toinen was applied" in why_not()
        undone.rollback()
    session.expire_all()
    prices.approve(session, held.price_list_id, "cli:test", "Sovittu", NOW)


def test_a_list_that_waits_keeps_its_number_only_while_it_comes_to_the_same(session, bring):
    bring(row("NEPSY-VALMENNUS", "95", "2"))
    undated = row("NEPSY-VALMENNUS", "110", "2", first=None)
    first = bring(undated, sha256="a" * 64)
    second = bring(undated, sha256="a" * 64, now=NOW + timedelta(days=1))
    assert second.price_list_id == first.price_list_id
    bring(row("NEPSY-VALMENNUS", "96", "2", first=date(2026, 12, 1)), source="toinen")
    third = bring(undated, sha256="a" * 64, now=NOW + timedelta(days=1))
    assert third.price_list_id != first.price_list_id
    with pytest.raises(InputError, match="discarded"):
        prices.approve(session, first.price_list_id, "cli:test", "Sovittu", NOW)
