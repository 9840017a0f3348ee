"""What is let go of an order, in whole or in part, is covered no longer, waits for a person, and holds nothing up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.order_settings import Orders
from core.settings import Organisation
from models.case import PlanItem
from models.order import OrderApproval, OrderProposal, PurchaseOrder
from services.orders.approving import generating
from services.orders.proposals import watch
from services.orders.replies.answer_values import Answer, LineAnswer
from services.orders.replies.answers import take
from services.orders.replies.answers_held import apply_held, respond
from services.orders.sending import ending
from services.orders.weighing import standing
from tests.factories.case import make_choice
from tests.support.answers import an_order, changes, coverage, stands
from tests.support.ordering import APPROVER, NOW, World, add_item, make_orderable_provider, make_world, order

MONTHLY = Orders(period="monthly")


def declined_in_part(session: Session, settings: Orders) -> tuple[World, PlanItem, PurchaseOrder]:
    """An order of two services, of which the provider has no room for the second."""
    world = make_world(session, granted="9000.00")
    second = add_item(session, world)
    later = NOW + timedelta(days=20)  # both services have begun by then
    (made, *_) = (
        one for one in order(session, world.item, second, settings=settings, now=later).orders if two(one, session)
    )
    made.state = "sent"
    session.flush()
    ours = session.execute(
        text("SELECT line_number FROM order_line WHERE order_id = :id AND plan_item_id = :item"),
        {"id": made.id, "item": second.id},
    ).scalar_one()
    kept = LineAnswer(3 - ours, "5")
    take(session, changes(made.number, kept, LineAnswer(ours, "7"), external_id="V-1"), now=later)
    apply_held(session, made.number, actor=APPROVER, now=later)
    return world, second, made


def two(made: PurchaseOrder, session: Session) -> bool:
    return len(items_of(session, made)) == 2


def test_what_a_provider_declines_of_a_month_is_not_ordered_from_it_again_by_itself(session: Session) -> None:
    world, second, _ = declined_in_part(session, MONTHLY)
    standing_ones = session.scalars(select(OrderApproval).filter_by(ended_at=None)).all()
    assert [one.plan_item_id for one in standing_ones] == [world.item.id]
    night = NOW + timedelta(days=21)
    standing.end_void(session, now=night)
    page = generating.order_due_months(
        session, now=night, settings=MONTHLY, organisation=Organisation(), budgets=Budgets()
    )
    made = () if page is None else page.orders
    assert second.id not in {line for one in made for line in items_of(session, one)}


def test_what_a_provider_declines_of_an_order_is_not_approved_by_itself(session: Session) -> None:
    settings = Orders(automatic=True, automatic_up_to=Decimal(100_000))
    declined_in_part(session, settings)
    page = generating.approve_by_itself(
        session, now=NOW + timedelta(days=21), settings=settings, organisation=Organisation(), budgets=Budgets()
    )
    assert page is None


def items_of(session: Session, made: PurchaseOrder) -> set[int]:
    return set(session.scalars(text("SELECT plan_item_id FROM order_coverage WHERE order_id = :id"), {"id": made.id}))


def test_that_a_rejected_order_has_arrived_does_not_cover_anything_anew(session: Session) -> None:
    world = make_world(session)
    found = an_order(session, world=world)
    take(session, Answer(found.number, "RE"), now=NOW)
    respond(session, found.number, "AB", actor=APPROVER, now=NOW)
    assert (stands(session, found)[0], coverage(session, found)) == ("rejected", [False])
    assert order(session, world.item).orders


@pytest.mark.parametrize("how", ["cancelled", "rejected"])
def test_what_was_proposed_about_an_order_ends_with_it(session: Session, how: str) -> None:
    world = make_world(session)
    found = an_order(session, world=world)
    world.item.quantity += 1
    session.flush()
    assert watch(session, NOW).found == 1
    if how == "cancelled":
        ending.cancel(session, found.number, actor=APPROVER, reason="more visits", now=NOW)
    else:
        take(session, Answer(found.number, "RE"), now=NOW)
    one = session.scalars(select(OrderProposal)).one()
    session.refresh(one)
    assert (one.outcome, one.settled_at) == ("gone" if how == "rejected" else "cancelled", NOW)
    assert order(session, world.item).orders, "it can be ordered anew at once"


def test_taking_back_an_old_order_leaves_a_later_approval_of_another_provider(session: Session) -> None:
    world = make_world(session, granted="9000.00")
    (first,) = order(session, world.item, settings=MONTHLY).orders
    first.state = "accepted"
    session.execute(text("UPDATE choice SET ended_at = now() WHERE plan_item_id = :id"), {"id": world.item.id})
    other = make_orderable_provider(session, world.service)
    make_choice(session, world.item, other)
    approval = OrderApproval(
        plan_item_id=world.item.id,
        choice_id=session.execute(text("SELECT max(id) FROM choice")).scalar_one(),
        provider_id=other.id,
        gross=Decimal(1056),
        approved_by=APPROVER,
        approved_at=NOW + timedelta(days=1),
    )
    standing.end(session, [world.item.id], actor=APPROVER, now=NOW)
    session.add(approval)
    session.flush()
    ending.cancel(session, first.number, actor=APPROVER, reason="never came", now=NOW + timedelta(days=2))
    session.refresh(approval)
    assert approval.ended_at is None


def test_an_order_of_which_the_provider_brings_nothing_is_rejected(session: Session) -> None:
    world = make_world(session)
    found = an_order(session, world=world)
    take(session, changes(found.number, LineAnswer(1, "7"), external_id="V-1"), now=NOW)
    apply_held(session, found.number, actor=APPROVER, now=NOW)
    assert (stands(session, found)[0], coverage(session, found)) == ("rejected", [False])
    assert order(session, world.item).orders
