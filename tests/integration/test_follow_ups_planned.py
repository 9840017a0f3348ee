"""What is planned beside the checks of services: approvals that wait, and reviews of plans. Orders: orders/test_waiting.py."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from core.follow_up_settings import FollowUps
from core.order_settings import Orders
from models.case import Decision
from models.worker import Unit
from services.follow_ups import planning
from services.follow_ups.planning import plan
from services.follow_ups.planning_writes import known_of
from services.orders.approving.declining import decline, withdraw
from services.orders.sending.ending import cancel
from tests.factories.case import make_plan_item
from tests.factories.follow_up import make_followed
from tests.factories.service import make_service
from tests.support.answers import an_order
from tests.support.ordering import NOW

TODAY = date(2026, 11, 16)
ORDERS = Orders()
DAY = timedelta(days=1)


def planned(session, kind, today=TODAY, settings=None):
    session.flush()
    plan(session, None, today, settings or FollowUps(), ORDERS)
    rows = session.execute(
        text("SELECT planned_for, due, state FROM follow_up WHERE kind = :kind ORDER BY id"), {"kind": kind}
    )
    return [f"{row.planned_for} {row.due} {row.state}" for row in rows]


def test_what_was_chosen_waits_for_approval(session):
    make_followed(session, approved=False)
    assert planned(session, "approval") == ["2026-11-16 2026-11-23 open"]
    assert planned(session, "approval") == ["2026-11-16 2026-11-23 open"]


def test_a_month_by_month_approval_is_one(session):
    make_followed(session)
    assert planned(session, "approval") == []


def test_one_that_waited_long_when_first_seen_is_the_only_late_one(session):
    make_followed(session, approved=False)
    today = date(2027, 1, 8)
    assert planned(session, "approval", today) == ["2026-11-16 2026-11-23 open"]
    late = text("SELECT count(*) FROM follow_up WHERE due < :today")
    assert session.execute(late, {"today": today}).scalar_one() == 1
    planned(session, "approval", today)
    assert session.execute(late, {"today": today}).scalar_one() == 1


def test_declining_ends_the_waiting_at_once_and_taking_it_back_begins_anew(session):
    item = make_followed(session, approved=False).item
    planned(session, "approval")
    decline(session, [item.id], actor="cli:aino", reason="perhe muutti", now=NOW)
    state = text("SELECT state FROM follow_up WHERE kind = 'approval'")
    assert session.execute(state).scalar_one() == "dropped"
    assert planned(session, "approval") == ["2026-11-16 2026-11-23 dropped"]
    withdraw(session, [item.id], actor="cli:aino", now=NOW + DAY * 14)
    assert planned(session, "approval", TODAY + DAY * 14) == [
        "2026-11-16 2026-11-23 dropped",
        "2026-11-30 2026-12-07 open",
    ]


def test_approving_ends_the_waiting_at_once_and_cancelling_begins_it_anew(session):
    found = an_order(session)
    session.execute(
        text(
            "INSERT INTO follow_up (case_id, plan_item_id, kind, planned_for, due, state, findings)"
            " SELECT plan_item.case_id, plan_item.id, 'approval', '2026-11-16', '2026-11-23', 'open', '{}'"
            " FROM plan_item JOIN order_coverage ON plan_item_id = plan_item.id WHERE order_id = :id"
        ),
        {"id": found.id},
    )
    assert planned(session, "approval") == ["2026-11-16 2026-11-23 dropped"]
    cancel(session, found.number, actor="cli:aino", reason="väärä", now=NOW + DAY * 2)
    assert planned(session, "approval") == ["2026-11-16 2026-11-23 dropped", "2026-11-18 2026-11-25 open"]


def test_planning_some_plans_their_orders_and_cases_too_and_no_others(session):
    found = an_order(session)
    other = make_followed(session, approved=False)
    other.case.plan_date = date(2026, 11, 2)
    session.flush()
    settings = FollowUps(plan_review_months=12)
    kinds = text("SELECT kind FROM follow_up WHERE case_id = :id ORDER BY kind")
    plan(session, [other.item.id], TODAY, settings, ORDERS)
    checks = ["before_end", "final", "interval", "interval"]
    assert session.execute(kinds, {"id": other.case.id}).scalars().all() == [
        "approval",
        *checks,
        "plan_review",
        "start",
    ]
    assert session.execute(text("SELECT count(*) FROM follow_up WHERE order_id = :id"), {"id": found.id}).scalar() == 0
    item = session.execute(text("SELECT plan_item_id FROM order_coverage")).scalar_one()
    plan(session, [item], TODAY, settings, ORDERS)
    assert session.execute(text("SELECT count(*) FROM follow_up WHERE order_id = :id"), {"id": found.id}).scalar() == 1


@pytest.fixture
def reviewed(session):
    """A service in a case whose plan was made on 2 November 2026."""
    followed = make_followed(session)
    followed.case.plan_date = date(2026, 11, 2)
    return followed


def test_a_plan_is_reviewed_as_configured(session, reviewed):
    assert planned(session, "plan_review") == []
    assert planned(session, "plan_review", settings=FollowUps(plan_review_months=6)) == ["2027-05-02 2027-04-30 open"]
    assert planned(session, "plan_review") == ["2027-05-02 2027-04-30 dropped"]


def test_its_services_own_rhythm_goes_first_the_shortest_of_them(session, reviewed):
    reviewed.item.follow_up_rhythm = {"plan_review_months": 3}
    session.flush()
    settings = FollowUps(plan_review_months=6)
    assert planned(session, "plan_review", settings=settings) == ["2027-02-02 2027-02-02 open"]
    other = make_plan_item(session, session.get_one(Decision, reviewed.item.decision_id), make_service(session))
    other.follow_up_rhythm = {"plan_review_months": 2, "interval_days": 20}
    assert planned(session, "plan_review", settings=settings) == ["2027-01-02 2026-12-31 open"]


def test_in_child_welfare_at_least_yearly(session, reviewed):
    unit = session.get_one(Unit, reviewed.worker.unit_id)
    settings = FollowUps(child_welfare_units=[unit.code])
    assert planned(session, "plan_review", settings=settings) == ["2027-11-02 2027-11-02 open"]
    reviewed.item.follow_up_rhythm = {"plan_review_months": 60}
    assert planned(session, "plan_review", settings=settings) == ["2027-11-02 2027-11-02 open"]
    reviewed.case.unit_id = None
    reviewed.case.responsible_worker_id = None
    assert planned(session, "plan_review", settings=FollowUps(child_welfare_units=["MUU"])) == [
        "2031-11-02 2031-10-31 open"
    ]


def test_a_new_plan_moves_its_review_and_a_reviewed_one_is_reviewed_again(session, reviewed):
    settings = FollowUps(plan_review_months=12)
    assert planned(session, "plan_review", settings=settings) == ["2027-11-02 2027-11-02 open"]
    reviewed.case.plan_date = date(2027, 3, 1)
    assert planned(session, "plan_review", settings=settings) == ["2028-03-01 2028-03-01 open"]
    session.execute(
        text("UPDATE follow_up SET state = 'acknowledged', settled_at = :now WHERE kind = 'plan_review'"),
        {"now": datetime(2028, 2, 10, 22, 30, tzinfo=UTC)},  # the 11th in Helsinki
    )
    assert planned(session, "plan_review", date(2028, 2, 11), settings) == [
        "2028-03-01 2028-03-01 acknowledged",
        "2029-02-11 2029-02-09 open",
    ]


@pytest.mark.parametrize(
    "over",
    [
        "UPDATE client_case SET status = 'closed'",
        "UPDATE client_case SET gone_at = now()",
        "UPDATE decision SET ended_at = now()",
        "UPDATE plan_item SET ended_at = now()",
        "UPDATE client_case SET plan_date = NULL",
    ],
)
def test_a_plan_of_nothing_is_not_reviewed(session, reviewed, over):
    settings = FollowUps(plan_review_months=12)
    planned(session, "plan_review", settings=settings)
    session.execute(text(over))
    session.expire_all()
    assert planned(session, "plan_review", settings=settings) == ["2027-11-02 2027-11-02 dropped"]


def test_a_review_overdue_at_first_sight_is_one(session, reviewed):
    reviewed.case.plan_date = date(2020, 1, 7)
    settings = FollowUps(plan_review_months=12)
    for _ in range(2):
        assert planned(session, "plan_review", settings=settings) == ["2021-01-07 2021-01-07 open"]


def test_what_a_person_settles_between_looking_and_writing_stays(session, monkeypatch):
    """What is known is read without being locked; what would change is looked at again, locked."""
    item = make_followed(session).item
    plan(session, None, TODAY, FollowUps(), ORDERS)
    looks: list[bool] = []

    def meanwhile(session, subject, ids, *, locked=False):
        known = known_of(session, subject, ids, locked=locked)
        if not looks:
            session.execute(text("UPDATE follow_up SET state = 'acknowledged' WHERE kind = 'start'"))
        looks.append(locked)
        return known

    monkeypatch.setattr(planning, "known_of", meanwhile)
    item.ended_at = NOW
    session.flush()
    plan(session, None, TODAY, FollowUps(), ORDERS)
    states = dict(session.execute(text("SELECT kind, state FROM follow_up")).all())
    assert (states["start"], states["final"]) == ("acknowledged", "dropped")
    assert looks[:2] == [False, True]
