"""Budgets on the real database: states, ends, what a worker hears, what is touched."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from core.budget_settings import Budgets
from core.errors import Message
from models.base import days
from models.budget import BudgetDirty
from models.case import Choice
from models.follow_up import Notice
from models.price import PriceKey
from services.budgets import dirty
from services.budgets.recompute import Recomputed, anything_noted, recompute_now
from tests.factories.case import make_choice
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.support.budgets import lines_of, recompute_dirty
from tests.support.family import NOW, SETTINGS, ZERO, Family, current, reasons, recompute
from tests.support.queries import recording


@pytest.mark.parametrize(
    ("granted", "state"),
    [
        ("1173.34", "ok"),
        ("1173.33", "near"),
        ("1056.00", "near"),
        ("1055.99", "within_tolerance"),
        ("1005.71", "over"),
        ("1005.72", "within_tolerance"),
    ],
)
def test_states_follow_the_limits(session, granted, state):
    family = Family(session, granted_amount=Decimal(granted))
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    assert current(session, family.decision).state == state


def test_a_limit_that_is_reached_exactly_is_not_passed(session):
    family = Family(session, granted_amount=Decimal("880.00"))
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")  # 1,056.00
    for tolerance, state in (("0.20", "within_tolerance"), ("0.19", "over")):
        limits = Budgets(tolerance=Decimal(tolerance))
        recompute_now(session, [family.decision.id], cause="settings", now=NOW, settings=limits)
        assert current(session, family.decision).state == state
    family.decision.granted_amount = Decimal("1100.00")
    session.flush()
    for near, state in (("0.96", "ok"), ("0.95", "near")):
        recompute_now(
            session,
            [family.decision.id],
            cause="settings",
            now=NOW,
            settings=Budgets(near_limit=Decimal(near)),
        )
        assert current(session, family.decision).state == state


def test_an_ended_decision_is_ended_but_its_orders_still_count(session, family):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    part = days(date(2026, 11, 23), date(2026, 12, 31))
    make_order_line(session, order, item, price, "440.00", period=part, quantity=Decimal(5))
    family.decision.ended_at = NOW
    session.flush()
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.state, version.ordered, version.planned) == ("ended", Decimal(440), ZERO)


def test_a_decision_runs_out_by_the_calendar(session, family):
    recompute(session, family.decision)
    family.decision.valid = days(date(2026, 11, 9), date(2026, 12, 31))
    session.flush()
    assert dirty.mark_ended(session, today=date(2026, 12, 31)) == 0
    assert dirty.mark_ended(session, today=date(2027, 1, 1)) == 1
    recompute_dirty(
        session, now=datetime(2026, 12, 31, 22, 30, tzinfo=UTC), settings=SETTINGS
    )  # already Helsinki's 2027
    version = current(session, family.decision)
    assert (version.state, version.cause) == ("ended", "ended")
    assert dirty.mark_ended(session, today=date(2027, 1, 1)) == 0


def test_new_limits_touch_the_budgets_they_put_into_another_state(session, family):
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    other = Family(session, granted_amount=Decimal("9000.00"))
    recompute(session, family.decision, other.decision)
    assert dirty.mark_relimited(session, settings=SETTINGS) == 0
    assert dirty.mark_relimited(session, settings=Budgets(near_limit=Decimal("0.99"))) == 1
    recompute_dirty(session, now=NOW, settings=Budgets(near_limit=Decimal("0.99")))
    version = current(session, family.decision)
    assert (version.state, version.cause) == ("ok", "settings")
    assert dirty.mark_relimited(session, settings=Budgets(near_limit=Decimal("0.99"))) == 0


def test_new_limits_move_no_budget_that_is_unpriced_or_ended(session, family):
    family.plan(session)
    over = Family(session, granted_amount=Decimal("1.00"))
    over.plan(session)
    make_price(session, over.service, over.provider, "88.00")
    over.decision.valid = days(date(2026, 1, 1), date(2026, 1, 31))
    session.flush()
    recompute(session, family.decision, over.decision)
    assert [current(session, one.decision).state for one in (family, over)] == ["unpriced", "ended"]
    assert dirty.mark_relimited(session, settings=SETTINGS) == 0


@pytest.mark.parametrize("change", [{"status": "closed"}, {"gone_at": NOW}])
def test_a_case_that_is_closed_or_gone_plans_nothing_but_its_orders_count(session, family, change):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    part = days(date(2026, 11, 23), date(2026, 12, 31))
    make_order_line(session, order, item, price, "440.00", period=part, quantity=Decimal(5))
    recompute(session, family.decision)
    assert current(session, family.decision).planned == Decimal(616)
    for name, value in change.items():
        setattr(family.case, name, value)
    session.flush()
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.free) == (Decimal(440), ZERO, Decimal(634))


def test_an_item_that_left_the_plan_is_not_planned(session, family):
    item = family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    item.ended_at = NOW
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).planned == 0


def test_an_implausible_plan_harms_no_other_budget(session, family):
    other = Family(session)
    other.plan(session)
    make_price(session, other.service, other.provider, "88.00")
    family.plan(session, "99999999")
    make_price(session, family.service, family.provider, "99999999")
    recompute(session, family.decision, other.decision)
    assert current(session, other.decision).state == "near"
    version = current(session, family.decision)
    assert version.state == "unpriced"
    assert "more than can be true" in reasons(version)[0]


def test_shares_of_no_visit_are_no_lines_of(session, family):
    family.plan(session, "1", first=date(2026, 12, 1), last=date(2026, 12, 10))
    make_price(session, family.service, family.provider, "88.00", first=date(2026, 12, 4))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.state, version.planned) == ("ok", Decimal(88)), "no visit falls on the three days without a price"
    assert len(lines_of(session, version)) == 1


def test_a_worker_is_told_once_with_the_cause(session, family):
    family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00", last=date(2027, 12, 31))
    recompute(session, family.decision)
    assert not session.scalars(select(Notice)).all(), "near from the start is what cost neutrality means"

    price.superseded_at = NOW
    session.flush()
    key = session.get(PriceKey, price.price_key_id)
    make_price(session, family.service, family.provider, "99.00", key=key)
    dirty.mark_price_keys(session, [key.id], "prices")
    recompute_dirty(session, now=NOW + timedelta(days=1), settings=SETTINGS)
    recompute(session, family.decision)

    (notice,) = session.scalars(select(Notice)).all()
    assert (notice.worker_id, notice.kind, notice.subject) == (
        family.worker.id,
        "budget_over",
        f"case:{family.case.number}",
    )
    sentence = Message.from_json(notice.message).text("en")
    assert sentence == f"The budget of case {family.case.number} is over its limit. Cause: a change of prices."
    assert family.service.code not in sentence


@pytest.mark.parametrize(
    ("worse", "same", "kind"),
    [
        ("12", "11.5", "budget_near"),
        ("12.5", "12.25", "budget_within_tolerance"),
        ("13", "14", "budget_over"),
        ("99999999", "99999998", "budget_unpriced"),
    ],
)
def test_a_worker_is_told_again_only_after_the_budget_left_the_state(session, family, worse, same, kind):
    item = family.plan(session, "10")
    make_price(session, family.service, family.provider, "88.00")
    told = []
    for quantity in ("10", worse, same, worse, "10", "9", worse, same):
        item.quantity = Decimal(quantity)
        session.flush()
        recompute(session, family.decision)
        session.execute(text("UPDATE notice SET told_at = :now"), {"now": NOW})  # the mail goes out
        told.append(session.scalars(select(func.count()).select_from(Notice)).one())
    assert told == [0, 1, 1, 1, 1, 1, 2, 2]
    for notice in session.scalars(select(Notice)):
        assert notice.kind == kind
        sentence = Message.from_json(notice.message).text("en")
        assert sentence.endswith("Cause: a change in the client information system.")


@pytest.mark.parametrize("told", [False, True])
def test_what_is_put_right_before_the_mail_is_no_news(session, family, told):
    """Of what was told already the record stays."""
    item = family.plan(session, "13")
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    assert [notice.kind for notice in session.scalars(select(Notice))] == ["budget_over"]
    if told:
        session.execute(text("UPDATE notice SET told_at = :now"), {"now": NOW})
    item.quantity = Decimal(12)
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).state == "near"
    assert len(session.scalars(select(Notice)).all()) == told


def test_a_missing_price_that_came_is_no_news_though_a_choice_is_still_missing(session, family):
    family.plan(session, choose=False)
    family.reference.superseded_at = NOW
    session.flush()
    recompute(session, family.decision)
    assert [notice.kind for notice in session.scalars(select(Notice))] == ["budget_unpriced"]

    key = session.get(PriceKey, family.reference.price_key_id)
    make_price(session, family.baseline, amount="90.00", key=key)
    recompute(session, family.decision, cause="prices")
    assert current(session, family.decision).state == "unpriced", "a choice is still missing"
    assert not session.scalars(select(Notice)).all()


def test_a_new_choice_reprices(session, family):
    item = family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    other = make_provider(session)
    make_price(session, family.service, other, "85.00")
    session.scalars(select(Choice).where(Choice.plan_item_id == item.id)).one().ended_at = NOW
    session.flush()
    make_choice(session, item, other)
    recompute(session, family.decision, cause="choice")
    assert current(session, family.decision).planned == Decimal(1020)
    versions = session.execute(text("SELECT superseded_at FROM budget_version ORDER BY id")).all()
    assert [version.superseded_at is None for version in versions] == [False, True]


def test_only_touched_budgets_are_noted_for_a_price(session, family):
    family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    other = Family(session)
    other.plan(session)
    recompute(session, family.decision, other.decision)
    assert dirty.mark_price_keys(session, [price.price_key_id]) == 1
    (note,) = session.scalars(select(BudgetDirty)).all()
    assert note.cause == "prices"
    assert dirty.mark_all(session, "settings") == 2
    assert dirty.mark_decisions(session, [], "cases") == dirty.mark_orders(session, []) == 0


def test_no_budget_is_noted_for_a_price_that_cannot_move_it(session, family):
    item = family.plan(session)
    choice = session.scalars(select(Choice).where(Choice.plan_item_id == item.id)).one()
    price = make_price(session, family.service, family.provider, "88.00")
    elsewhere = make_price(session, family.service, make_provider(session), "80.00")
    assert dirty.mark_price_keys(session, [elsewhere.price_key_id]) == 0
    for row in (item, choice):
        row.ended_at = NOW
        session.flush()
        assert dirty.mark_price_keys(session, [price.price_key_id]) == 0
        row.ended_at = None
        session.flush()
    assert dirty.mark_price_keys(session, [price.price_key_id]) == 1


def test_a_note_calls_for_the_recomputation(session, family):
    dirty.mark_decisions(session, [family.decision.id], "cases")
    assert session.scalars(text("SELECT kind FROM work WHERE key = 'recompute_budgets'")).all() == ["recompute_budgets"]


def test_one_decision_at_once_takes_its_notes(session, family):
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    dirty.mark_decisions(session, [family.decision.id], "cases")
    done = recompute_now(session, [family.decision.id], cause="order", now=NOW, settings=SETTINGS)
    assert done == Recomputed(recomputed=1, changed=1)
    assert not anything_noted(session)


def test_the_number_of_statements_does_not_grow_with_the_budgets(session):
    def statements(count: int) -> int:
        decisions = []
        for _ in range(count):
            family = Family(session)
            family.plan(session)
            make_price(session, family.service, family.provider, "100.00")
            decisions.append(family.decision)
        with recording(session) as queries:
            recompute(session, *decisions)
        return len(queries)

    assert statements(1) == statements(7)
    assert session.scalar(select(func.count()).select_from(Notice)) == 8


def test_a_budget_that_stays_over_is_told_of_once(session, family):
    item = family.plan(session, "13")
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    item.quantity = Decimal(14)
    session.flush()
    assert recompute(session, family.decision).changed == 1
    assert [notice.kind for notice in session.scalars(select(Notice))] == ["budget_over"]


def test_another_notice_of_the_case_is_left_when_a_budget_recovers(session, family):
    """What is taken back is the news of the state that was left, not all that a worker is to hear."""
    item = family.plan(session, "13")
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    (notice,) = session.scalars(select(Notice)).all()
    session.execute(text("UPDATE notice SET kind = 'order_rejected'"))
    item.quantity = Decimal(12)
    session.flush()
    recompute(session, family.decision)
    assert [one.id for one in session.scalars(select(Notice))] == [notice.id]
