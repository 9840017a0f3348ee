"""Orders that no longer say what is planned, orders that are over, and approving by itself; and the jobs that see to it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.errors import InputError, NotFound
from core.order_settings import Orders
from core.settings import Organisation
from models.audit import AuditEvent
from models.base import days
from models.follow_up import Notice
from models.order import OrderApproval, OrderCoverage, OrderProposal, PurchaseOrder
from services.access.people import Person
from services.orders import closing
from services.orders.approving import generating
from services.orders.approving.declining import decline
from services.orders.approving.waiting import waiting
from services.orders.proposals import open_proposals, settle, watch
from tests.factories.case import make_choice, make_decision, make_plan_item
from tests.factories.service import make_service
from tests.support.ordering import APPROVER, NOW, World, make_orderable_provider, make_world, order

TODAY = date(2026, 11, 16)
AUTOMATIC = Orders(automatic=True, automatic_up_to=Decimal(2000))


def ordered(session: Session, **over) -> tuple[World, PurchaseOrder]:
    world = make_world(session)
    (made,) = order(session, world.item, **over).orders
    return world, made


def quantity(session: Session, world: World) -> None:
    world.item.quantity = Decimal(16)


def unit(session: Session, world: World) -> None:
    world.item.unit = "HUR"


def period(session: Session, world: World) -> None:
    world.item.period = days(date(2026, 11, 23), date(2027, 3, 22))


def service(session: Session, world: World) -> None:
    world.item.service_id = make_service(session).id


def ended(session: Session, world: World) -> None:
    world.item.ended_at = NOW


def withdrawn(session: Session, world: World) -> None:
    world.decision.ended_at = NOW


def moved(session: Session, world: World) -> None:
    world.item.decision_id = make_decision(session, world.case).id


def closed(session: Session, world: World) -> None:
    world.case.status = "closed"


def gone(session: Session, world: World) -> None:
    world.case.gone_at = NOW


def provider(session: Session, world: World) -> None:
    session.execute(text("UPDATE choice SET ended_at = now() WHERE plan_item_id = :id"), {"id": world.item.id})
    make_choice(session, world.item, make_orderable_provider(session, world.service), actor="source:test")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (quantity, "changed"),
        (unit, "changed"),
        (period, "changed"),
        (service, "changed"),
        (ended, "ended"),
        (withdrawn, "decision"),
        (moved, "decision"),
        (closed, "case"),
        (gone, "case"),
        (provider, "provider"),
    ],
)
def test_what_changes_after_ordering_is_proposed_once_and_told(
    session: Session, change: Callable[[Session, World], None], kind: str
) -> None:
    (world, made), _ = ordered(session), ordered(session)
    assert vars(watch(session, NOW)) == {"found": 0, "gone": 0}
    change(session, world)
    session.flush()
    assert vars(watch(session, NOW)) == {"found": 1, "gone": 0}
    assert vars(watch(session, NOW)) == {"found": 0, "gone": 0}
    (one,) = open_proposals(session, today=TODAY)
    assert (one.order_number, one.kind, one.provider) == (made.number, kind, world.provider.name)
    assert made.number in one.reason.text()
    notice = session.scalars(select(Notice)).one()
    assert (notice.worker_id, notice.kind, notice.subject) == (
        world.worker.id,
        "order_proposal",
        f"order:{made.number}",
    )
    assert made.state == "approved"  # nobody edits an order


def test_a_proposal_tells_what_was_ordered_and_what_is_planned(session: Session) -> None:
    world, _ = ordered(session)
    quantity(session, world)
    session.flush()
    watch(session, NOW)
    (one,) = open_proposals(session, today=TODAY)
    assert one.details["then"] == {
        "quantity": "12",
        "unit": "C62",
        "first_day": "2026-11-23",
        "last_day": "2027-02-22",
        "service": world.service.code,
        "provider": world.provider.name,
        "decision": world.decision.number,
    }
    assert one.details["now"] == {**one.details["then"], "quantity": "16"}


def test_a_difference_that_goes_away_is_settled_by_itself(session: Session) -> None:
    world, _ = ordered(session)
    quantity(session, world)
    session.flush()
    watch(session, NOW)
    world.item.quantity = Decimal(20)
    session.flush()
    assert vars(watch(session, NOW)) == {"found": 0, "gone": 0}  # the same question, told anew
    assert open_proposals(session, today=TODAY)[0].details["now"]["quantity"] == "20"
    world.item.quantity = Decimal(12)
    session.flush()
    assert vars(watch(session, NOW)) == {"found": 0, "gone": 1}
    one = session.scalars(select(OrderProposal)).one()
    assert (one.outcome, one.settled_by) == ("gone", "avain")


def test_cancelling_lets_what_is_planned_now_be_ordered(session: Session) -> None:
    world, made = ordered(session)
    quantity(session, world)
    session.flush()
    watch(session, NOW)
    (one,) = open_proposals(session, today=TODAY, order_number=made.number)
    assert settle(session, one.id, "cancelled", actor=APPROVER, reason="more visits", now=NOW) is not None
    session.refresh(made)
    assert made.state == "cancelled"
    assert open_proposals(session, today=TODAY) == []
    assert [row.plan_item_id for row in waiting(session, settings=Orders(), today=TODAY)] == [world.item.id]
    (again,) = order(session, world.item).orders
    assert (again.replaces_id, again.total_gross) == (made.id, Decimal("1408.00"))
    event = session.scalars(select(AuditEvent).filter_by(action="order.proposal_settled")).one()
    assert (event.subject, event.reason, event.details["outcome"]) == (
        f"order:{made.number}",
        "more visits",
        "cancelled",
    )
    world.item.quantity = Decimal(12)
    assert vars(watch(session, NOW)) == {"found": 1, "gone": 0}  # of the new one


@pytest.mark.parametrize("state", ["sent", "received", "accepted", "changed", "failed"])
def test_also_an_order_that_was_answered_can_be_cancelled(session: Session, state: str) -> None:
    world, made = ordered(session)
    made.state = state
    ended(session, world)
    session.flush()
    watch(session, NOW)
    (one,) = open_proposals(session, today=TODAY)
    settle(session, one.id, "cancelled", actor=APPROVER, reason="ended", now=NOW)
    session.refresh(made)
    assert made.state == "cancelled"
    assert not session.scalars(select(OrderCoverage)).one().live


def test_what_was_kept_is_not_proposed_again_until_it_changes_anew(session: Session) -> None:
    world, made = ordered(session)
    quantity(session, world)
    session.flush()
    watch(session, NOW)
    (one,) = open_proposals(session, today=TODAY)
    assert settle(session, one.id, "kept", actor=APPROVER, reason="agreed by telephone", now=NOW) is None
    assert vars(watch(session, NOW)) == {"found": 0, "gone": 0}
    assert made.state == "approved"
    world.item.quantity = Decimal(20)
    session.flush()
    assert vars(watch(session, NOW)) == {"found": 1, "gone": 0}


def test_settling_that_cannot_be_says_why(session: Session) -> None:
    world, made = ordered(session)
    quantity(session, world)
    session.flush()
    watch(session, NOW)
    (one,) = open_proposals(session, today=TODAY)
    values: dict[str, Any] = {"actor": APPROVER, "reason": "x", "now": NOW}
    with pytest.raises(InputError, match="settles no proposal"):
        settle(session, one.id, "edited", **values)
    with pytest.raises(InputError, match="needs a reason"):
        settle(session, one.id, "kept", **{**values, "reason": " "})
    with pytest.raises(NotFound, match="no proposal"):
        settle(session, one.id + 1, "kept", **values)
    made.state = "sending"
    session.flush()
    with pytest.raises(InputError, match="cannot be cancelled"):
        settle(session, one.id, "cancelled", **values)
    settle(session, one.id, "kept", **values)
    with pytest.raises(InputError, match="settled before"):
        settle(session, one.id, "cancelled", **values)


def test_what_is_over_is_not_proposed(session: Session) -> None:
    world, made = ordered(session)
    closed(session, world)
    made.state = "closed"
    session.flush()
    assert watch(session, NOW).found == 0
    made.state = "accepted"
    session.flush()
    assert watch(session, datetime(2027, 2, 23, 4, tzinfo=UTC)).found == 0


def test_a_plan_that_changed_stops_the_next_months_until_it_is_settled(session: Session) -> None:
    world, made = ordered(session, settings=Orders(period="monthly"))
    world.decision.granted_amount = Decimal(9000)
    quantity(session, world)
    session.flush()
    later = NOW + timedelta(days=1)
    rules: dict[str, Any] = {
        "settings": Orders(period="monthly"),
        "organisation": Organisation(),
        "budgets": Budgets(),
        "now": later,
    }
    watch(session, later)
    page = generating.order_due_months(session, **rules)
    assert page is not None
    assert "no longer says what is planned" in page.refused[0].reason.text()
    (one,) = open_proposals(session, today=TODAY)
    settle(session, one.id, "cancelled", actor=APPROVER, reason="more visits", now=later)
    assert session.scalars(select(OrderApproval)).one().ended_at == later
    assert generating.order_due_months(session, **rules) is None
    again = order(session, world.item, settings=Orders(period="monthly"), now=later)
    assert [one.replaces_id for one in again.orders] == [made.id, None]


def test_who_may_not_see_a_case_does_not_see_its_proposals(session: Session) -> None:
    (world, _), (other, _) = ordered(session), ordered(session)
    quantity(session, world)
    quantity(session, other)
    session.flush()
    watch(session, NOW)
    person = Person(1, "s", "Aino", frozenset({"worker"}), world.worker.id, world.worker.external_id, None, False, "")
    (one,) = open_proposals(session, today=TODAY, person=person)
    assert one.case_number == world.case.number
    assert len(open_proposals(session, today=TODAY)) == 2
    assert len(open_proposals(session, today=TODAY, after=one.id)) == 1


def test_an_order_is_closed_by_its_final_invoice_or_by_time(session: Session) -> None:
    (_, billed), (_, late), (_, failed) = ordered(session), ordered(session), ordered(session)
    billed.state, late.state, failed.state = "accepted", "sent", "failed"
    session.flush()
    assert closing.close_orders(session, now=NOW, settings=Budgets()) == 0
    session.execute(
        text(
            "WITH bill AS (INSERT INTO invoice (provider_id, number, kind, issue_date, final) VALUES (:provider, 'L-1', 'invoice', '2026-12-01', true) RETURNING id)"
            " INSERT INTO invoice_line (invoice_id, order_line_id, net, vat, gross) SELECT bill.id, order_line.id, 88, 0, 88 FROM bill, order_line"
            " WHERE order_line.order_id = :order"
        ),
        {"provider": billed.provider_id, "order": billed.id},
    )
    assert closing.close_orders(session, now=NOW, settings=Budgets()) == 1
    session.refresh(billed)
    assert (billed.state, billed.closed_at) == ("closed", NOW)
    assert session.scalars(select(OrderCoverage).filter_by(order_id=billed.id)).one().live
    last = datetime(2027, 2, 22, 10, tzinfo=UTC) + timedelta(days=Budgets().close_after_days)
    assert closing.close_orders(session, now=last, settings=Budgets()) == 0
    assert closing.close_orders(session, now=last + timedelta(days=1), settings=Budgets()) == 1
    assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() > 0
    session.refresh(failed)
    assert failed.state == "failed"  # nobody received it: that is for a person


def calculated(session: Session) -> World:
    """A world whose budget is calculated, assessed, waiting."""
    world = make_world(session)
    world.case.assessment_date = date(2026, 10, 1)
    session.flush()
    order(session, world.item, automatic=True, approver="avain", settings=Orders(automatic_up_to=Decimal(0)))
    return world


def by_itself(session: Session, settings: Orders = AUTOMATIC):
    return generating.approve_by_itself(
        session, now=NOW, settings=settings, organisation=Organisation(), budgets=Budgets()
    )


def test_nothing_is_approved_by_itself_unless_the_organisation_wants_it(session: Session) -> None:
    calculated(session)
    assert by_itself(session, Orders()) is None


def test_what_nothing_speaks_against_is_approved_by_itself(session: Session) -> None:
    world = calculated(session)
    page = by_itself(session)
    assert page is not None
    (made,) = page.orders
    assert (made.decision_id, made.approved_by, made.automatic) == (world.decision.id, "avain", True)
    assert by_itself(session) is None


def not_assessed(session: Session, world: World) -> None:
    world.case.assessment_date = None


def declined(session: Session, world: World) -> None:
    decline(session, [world.item.id], actor=APPROVER, reason="no", now=NOW)


def rejected(session: Session, world: World) -> None:
    (made,) = order(session, world.item).orders
    made.state = "rejected"
    session.flush()
    session.execute(text("UPDATE order_coverage SET live = false"))


def over(session: Session, world: World) -> None:
    world.decision.granted_amount = Decimal(500)


def dear(session: Session, world: World) -> None:
    world.decision.granted_amount = Decimal(9000)
    world.item.quantity = Decimal(30)


@pytest.mark.parametrize("spoil", [not_assessed, declined, rejected, over, dear])
def test_what_a_person_must_look_at_waits_for_one(session: Session, spoil) -> None:
    world = calculated(session)
    spoil(session, world)
    session.flush()
    page = by_itself(session)
    assert page is None or (page.orders == () and len(page.refused) == 1)
    listed = waiting(session, settings=Orders(), today=TODAY, declined=spoil is declined)
    assert [one.plan_item_id for one in listed] == [world.item.id]


def test_another_item_of_the_decision_does_not_hinder(session: Session) -> None:
    world = calculated(session)
    make_plan_item(session, world.decision, make_service(session))
    page = by_itself(session)
    assert page is not None
    assert len(page.orders) == 1
