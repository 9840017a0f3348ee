"""Recording a choice of provider: the earlier one ends, the budget is noted, and what is ordered already cannot be chosen anew."""

from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError, NotFound
from models.audit import AuditEvent
from models.base import days
from models.case import Choice
from services.orders.approving.choosing import choose
from services.orders.approving.naming import find_items
from tests.support.ordering import CHOOSER, NOW, World, add_item, make_orderable_provider, make_world, order


def choosing(session: Session, world: World, provider_id: int, *, chosen_by: str = "child") -> Choice:
    return choose(
        session,
        world.item.id,
        provider_id,
        chosen_by=chosen_by,
        actor=CHOOSER,
        reason="nearer to home",
        now=NOW,
        budgets=Budgets(),
    )


def test_a_new_choice_ends_the_earlier_one_and_is_recorded(session: Session) -> None:
    world = make_world(session)
    other = make_orderable_provider(session, world.service)
    made = choosing(session, world, other.id)
    assert (made.chosen_by, made.actor, made.reason, made.chosen_at) == ("child", CHOOSER, "nearer to home", NOW)
    choices = session.scalars(select(Choice).filter_by(plan_item_id=world.item.id).order_by(text("id"))).all()
    session.expire_all()
    assert [(choice.provider_id, choice.ended_at) for choice in choices] == [(world.provider.id, NOW), (other.id, None)]
    event = session.scalars(
        select(AuditEvent).filter_by(action="choice.made", subject=f"case:{world.case.number}")
    ).one()
    assert event.details == {"plan_item": world.item.id, "provider": other.id, "chosen_by": "child"}
    noted = session.execute(
        text("SELECT cause FROM budget_dirty JOIN budget ON budget.id = budget_id WHERE decision_id = :id"),
        {"id": world.decision.id},
    )
    assert list(noted.scalars()) == ["choice"]


def test_what_is_ordered_cannot_be_chosen_anew(session: Session) -> None:
    world = make_world(session)
    other = make_orderable_provider(session, world.service)
    (made,) = order(session, world.item).orders
    with pytest.raises(InputError, match=f"avain order cancel {made.number}"):
        choosing(session, world, other.id)


def test_a_choice_is_refused_with_its_reason(session: Session) -> None:
    world = make_world(session)
    with pytest.raises(InputError, match="child, parent, adult, worker"):
        choosing(session, world, world.provider.id, chosen_by="source")
    with pytest.raises(NotFound, match="no provider"):
        choosing(session, world, 999_999_999)
    with pytest.raises(InputError, match="does not offer"):
        choosing(session, world, make_orderable_provider(session).id)
    with pytest.raises(InputError, match="no longer active"):
        choosing(session, world, make_orderable_provider(session, world.service, active=False).id)
    world.item.ended_at = NOW
    session.flush()
    with pytest.raises(InputError, match="has ended"):
        choosing(session, world, world.provider.id)
    with pytest.raises(NotFound, match="no planned service"):
        choose(
            session,
            999_999_999,
            world.provider.id,
            chosen_by="adult",
            actor=CHOOSER,
            reason="",
            now=NOW,
            budgets=Budgets(),
        )


def test_items_are_named_by_id_case_or_both(session: Session) -> None:
    world = make_world(session)
    world.case.number = "HB-2026-990001"
    second = add_item(session, world)
    session.flush()
    assert find_items(session, ["HB-2026-990001"]) == ([world.item.id, second.id], {})
    assert find_items(session, [f"HB-2026-990001/{second.external_id}", str(second.id)]) == ([second.id], {})
    order(session, world.item)
    strange = ("HB-2026-999999", "HB-2026-990001/none", "nonsense", "-1")
    found, unknown = find_items(session, [*strange, "HB-2026-990001"])
    assert found == [second.id]
    assert all(name in unknown[name].text("en") for name in strange)


def test_nothing_is_chosen_for_a_decision_that_is_over(session: Session) -> None:
    world = make_world(session)
    other = make_orderable_provider(session, world.service)
    world.decision.valid = days(date(2026, 1, 1), date(2026, 11, 15))
    session.flush()
    with pytest.raises(InputError, match="ended on 2026-11-15"):
        choosing(session, world, other.id)
