"""Approving chosen services on a real database: what is stored, what is refused and why, and that nothing is ordered twice."""

import hashlib
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.order_settings import Orders
from documents import xml
from documents.findings import fatal
from documents.peppol_rules import check_order
from documents.schemas import check_schema
from models.audit import AuditEvent
from models.base import days
from models.order import OrderCoverage, OrderLine
from models.price import PriceKey
from models.provider import Contract
from models.service import Service
from models.work import Work
from tests.factories.case import make_choice, make_decision, make_plan_item
from tests.factories.price import make_price, make_price_key
from tests.factories.service import make_service
from tests.support.ordering import (
    APPROVER,
    CHOOSER,
    NOW,
    add_item,
    make_orderable_provider,
    make_world,
    order,
    reason_of,
)

UBL = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def test_an_order_is_stored_with_lines_coverage_document_work_and_audit(session: Session) -> None:
    world = make_world(session)
    done = order(session, world.item)
    (made,) = done.orders
    assert not done.refused
    assert re.fullmatch(r"T-2026-\d{6}", made.number)
    assert (made.state, made.channel, made.chosen_by, made.approved_by) == ("approved", "email", "parent", APPROVER)
    assert (made.total_net, made.total_vat, made.total_gross) == (Decimal("1056.00"), Decimal(0), Decimal("1056.00"))
    assert made.document_sha256 == hashlib.sha256(made.document).hexdigest()
    assert re.fullmatch("[23456789ABCDEFGHJKMNPQRSTVWXYZ]{16}", made.client_reference)
    (line,) = session.scalars(select(OrderLine).filter_by(order_id=made.id))
    assert (line.quantity, line.unit, line.gross) == (Decimal(12), "C62", Decimal("1056.00"))
    (coverage,) = session.scalars(select(OrderCoverage).filter_by(order_id=made.id))
    assert (coverage.live, coverage.period) == (True, world.item.period)
    work = session.scalars(select(Work).filter_by(key=f"deliver_order:{made.number}")).one()
    assert (work.kind, work.subject_id, work.queue) == ("deliver_order", made.id, "orders")
    event = session.scalars(select(AuditEvent).filter_by(subject=f"order:{made.number}")).one()
    assert (event.actor, event.action, event.details["gross"]) == (APPROVER, "order.approved", "1056.00")


def test_the_stored_document_passes_schema_and_rules_and_cites_the_decision(session: Session) -> None:
    world = make_world(session)
    (made,) = order(session, world.item).orders
    tree = xml.parse(made.document)
    assert [*check_schema(tree, "Order"), *check_order(tree)] == []
    root = tree.getroot()
    assert root.findtext(f"{UBL}ID") == made.number
    assert root.findtext(f"{UBL}CustomerReference") == made.client_reference
    document = made.document.decode()
    assert world.decision.number is not None
    assert world.decision.number in document
    assert "2026-11-09" in document
    assert session.scalars(select(Contract).filter_by(id=made.contract_id)).one().number in document


def test_an_order_names_nobody(session: Session) -> None:
    world = make_world(session)
    (made,) = order(session, world.item).orders
    client = session.execute(
        text("SELECT external_id FROM client WHERE id = :id"), {"id": world.case.client_id}
    ).scalar_one()
    document = made.document.decode()
    for secret in (
        world.case.number,
        world.case.external_id,
        client,
        world.item.external_id,
        world.worker.name,
        world.worker.external_id,
    ):
        assert secret not in document


def test_the_budget_moves_from_planned_to_ordered(session: Session) -> None:
    world = make_world(session)
    order(session, world.item)
    order(session, add_item(session, world))  # approving recomputes what is held
    figures = session.execute(
        text(
            "SELECT ordered, planned, budget_version.ceiling FROM budget_version JOIN budget ON budget.id = budget_id WHERE decision_id = :id AND superseded_at IS NULL"
        ),
        {"id": world.decision.id},
    ).one()
    assert figures == (Decimal("1056.00"), Decimal("500.00"), Decimal("2000.00"))
    assert session.execute(text("SELECT count(*) FROM budget_dirty")).scalar_one() > 0


def test_items_of_one_decision_and_provider_share_an_order(session: Session) -> None:
    world = make_world(session)
    second = add_item(session, world)
    (made,) = order(session, second, world.item).orders
    assert made.total_gross == Decimal("1556.00")
    assert made.period == days(date(2026, 11, 23), date(2027, 3, 31))
    ordered = session.scalars(select(OrderLine).filter_by(order_id=made.id).order_by(text("line_number"))).all()
    assert [(line.line_number, line.plan_item_id) for line in ordered] == [(1, second.id), (2, world.item.id)]


def test_items_of_two_providers_make_two_orders_with_numbers_without_gaps(session: Session) -> None:
    world, other = make_world(session), make_world(session)
    broken = make_world(session)
    broken.provider.name = "Rivi\nvaihto"
    session.flush()
    done = order(session, world.item, broken.item, other.item)
    numbers = [int(made.number[-6:]) for made in done.orders]
    assert numbers == [numbers[0], numbers[0] + 1]
    (refused,) = done.refused
    assert refused.plan_item_id == broken.item.id
    assert "control character" in refused.reason.text()
    assert not session.scalars(select(OrderCoverage).filter_by(plan_item_id=broken.item.id)).all()


@pytest.mark.parametrize("change", [date(2026, 11, 24), date(2027, 1, 1), date(2027, 2, 22)])
def test_a_price_that_changes_midway_makes_lines_that_add_up(session: Session, change: date) -> None:
    world = make_world(session, price=None)
    key = make_price_key(session, world.service, world.provider)
    make_price(session, world.service, world.provider, "88.00", key=key, last=change - timedelta(days=1))
    make_price(session, world.service, world.provider, "91.50", key=key, first=change)
    (made,) = order(session, world.item).orders
    ordered = session.scalars(select(OrderLine).filter_by(order_id=made.id).order_by(text("line_number"))).all()
    assert sum(line.quantity for line in ordered) == Decimal(12)
    assert sum(line.gross for line in ordered) == made.total_gross
    assert all(line.gross == line.quantity * line.amount for line in ordered)
    assert not fatal(check_order(xml.parse(made.document)))


def test_prices_with_vat_in_them_and_for_several_units(session: Session) -> None:
    world = make_world(session, price=None, granted="5000.00")
    key = make_price_key(session, world.service, world.provider, base_quantity=Decimal(3))
    make_price(
        session,
        world.service,
        world.provider,
        "199.99",
        key=key,
        vat_category="S",
        vat_rate=Decimal("0.255"),
        vat_inclusive=True,
    )
    (made,) = order(session, world.item).orders
    assert made.total_gross == Decimal("799.96")
    assert made.total_net == Decimal("637.42")
    assert not fatal(check_order(xml.parse(made.document)))


def test_a_provider_is_addressed_by_its_business_id_when_it_has_no_endpoint(session: Session) -> None:
    world = make_world(session)
    world.provider.endpoint_id = world.provider.endpoint_scheme = None
    session.flush()
    (made,) = order(session, world.item).orders
    assert "0037" + world.provider.business_id.replace("-", "") in made.document.decode()


def test_a_swedish_speaking_provider_reads_the_service_in_swedish(session: Session) -> None:
    world = make_world(session)
    world.provider.language, world.service.name_sv = "sv", "Påhittad tjänst"
    session.flush()
    assert "Påhittad tjänst" in order(session, world.item).orders[0].document.decode()


def no_choice(session: Session, world) -> None:
    session.execute(text("UPDATE choice SET ended_at = now() WHERE plan_item_id = :id"), {"id": world.item.id})


def ended_item(session: Session, world) -> None:
    world.item.ended_at = NOW


def closed_case(session: Session, world) -> None:
    world.case.status = "closed"


def withdrawn_decision(session: Session, world) -> None:
    world.decision.ended_at = NOW


def no_decision_number(session: Session, world) -> None:
    world.decision.number = None


def no_decision_date(session: Session, world) -> None:
    world.decision.decided_on = None


def short_decision(session: Session, world) -> None:
    world.decision.valid = days(date(2026, 11, 9), date(2027, 2, 21))


def inactive_provider(session: Session, world) -> None:
    world.provider.active = False


def no_address(session: Session, world) -> None:
    world.provider.email = None


def unknown_channel(session: Session, world) -> None:
    world.provider.channel = "pigeon"


def short_contract(session: Session, world) -> None:
    session.execute(
        text("UPDATE contract SET valid = '[2026-01-01,2027-02-22)' WHERE provider_id = :id"), {"id": world.provider.id}
    )


def price_gap(session: Session, world) -> None:
    no_price(session, world)
    key = session.scalars(select(PriceKey).filter_by(provider_id=world.provider.id)).one()
    make_price(session, world.service, world.provider, "88.00", key=key, last=date(2027, 2, 19))


def no_price(session: Session, world) -> None:
    session.execute(text("UPDATE price SET superseded_at = now()"))


def bad_business_id(session: Session, world) -> None:
    world.provider.business_id = "1234567-8"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_choice, "No provider has been chosen yet."),
        (ended_item, "has ended"),
        (closed_case, "has ended"),
        (withdrawn_decision, "has ended"),
        (no_decision_number, "no number or no date"),
        (no_decision_date, "no number or no date"),
        (short_decision, "does not cover the whole period"),
        (inactive_provider, "no longer active"),
        (no_address, "no e-mail address"),
        (unknown_channel, "no order channel pigeon"),
        (short_contract, "No contract with"),
        (price_gap, "from 2027-02-20 to 2027-02-22"),
        (no_price, "from 2026-11-23 to 2027-02-22"),
        (bad_business_id, "is not a business id"),
    ],
)
def test_an_item_is_refused_with_its_reason_and_the_others_go_on(session: Session, spoil, said: str) -> None:
    world = make_world(session)
    spoil(session, world)
    session.flush()
    well = make_world(session)
    done = order(session, world.item, well.item)
    assert [made.decision_id for made in done.orders] == [well.decision.id]
    (refused,) = done.refused
    assert refused.item == f"{world.case.number}/{world.item.external_id}"
    assert said in refused.reason.text()


def test_an_item_that_does_not_exist_is_refused(session: Session) -> None:
    assert "no such planned service" in reason_of(order(session, 999_999_999))


def test_nothing_asked_for_is_nothing_done(session: Session) -> None:
    assert order(session) == type(order(session))((), ())


def test_over_the_ceiling_needs_a_reason(session: Session) -> None:
    world = make_world(session, granted="1000.00")  # 1,056.00 is 5.6 % over
    assert "needs a reason" in reason_of(order(session, world.item))
    (made,) = order(session, world.item, reason="the group agreed").orders
    assert made.approval_reason == "the group agreed"


def test_within_the_tolerance_needs_none(session: Session) -> None:
    world = make_world(session, granted="1005.72")  # 1,056.00 is just under 5 % over
    assert order(session, world.item).orders


def test_an_unknown_ceiling_needs_a_reason(session: Session) -> None:
    world = make_world(session)
    world.decision.granted_amount = None
    session.flush()
    assert "ceiling of the budget is not known" in reason_of(order(session, world.item))
    assert order(session, world.item, reason="agreed").orders


def test_the_second_item_of_one_approval_counts_what_the_first_took(session: Session) -> None:
    world = make_world(session, granted="1500.00")
    other = make_orderable_provider(session, world.service)
    service = make_service(session)
    make_price(session, service, other, "60.00")
    item = make_plan_item(session, world.decision, service, "10")
    make_choice(session, item, other, actor=CHOOSER)
    done = order(session, world.item, item)
    assert {refused.plan_item_id for refused in done.refused} == {
        world.item.id,
        item.id,
    }  # planned together they are over
    assert len(order(session, world.item, item, reason="agreed").orders) == 2


def test_above_the_limit_somebody_else_than_who_chose_approves(session: Session) -> None:
    world = make_world(session)
    settings = Orders(approval_limit=Decimal(1055))
    assert "somebody else" in reason_of(order(session, world.item, settings=settings, approver=CHOOSER))
    assert order(session, world.item, settings=settings).orders


def test_the_limit_cannot_be_passed_by_in_slices(session: Session) -> None:
    world = make_world(session)
    settings = Orders(approval_limit=Decimal(1100))
    assert order(session, world.item, settings=settings, approver=CHOOSER).orders
    second = add_item(session, world)
    assert "somebody else" in reason_of(order(session, second, settings=settings, approver=CHOOSER))


def test_nor_in_slices_of_one_approval(session: Session) -> None:
    world = make_world(session)
    second = add_item(session, world)
    other = make_orderable_provider(session)
    session.execute(
        text("UPDATE choice SET provider_id = :id WHERE plan_item_id = :item"), {"id": other.id, "item": second.id}
    )
    make_price(session, session.get_one(Service, second.service_id), other, "50.00")
    done = order(session, world.item, second, settings=Orders(approval_limit=Decimal(1100)), approver=CHOOSER)
    assert len(done.orders) == 1
    (refused,) = done.refused
    assert "somebody else" in refused.reason.text()


def test_an_order_rests_on_one_decision(session: Session) -> None:
    world = make_world(session)
    decision = make_decision(session, world.case, granted_amount=Decimal("2000.00"))
    item = make_plan_item(session, decision, world.service)
    make_choice(session, item, world.provider, actor=CHOOSER)
    made = order(session, world.item, item).orders
    assert {one.decision_id for one in made} == {world.decision.id, decision.id}


@pytest.mark.parametrize("automatic", [False, True])
def test_whether_a_person_looked_at_it_is_recorded(session: Session, automatic: bool) -> None:
    world = make_world(session)
    world.case.plan_date = date(2026, 10, 1)
    session.flush()
    order(session, world.item, automatic=automatic, settings=Orders(automatic_up_to=Decimal(2000)))
    (event,) = session.scalars(select(AuditEvent).filter_by(action="order.approved"))
    assert event.details["automatic"] is automatic


def test_nothing_is_approved_automatically_without_assessment_or_plan(session: Session) -> None:
    world = make_world(session)
    assert "a person has to approve" in reason_of(order(session, world.item, automatic=True))
    world.case.plan_date = date(2026, 10, 1)
    session.flush()
    assert order(session, world.item, automatic=True, settings=Orders(automatic_up_to=Decimal(2000))).orders


def test_nothing_is_ordered_twice(session: Session) -> None:
    world = make_world(session)
    (made,) = order(session, world.item, world.item).orders
    assert reason_of(order(session, world.item)) == f"It is already ordered: {made.number}."
