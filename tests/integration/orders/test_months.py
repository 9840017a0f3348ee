"""Services ordered by the month: what is ordered when, what stands against a month, and that months add up to the whole."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.order_settings import Orders
from core.settings import Organisation
from models.audit import AuditEvent
from models.base import days
from models.follow_up import Notice
from models.order import OrderApproval, OrderLine, PurchaseOrder
from models.price import PriceKey
from services.orders.approving import generating
from services.orders.approving.declining import decline
from services.orders.approving.waiting import count_waiting, waiting
from services.orders.sending import ending
from services.orders.weighing import standing
from tests.factories.case import make_choice, make_plan_item
from tests.factories.price import make_price, make_price_key
from tests.factories.service import make_service
from tests.support.ordering import APPROVER, CHOOSER, NOW, World, add_item, make_world, order, reason_of

MONTHLY = Orders(period="monthly")
RULES: dict[str, Any] = {"settings": MONTHLY, "organisation": Organisation(), "budgets": Budgets()}


def at(day: date) -> datetime:
    """Four in the morning of a day, UTC."""
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def night(session: Session, day: date, **over):
    """What the job does in the night of a day. Returns orders and refusals."""
    standing.end_void(session, now=at(day))
    page = generating.order_due_months(session, **{**RULES, "now": at(day), **over})
    return ([], []) if page is None else (list(page.orders), list(page.refused))


def lines_of(session: Session, item_id: int) -> list[OrderLine]:
    return list(session.scalars(select(OrderLine).filter_by(plan_item_id=item_id).order_by(text("period"))))


def begun(session: Session, **over) -> World:
    """A world whose item is ordered by the month, November ordered."""
    world = make_world(session, **over)
    done = order(session, world.item, settings=MONTHLY)
    assert (len(done.orders), done.refused, done.later) == (1, (), ())
    return world


def test_a_month_is_ordered_as_it_comes(session: Session) -> None:
    world = begun(session)
    (first,) = session.scalars(select(PurchaseOrder))
    assert first.period == days(date(2026, 11, 23), date(2026, 11, 30))
    approval = session.scalars(select(OrderApproval)).one()
    assert (first.approval_id, approval.gross, approval.approved_by) == (approval.id, Decimal("1056.00"), APPROVER)
    assert night(session, date(2026, 11, 16)) == ([], [])  # fifteen days before
    (december,), refused = night(session, date(2026, 11, 17))
    assert refused == []
    assert december.period == days(date(2026, 12, 1), date(2026, 12, 31))
    assert (december.approved_by, december.approval_id) == (APPROVER, approval.id)
    event = session.scalars(select(AuditEvent).filter_by(subject=f"order:{december.number}")).one()
    assert (event.actor, event.action) == ("avain", "order.month_ordered")
    assert night(session, date(2026, 11, 18)) == ([], [])
    # after downtime what was missed is caught up, a month an order
    late, _ = night(session, date(2027, 1, 31))
    assert [one.period for one in late] == [
        days(date(2027, 1, 1), date(2027, 1, 31)),
        days(date(2027, 2, 1), date(2027, 2, 22)),
    ]
    lines = lines_of(session, world.item.id)
    assert [line.quantity for line in lines] == [1, 4, 4, 3]
    assert sum(line.gross for line in lines) == Decimal("1056.00")
    assert night(session, date(2027, 2, 20)) == ([], [])


def test_what_begins_later_is_approved_and_ordered_when_its_time_comes(session: Session) -> None:
    world = make_world(session)
    later = {"settings": MONTHLY, "now": at(date(2026, 11, 9) - timedelta(days=14))}
    done = order(session, world.item, **later)
    assert (done.orders, done.refused, [one.id for one in done.later]) == ((), (), [world.item.id])
    assert [event.action for event in session.scalars(select(AuditEvent))] == ["order.months_approved"]
    assert "ordered as they come" in reason_of(order(session, world.item, **later))
    assert count_waiting(session, settings=MONTHLY, today=date(2026, 11, 1)) == 0
    (made,), _ = night(session, date(2026, 11, 9))
    assert made.period.lower == date(2026, 11, 23)


def test_a_provider_may_have_an_order_period_of_its_own(session: Session) -> None:
    world, other = make_world(session), make_world(session)
    world.provider.order_period, other.provider.order_period = "monthly", "whole"
    session.flush()
    monthly, whole = order(session, world.item, other.item).orders
    assert (monthly.period.upper, whole.period) == (date(2026, 12, 1), other.item.period)
    (alone,) = order(session, make_world(session).item, settings=MONTHLY).orders
    assert alone.period.upper == date(2026, 12, 1)


def test_services_of_one_decision_share_a_months_order(session: Session) -> None:
    world = make_world(session, granted="5000.00")
    second = add_item(session, world)  # from December on
    done = order(session, world.item, second, settings=MONTHLY)
    assert (len(done.orders), [one.id for one in done.later]) == (1, [second.id])
    (december,), _ = night(session, date(2026, 11, 17))
    assert {line.plan_item_id for line in session.scalars(select(OrderLine).filter_by(order_id=december.id))} == {
        world.item.id,
        second.id,
    }


def test_the_limit_counts_all_months_and_those_of_other_approvals(session: Session) -> None:
    world = make_world(session, granted="9000.00")
    strict = Orders(period="monthly", approval_limit=Decimal(1000))
    assert "somebody else" in reason_of(order(session, world.item, settings=strict, approver=CHOOSER))
    room = Orders(period="monthly", approval_limit=Decimal(1100))
    assert order(session, world.item, settings=room, approver=CHOOSER).orders
    second = add_item(session, world)
    assert "1,556.00" in reason_of(order(session, second, settings=room, approver=CHOOSER))


def test_months_go_on_without_anybody_being_asked_again(session: Session) -> None:
    world = make_world(session, granted="1000.00")  # 1,056.00 is over
    assert "needs a reason" in reason_of(order(session, world.item, settings=MONTHLY))
    assert order(session, world.item, settings=MONTHLY, reason="the group agreed").orders
    (december,), _ = night(session, date(2026, 11, 17))
    assert december.approval_reason == "the group agreed"


def price_gone(session: Session, world: World) -> None:
    make_price(session, world.service, world.provider, "88.00", key=no_price(session, world), last=date(2026, 12, 15))


def no_price(session: Session, world: World) -> PriceKey:
    key = session.scalars(select(PriceKey).filter_by(provider_id=world.provider.id)).one()
    session.execute(text("UPDATE price SET superseded_at = now() WHERE price_key_id = :id"), {"id": key.id})
    return key


def held_list(session: Session, world: World) -> None:
    price_gone(session, world)
    session.execute(
        text(
            "UPDATE price_list SET state = 'held' FROM price_source WHERE price_source.id = source_id AND provider_id = :id"
        ),
        {"id": world.provider.id},
    )


def contract_ended(session: Session, world: World) -> None:
    session.execute(
        text("UPDATE contract SET valid = '[2026-01-01,2026-12-31)' WHERE provider_id = :id"), {"id": world.provider.id}
    )


def decision_shortened(session: Session, world: World) -> None:
    world.decision.valid = days(date(2026, 11, 9), date(2026, 12, 30))


def provider_gone(session: Session, world: World) -> None:
    world.provider.active = False


def no_channel(session: Session, world: World) -> None:
    world.provider.channel = ""


def lost_connection(session: Session, world: World) -> None:
    world.provider.channel, world.provider.channel_settings = "sftp", {"connection": "gone"}


def budget_over(session: Session, world: World) -> None:
    world.decision.granted_amount = Decimal(500)


def dearer(session: Session, world: World) -> None:
    world.decision.granted_amount = Decimal(9000)
    make_price(session, world.service, world.provider, "99.00", key=no_price(session, world))


def bad_name(session: Session, world: World) -> None:
    world.provider.name = "Rivi\nvaihto"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (price_gone, "No price of"),
        (held_list, "waits for the price manager"),
        (contract_ended, "No contract with"),
        (decision_shortened, "does not cover the whole period"),
        (provider_gone, "no longer active"),
        (no_channel, "It is not known how orders reach"),
        (lost_connection, "no connection gone"),
        (budget_over, "needs a reason"),
        (dearer, "were approved. Approve it anew."),
        (bad_name, "control character"),
    ],
)
def test_a_month_that_cannot_be_ordered_waits_and_is_told_of_once(
    session: Session, spoil: Callable[[Session, World], None], said: str
) -> None:
    world, well = begun(session), begun(session)
    spoil(session, world)
    session.flush()
    for night_ in (date(2026, 11, 17), date(2026, 11, 18)):
        made, refused = night(session, night_)
        assert {one.decision_id for one in made} <= {well.decision.id}
        (one,) = refused
        assert (one.plan_item_id, one.month) == (world.item.id, date(2026, 12, 1))
        assert said in one.reason.text()
    notice = session.scalars(select(Notice).filter_by(kind="order_month_waits")).one()
    assert notice.worker_id == world.worker.id
    numbers = sorted(made.number for made in session.scalars(select(PurchaseOrder)))
    assert [int(one[-6:]) for one in numbers] == list(range(int(numbers[0][-6:]), int(numbers[0][-6:]) + 3))


def test_a_month_that_waited_is_ordered_once_nothing_speaks_against_it(session: Session) -> None:
    world = begun(session)
    provider_gone(session, world)
    session.flush()
    assert night(session, date(2026, 11, 20))[0] == []
    world.provider.active = True
    session.flush()
    assert len(night(session, date(2026, 11, 21))[0]) == 1


def test_a_price_that_lasts_goes_on_though_a_list_is_held(session: Session) -> None:
    begun(session)
    session.execute(text("UPDATE price_list SET state = 'held'"))
    assert len(night(session, date(2026, 11, 17))[0]) == 1


def choice_changed(session: Session, world: World) -> None:
    session.execute(text("UPDATE choice SET ended_at = now() WHERE plan_item_id = :id"), {"id": world.item.id})
    make_choice(session, world.item, world.provider, actor=CHOOSER)


def decision_withdrawn(session: Session, world: World) -> None:
    world.decision.ended_at = NOW


def item_ended(session: Session, world: World) -> None:
    world.item.ended_at = NOW


def case_closed(session: Session, world: World) -> None:
    world.case.status = "closed"


def rejected(session: Session, world: World) -> None:
    session.execute(text("UPDATE purchase_order SET state = 'rejected'"))
    session.execute(text("UPDATE order_coverage SET live = false"))


def stopped(session: Session, world: World) -> None:
    assert decline(session, [world.item.id], actor=APPROVER, reason="enough", now=NOW).plan_item_ids


@pytest.mark.parametrize("spoil", [choice_changed, decision_withdrawn, item_ended, case_closed, rejected, stopped])
def test_an_approval_ends_with_what_it_rests_on(session: Session, spoil) -> None:
    world = begun(session)
    spoil(session, world)
    session.flush()
    assert night(session, date(2026, 11, 17)) == ([], [])
    assert session.scalars(select(OrderApproval)).one().ended_at is not None


def test_cancelling_a_month_stops_the_next_ones_at_once(session: Session) -> None:
    world = begun(session)
    made = session.scalars(select(PurchaseOrder)).one()
    ending.cancel(session, made.number, actor=APPROVER, reason="moved away", now=NOW)
    assert session.scalars(select(OrderApproval)).one().ended_by == APPROVER
    assert [one.plan_item_id for one in waiting(session, settings=MONTHLY, today=date(2026, 11, 16))] == [world.item.id]
    (again,) = order(session, world.item, settings=MONTHLY).orders
    assert again.replaces_id == made.id


def test_after_a_rejected_month_a_person_approves_anew(session: Session) -> None:
    world = begun(session)
    rejected(session, world)
    standing.end_void(session, now=NOW)
    (one,) = waiting(session, settings=MONTHLY, today=date(2026, 11, 16))
    assert one.plan_item_id == world.item.id
    again = order(session, world.item, settings=MONTHLY, now=at(date(2026, 11, 17)))
    assert [made.period.lower for made in again.orders] == [date(2026, 11, 23), date(2026, 12, 1)]


def test_pages_go_on_where_the_last_ended(session: Session) -> None:
    worlds = [begun(session) for _ in range(3)]
    due: dict[str, Any] = {**RULES, "now": at(date(2026, 11, 17)), "limit": 2}
    first = generating.order_due_months(session, **due)
    assert first is not None
    assert (len(first.orders), first.after) == (2, worlds[1].item.id)
    second = generating.order_due_months(session, **due, after=first.after)
    assert second is not None
    assert len(second.orders) == 1
    assert generating.order_due_months(session, **due, after=second.after) is None


#: Of a plan's unit, its step.
STEPS = {"C62": Decimal(1), "HUR": Decimal("0.25")}


@given(seed=st.integers(0, 2**48))
@settings(
    max_examples=2,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_months_add_up_to_the_whole(session: Session, seed: int) -> None:
    with session.begin_nested() as savepoint:
        random = Random(seed)
        for _ in range(4):
            _one_plan(session, random)
        savepoint.rollback()
    session.expunge_all()


def _one_plan(session: Session, random: Random) -> None:
    """One random plan with a price that changes on the way, ordered night by night; against the rule in plain Python."""
    world = make_world(session, granted="900000.00")
    unit = random.choice(sorted(STEPS))
    first = date(2026, 11, 16) + timedelta(days=random.randint(0, 60))
    last = first + timedelta(days=random.randint(0, 150))
    quantity = random.randint(1, 120) * STEPS[unit]
    change = first + timedelta(days=random.randint(1, 90))
    prices = [Decimal(random.randint(1, 99_999)) / random.choice([100, 10_000]) for _ in range(2)]
    service = make_service(session, unit=unit)
    key = make_price_key(session, service, world.provider)
    make_price(session, service, world.provider, str(prices[0]), key=key, last=change - timedelta(days=1))
    make_price(session, service, world.provider, str(prices[1]), key=key, first=change)
    item = make_plan_item(session, world.decision, service, str(quantity), first=first, last=last)
    make_choice(session, item, world.provider, actor=CHOOSER)

    done = order(session, item, settings=MONTHLY)
    assert not done.refused, [one.reason.text() for one in done.refused]
    day = date(2026, 11, 17)
    while day <= last:
        night(session, day)
        day += timedelta(days=random.randint(1, 40))
    night(session, last)

    expected = list(_oracle(quantity, first, last, STEPS[unit], change, prices))
    lines = lines_of(session, item.id)
    assert [(line.period.lower, line.quantity, line.gross) for line in lines] == expected
    assert sum(line.quantity for line in lines) == quantity
    made = session.scalars(select(PurchaseOrder).filter_by(decision_id=world.decision.id))
    assert sum(one.total_gross for one in made) == sum(gross for _, _, gross in expected)


def _oracle(  # noqa: PLR0917 - a plan in plain words
    quantity: Decimal, first: date, last: date, step: Decimal, change: date, prices: list[Decimal]
) -> list[tuple[date, Decimal, Decimal]]:
    """First day, quantity and euros of every line: a month cut where the price changes, each rounded once."""
    whole = (last - first).days + 1

    def until(days_: int) -> Decimal:
        if days_ >= whole:
            return quantity
        parts = (quantity * days_ / whole / step).quantize(Decimal(1), ROUND_HALF_UP)
        return min(parts * step, quantity)

    cuts = sorted({first, change, *(day for day in _days(first, last) if day.day == 1)} & set(_days(first, last)))
    lines = []
    for begin, after in zip(cuts, [*cuts[1:], last + timedelta(days=1)], strict=True):
        part = until((after - first).days) - until((begin - first).days)
        if part:
            price = prices[0] if begin < change else prices[1]
            lines.append((begin, part, (part * price).quantize(Decimal("0.01"), ROUND_HALF_UP)))
    return lines


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]
