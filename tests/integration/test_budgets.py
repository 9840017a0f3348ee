"""Budgets on the real database: figures, states, reasons, versions, notices."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core.errors import Message
from core.settings import Budgets
from models.base import days
from models.budget import Budget, BudgetDirty, BudgetVersion
from models.case import Choice, Decision, PlanItem
from models.follow_up import Notice
from models.order import OrderCoverage
from models.price import PriceKey
from services.budgets import dirty
from services.budgets.recompute import Recomputed, anything_noted, recompute_dirty, recompute_now
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support.budgets import current_version, lines_of
from tests.support.queries import recording

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
ZERO = Decimal(0)
SETTINGS = Budgets(tolerance=Decimal("0.05"), near_limit=Decimal("0.90"))


def recompute(session: Session, *decisions: Decision, cause: str = "cases", now: datetime = NOW) -> Recomputed:
    dirty.mark_decisions(session, [one.id for one in decisions], cause)
    return recompute_dirty(session, now=now, settings=SETTINGS)


def current(session: Session, decision: Decision) -> BudgetVersion:
    return current_version(session, decision.id)


def reasons(version: BudgetVersion) -> list[str]:
    return [Message.from_json(reason).text("en") for reason in version.reasons]


class Family:
    """A case of twelve visits instead of twelve visits of family work at 89.50 €."""

    def __init__(self, session: Session, **decision) -> None:
        self.worker = make_worker(session)
        self.case = make_case(session, responsible_worker_id=self.worker.id)
        self.baseline = make_service(session)
        self.service = make_service(session)
        self.provider = make_provider(session)
        self.reference = make_price(session, self.baseline, amount="89.50")
        stated = {"baseline_service_id": self.baseline.id, "baseline_quantity": Decimal(12), "baseline_unit": "C62"}
        self.decision = make_decision(session, self.case, **(decision or stated))

    def plan(self, session: Session, quantity: str = "12", *, choose: bool = True, **over) -> PlanItem:
        item = make_plan_item(session, self.decision, self.service, quantity, **over)
        if choose:
            make_choice(session, item, self.provider)
        return item


@pytest.fixture
def family(session: Session) -> Family:
    return Family(session)


def test_a_planned_service_is_priced_and_the_ceiling_frozen(session, family):
    family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")

    assert recompute(session, family.decision) == Recomputed(recomputed=1, changed=1)

    version = current(session, family.decision)
    assert (version.ceiling, version.planned, version.ordered, version.free) == (
        Decimal("1074.00"),
        Decimal("1056.00"),
        ZERO,
        Decimal("18.00"),
    )
    assert version.state == "near"
    assert version.cause == "cases"
    (line,) = lines_of(session, version)
    assert (line.kind, line.price_id, line.quantity, line.gross) == (
        "planned",
        price.id,
        Decimal(12),
        Decimal("1056.00"),
    )
    assert session.scalars(select(Budget)).one().ceiling_price_id == family.reference.id


def test_nothing_is_written_when_nothing_changed(session, family):
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00")
    recompute(session, family.decision)
    before = current(session, family.decision).id

    assert recompute(session, family.decision) == Recomputed(recomputed=1)
    assert current(session, family.decision).id == before
    assert not anything_noted(session)
    assert recompute_dirty(session, now=NOW, settings=SETTINGS) == Recomputed()


def test_a_price_that_starts_mid_item_cuts_the_share(session, family):
    family.plan(session)  # 92 days, 12 visits
    key = make_price_key(session, family.service, family.provider)
    make_price(session, family.service, family.provider, "88.00", last=date(2026, 12, 31), key=key)
    make_price(session, family.service, family.provider, "90.00", first=date(2027, 1, 1), key=key)
    recompute(session, family.decision)

    first, second = lines_of(session, current(session, family.decision))
    assert (first.quantity, first.gross) == (Decimal(5), Decimal("440.00"))  # 39 of 92 days: 5.09 visits
    assert (second.quantity, second.gross) == (Decimal(7), Decimal("630.00"))
    assert first.period.upper == second.period.lower == date(2027, 1, 1)


def test_a_gap_between_prices_is_unpriced_and_said(session, family):
    family.plan(session)
    make_price(session, family.service, family.provider, "88.00", last=date(2026, 12, 31))
    assert recompute(session, family.decision) == Recomputed(recomputed=1, changed=1, unpriced=1)

    version = current(session, family.decision)
    assert version.state == "unpriced"
    assert version.free is None
    assert version.planned == Decimal("440.00")
    (reason,) = reasons(version)
    assert "from 2027-01-01 to 2027-02-22" in reason
    assert family.provider.name in reason
    assert [line.kind for line in lines_of(session, version)] == ["planned", "unpriced"]


def test_without_a_choice_the_reason_says_so_and_nobody_is_told(session, family):
    family.plan(session, choose=False)
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert version.state == "unpriced"
    assert reasons(version) == [f"{family.service.code}: no provider has been chosen yet, so it has no price."]
    assert not session.scalars(select(Notice)).all()


def test_a_price_per_another_unit_does_not_fit(session, family):
    family.plan(session)
    make_price(
        session,
        family.service,
        family.provider,
        "400.00",
        key=make_price_key(session, family.service, family.provider, unit="MON"),
    )
    recompute(session, family.decision)
    (reason,) = reasons(current(session, family.decision))
    assert "planned in C62" in reason
    assert "per MON" in reason
    assert [notice.kind for notice in session.scalars(select(Notice))] == ["budget_unpriced"]


def test_a_price_per_45_minutes_prices_hours(session, family):
    item = family.plan(session, "7.5", unit="HUR")
    key = make_price_key(session, family.service, family.provider, unit="HUR", base_quantity=Decimal("0.75"))
    make_price(session, family.service, family.provider, "40.00", key=key)
    recompute(session, family.decision)
    (line,) = lines_of(session, current(session, family.decision))
    assert (line.plan_item_id, line.gross) == (item.id, Decimal("400.00"))


def test_the_largest_minimum_quantity_reached_counts_on_its_days(session, family):
    family.plan(session, first=date(2026, 12, 1), last=date(2026, 12, 12))
    make_price(session, family.service, family.provider, "100.00")
    ten = make_price_key(session, family.service, family.provider, minimum_quantity=Decimal(10))
    make_price(session, family.service, family.provider, "90.00", key=ten, first=date(2026, 12, 7))
    many = make_price_key(session, family.service, family.provider, minimum_quantity=Decimal(50))
    make_price(session, family.service, family.provider, "50.00", key=many)
    recompute(session, family.decision)
    figures = [(line.quantity, line.amount) for line in lines_of(session, current(session, family.decision))]
    assert figures == [(Decimal(6), Decimal(100)), (Decimal(6), Decimal(90))]


@pytest.mark.parametrize(
    ("inclusive", "expected"),
    [(True, ("79.69", "20.32", "100.01")), (False, ("100.01", "25.50", "125.51"))],
)
def test_vat_is_split_by_how_the_price_is_stated(session, family, inclusive, expected):
    family.plan(session, "1")
    make_price(
        session,
        family.service,
        family.provider,
        "100.0050",
        vat_category="S",
        vat_rate=Decimal("0.255"),
        vat_inclusive=inclusive,
    )
    recompute(session, family.decision)
    (line,) = lines_of(session, current(session, family.decision))
    assert (line.net, line.vat, line.gross) == tuple(Decimal(figure) for figure in expected)


def test_the_ceiling_stays_when_reference_prices_change_and_moves_with_the_decision(session, family):
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal("1074.00")

    family.reference.superseded_at = NOW
    session.flush()
    newer = make_price(
        session, family.baseline, amount="99.00", key=session.get(PriceKey, family.reference.price_key_id)
    )
    recompute(session, family.decision, cause="prices")
    assert current(session, family.decision).ceiling == Decimal("1074.00")

    family.decision.baseline_quantity = Decimal(10)
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling == Decimal("990.00")
    assert session.scalars(select(Budget).execution_options(populate_existing=True)).one().ceiling_price_id == newer.id


def test_a_granted_amount_is_the_ceiling(session):
    family = Family(session, granted_amount=Decimal("900.00"))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ceiling, version.free, version.state) == (Decimal("900.00"), Decimal("900.00"), "ok")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"baseline_service_id": None}, "neither a granted amount"),
        ({"baseline_quantity": None}, "neither a granted amount"),
        ({"decided_on": None}, "no date yet"),
        ({"decided_on": date(2025, 12, 31)}, "was in force on 2025-12-31"),
        ({"baseline_unit": "HUR"}, "per HUR was in force"),
        ({"baseline_quantity": Decimal(99_999_999)}, "too much to be true"),
    ],
)
def test_an_unknown_ceiling_is_said_with_what_to_do(session, family, change, sentence):
    for name, value in change.items():
        setattr(family.decision, name, value)
    session.flush()
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ceiling, version.free, version.state) == (None, None, "unpriced")
    (reason,) = reasons(version)
    assert sentence in reason


def test_an_unknown_ceiling_becomes_known_with_the_unit_costs(session, family):
    family.reference.superseded_at = NOW
    session.flush()
    recompute(session, family.decision)
    assert current(session, family.decision).ceiling is None

    price = make_price(
        session, family.baseline, amount="90.00", key=session.get(PriceKey, family.reference.price_key_id)
    )
    assert dirty.mark_price_keys(session, [price.price_key_id], "prices") == 1
    recompute_dirty(session, now=NOW, settings=SETTINGS)
    assert current(session, family.decision).ceiling == Decimal("1080.00")
    assert dirty.mark_price_keys(session, [price.price_key_id], "prices") == 0, "a known ceiling is frozen"


def test_an_order_binds_its_days_and_a_rejected_one_frees_them(session, family):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    part = days(date(2026, 11, 23), date(2026, 12, 31))
    make_order_line(session, order, item, price, "440.00", period=part, quantity=Decimal(5))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.free) == (Decimal(440), Decimal(616), Decimal(18))

    session.scalars(select(OrderCoverage)).one().live = False
    order.state = "rejected"
    session.flush()
    dirty.mark_orders(session, [order.id])
    recompute_dirty(session, now=NOW, settings=SETTINGS)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.cause) == (ZERO, Decimal(1056), "order")

    again = make_order(session, family.decision, family.provider)
    make_order_line(session, again, item, price, "1056.00")
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned, version.free) == (Decimal(1056), ZERO, Decimal(18))

    again.state = "closed"
    session.flush()
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.ordered, version.planned) == (ZERO, ZERO), (
        "a closed order is in its invoices, its days stay covered"
    )


def test_an_order_in_the_middle_leaves_two_planned_shares(session, family):
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    month = days(date(2026, 12, 1), date(2026, 12, 31))
    make_order_line(session, order, item, price, "352.00", period=month, quantity=Decimal(4))
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert [line.quantity for line in lines_of(session, version)] == [1, 4, 7]
    assert version.ordered + version.planned == Decimal(1056)


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
