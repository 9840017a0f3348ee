"""Drafts, what waits for approval, and declining: nothing of it orders anything."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import InputError
from core.order_settings import Limit, Limits, Orders
from core.settings import Organisation
from documents import xml
from documents.findings import fatal
from documents.peppol_rules import check_order
from models.audit import AuditEvent
from models.order import OrderDecline, PurchaseOrder
from services.access.people import Person
from services.orders.approving.declining import decline, withdraw
from services.orders.approving.proposing import propose
from services.orders.approving.waiting import count_waiting, waiting
from services.orders.weighing.limits import Bounds, bounds, objection
from tests.factories.case import make_choice
from tests.factories.worker import make_unit, make_worker
from tests.support.ordering import APPROVER, CHOOSER, NOW, add_item, make_world, order, reason_of

TODAY = local_date(NOW)
MONTHLY = Orders(period="monthly")


def drafts(session: Session, *items: Any, **over: Any):
    values = {"now": NOW, "settings": Orders(), "organisation": Organisation(), "budgets": Budgets(), **over}
    return propose(session, [item.id for item in items], **values)


def listed(session: Session, **over: Any):
    return waiting(session, **{"settings": Orders(), "today": TODAY, **over})


def test_a_draft_says_what_would_be_ordered_and_leaves_nothing_behind(session: Session) -> None:
    world = make_world(session)
    (draft,) = drafts(session, world.item, approver=APPROVER)
    assert (draft.refused, draft.orders_on, draft.month) == (None, None, None)
    assert (draft.net, draft.vat, draft.gross) == (Decimal("1056.00"), Decimal(0), Decimal("1056.00"))
    assert draft.period == world.item.period
    assert draft.seller is not None
    assert draft.contract_number is not None
    assert draft.document is not None
    assert b"T-2026-000000" in draft.document
    assert not fatal(check_order(xml.parse(draft.document)))
    assert session.scalar(select(func.count()).select_from(PurchaseOrder)) == 0
    assert session.execute(text("SELECT count(*) FROM counter WHERE series = 'T-2026' AND value > 0")).scalar() == 0
    assert (
        drafts(session, world.item)[0].document == draft.document
    )  # a preview is the same however often it is asked for
    (made,) = order(session, world.item).orders
    assert made.total_gross == draft.gross


def test_a_draft_that_cannot_be_says_why(session: Session) -> None:
    world, other = make_world(session, price=None), make_world(session)
    other.provider.name = "Rivi\nvaihto"
    ended = make_world(session)
    ended.item.ended_at = NOW
    session.flush()
    by_item = {draft.items[0].id: draft for draft in drafts(session, world.item, other.item, ended.item)}
    assert "No price" in by_item[world.item.id].refused.text()
    assert "control character" in by_item[other.item.id].refused.text()
    assert by_item[other.item.id].document is None
    assert "has ended" in by_item[ended.item.id].refused.text()
    assert by_item[ended.item.id].lines == ()


def test_drafts_count_together_what_one_decision_would_bear(session: Session) -> None:
    world = make_world(session, granted="1100.00")
    second = add_item(session, world)
    (draft,) = drafts(session, world.item, second)
    assert "needs a reason" in draft.refused.text()
    (draft,) = drafts(session, world.item, second, reason="the group agreed", approver=APPROVER)
    assert draft.refused is None


def test_drafts_of_months_to_come_say_when_they_are_ordered(session: Session) -> None:
    world = make_world(session)
    made = drafts(session, world.item, settings=MONTHLY)
    assert [(one.month, one.orders_on, one.document is not None) for one in made] == [
        (date(2026, 11, 1), None, True),
        (date(2026, 12, 1), date(2026, 11, 17), False),
        (date(2027, 1, 1), date(2026, 12, 18), False),
        (date(2027, 2, 1), date(2027, 1, 18), False),
    ]
    assert sum(one.gross for one in made) == Decimal("1056.00")


def test_what_is_chosen_waits_until_it_is_ordered_or_declined(session: Session) -> None:
    world = make_world(session)
    (one,) = listed(session)
    assert (one.plan_item_id, one.case_number, one.item) == (world.item.id, world.case.number, world.item.external_id)
    assert (one.chosen_by, one.chooser, one.gross) == ("parent", CHOOSER, None)
    assert one.over(Budgets())  # nothing is known yet
    assert not one.above(Bounds(Decimal(0), None), CHOOSER)
    drafts(session, world.item)
    decline(session, [world.item.id], actor=APPROVER, reason="not now", now=NOW)
    assert listed(session) == []
    (declined,) = listed(session, declined=True)
    assert (declined.declined, declined.declined_by) == ("not now", APPROVER)
    withdraw(session, [world.item.id], actor=APPROVER, now=NOW)
    assert count_waiting(session, settings=Orders(), today=TODAY) == 1
    order(session, world.item)
    assert listed(session) == []
    assert count_waiting(session, settings=Orders(), today=TODAY) == 0


def test_what_waits_tells_what_it_costs_and_who_may_approve(session: Session) -> None:
    world = make_world(session)
    second = add_item(session, world, quantity="30")
    order(session, world.item, reason="agreed")
    assert "already ordered" in reason_of(order(session, world.item))  # and its budget is calculated again
    (one,) = listed(session, case_number=world.case.number)
    assert (one.plan_item_id, one.gross, one.committed) == (second.id, Decimal("1500.00"), Decimal("2556.00"))
    assert one.over(Budgets())
    assert not replace(one, ceiling=Decimal(3000), budget_state="ok").over(Budgets())
    assert one.above(Bounds(Decimal(2000), None), CHOOSER)
    assert not one.above(Bounds(Decimal(2000), None), APPROVER)
    assert one.above(Bounds(Decimal(9000), Decimal(2500)), APPROVER)
    assert listed(session, case_number="HB-1999-000001") == []


def test_what_waits_is_read_in_pages(session: Session) -> None:
    worlds = [make_world(session) for _ in range(3)]
    first = listed(session, limit=2)
    rest = listed(session, limit=2, after=(first[-1].chosen_at, first[-1].plan_item_id))
    assert [one.plan_item_id for one in first + rest] == [world.item.id for world in worlds]


def test_who_may_not_see_a_case_does_not_see_what_waits(session: Session) -> None:
    world, other = make_world(session), make_world(session)
    person = Person(1, "s", "Aino", frozenset({"worker"}), world.worker.id, world.worker.external_id, None, False, "")
    assert [one.plan_item_id for one in listed(session, person=person)] == [world.item.id]
    boss = replace(person, worker_id=make_worker(session).id, roles=frozenset({"supervisor"}))
    assert listed(session, person=boss) == []
    other.worker.unit_id = make_unit(session, supervisor_id=boss.worker_id).id
    session.flush()
    assert [one.plan_item_id for one in listed(session, person=boss)] == [other.item.id]


def no_choice(session: Session, world) -> None:
    session.execute(text("UPDATE choice SET ended_at = now() WHERE plan_item_id = :id"), {"id": world.item.id})


def declined(session: Session, world) -> None:
    decline(session, [world.item.id], actor=APPROVER, reason="no", now=NOW)


def ordered(session: Session, world) -> None:
    assert order(session, world.item).orders


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(no_choice, "No provider has been chosen"), (declined, "declined before"), (ordered, "already ordered")],
)
def test_what_cannot_be_declined_says_why(session: Session, spoil, said: str) -> None:
    world = make_world(session)
    spoil(session, world)
    done = decline(session, [world.item.id, 999_999_999], actor=APPROVER, reason="no", now=NOW)
    assert done.plan_item_ids == ()
    by_item = {one.plan_item_id: one.reason.text() for one in done.refused}
    assert said in by_item[world.item.id]
    assert "no such planned service" in by_item[999_999_999]


def test_declining_needs_a_reason_and_is_recorded(session: Session) -> None:
    world = make_world(session)
    with pytest.raises(InputError, match="needs a reason"):
        decline(session, [world.item.id], actor=APPROVER, reason=" ", now=NOW)
    assert (
        withdraw(session, [world.item.id], actor=APPROVER, now=NOW).refused[0].reason.text() == "It was not declined."
    )
    decline(session, [world.item.id], actor=APPROVER, reason="not now", now=NOW)
    assert "declined: not now" in reason_of(order(session, world.item))
    withdraw(session, [world.item.id], actor=APPROVER, now=NOW)
    events = session.scalars(select(AuditEvent).filter_by(subject=f"case:{world.case.number}"))
    assert [event.action for event in events] == ["order.declined", "order.decline_withdrawn"]
    assert order(session, world.item).orders


def test_a_new_choice_makes_a_decline_void(session: Session) -> None:
    world = make_world(session)
    declined(session, world)
    no_choice(session, world)
    make_choice(session, world.item, world.provider, actor=CHOOSER)
    assert session.scalar(select(func.count()).select_from(OrderDecline)) == 1
    assert order(session, world.item).orders


def test_the_limits_of_a_role(session: Session) -> None:
    world = make_world(session)
    settings = Orders(limits=Limits(worker=Limit(at_most=Decimal(1000)), supervisor=Limit(at_most=Decimal(9000))))
    worker, boss = make_worker(session), make_worker(session)
    make_unit(session, supervisor_id=boss.id)
    by_worker = {"settings": settings, "approver": f"worker:{worker.external_id}"}
    assert "above the €1,000.00 that you may approve" in reason_of(order(session, world.item, **by_worker))
    assert "above the €1,000.00" in reason_of(
        order(session, world.item, settings=settings)
    )  # nobody known: the strictest
    assert "above the €1,000.00" in reason_of(order(session, world.item, settings=settings, approver="worker:nobody"))
    (draft,) = drafts(session, world.item, **by_worker)
    assert "above the €1,000.00" in draft.refused.text()
    assert drafts(session, world.item, settings=settings)[0].refused is None  # nobody approves yet
    assert order(session, world.item, settings=settings, approver=f"worker:{boss.external_id}").orders


def test_somebody_is_the_same_in_the_console_and_at_the_command_line(session: Session) -> None:
    boss = make_worker(session)
    make_unit(session, supervisor_id=boss.id)
    settings = Orders(limits=Limits(worker=Limit(at_most=Decimal(10))))
    assert bounds(session, settings, f"cli:{boss.external_id}", None).at_most is None
    assert bounds(session, settings, "cli:nobody", None).at_most == Decimal(10)
    found = Bounds(alone=Decimal(100), at_most=None)
    assert objection(found, Decimal(101), approver="cli:W-1", choosers=["worker:W-1"])
    assert objection(found, Decimal(101), approver="cli:W-2", choosers=["worker:W-1", None]) is None


@pytest.mark.parametrize(
    ("roles", "alone", "at_most"),
    [
        (["worker"], 1000, 2000),
        (["supervisor"], 5000, None),
        (["worker", "supervisor"], 5000, None),
        (["auditor"], 1000, 2000),
        ([], 1000, 2000),
    ],
)
def test_the_widest_of_the_roles_somebody_has_counts(session: Session, roles, alone, at_most) -> None:
    settings = Orders(limits=Limits(worker=Limit(alone=Decimal(1000), at_most=Decimal(2000))))
    found = bounds(session, settings, "x", roles)
    assert (found.alone, found.at_most) == (Decimal(alone), None if at_most is None else Decimal(at_most))
