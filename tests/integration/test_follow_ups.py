"""Planning follow-ups and settling them, in the database."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from core.clock import local_date
from core.errors import InputError, NotFound
from core.follow_up_settings import FollowUps
from core.order_settings import Orders
from models.audit import AuditEvent
from models.base import days
from models.follow_up import FollowUp
from schedules.working_days import WorkingDays
from services.follow_ups.acknowledging import acknowledge, find, not_needed, snooze
from services.follow_ups.planning import call_planning, plan
from tests.factories.case import make_choice
from tests.factories.follow_up import make_follow_up, make_followed
from tests.factories.provider import make_provider

SETTINGS = FollowUps()
ORDERS = Orders()
TODAY = date(2026, 11, 16)
NOW = datetime(2026, 12, 7, 7, 0, tzinfo=UTC)


def rows(session, item):
    session.flush()
    found = session.execute(
        text("SELECT kind, due, state FROM follow_up WHERE plan_item_id = :id AND kind <> 'approval' ORDER BY due, id"),
        {"id": item.id},
    )
    return [f"{row.kind} {row.due} {row.state}" for row in found]


def test_a_chosen_service_is_followed_up(session):
    item = make_followed(session).item
    result = plan(session, None, TODAY, SETTINGS, ORDERS)
    assert (result.added, result.moved, result.dropped) == (5, 0, 0)
    assert rows(session, item) == [
        "start 2026-12-07 open",
        "interval 2026-12-23 open",
        "interval 2027-01-22 open",
        "before_end 2027-02-08 open",
        "final 2027-02-22 open",
    ]
    again = plan(session, [item.id], TODAY, SETTINGS, ORDERS)
    assert (again.items, again.added, again.moved, again.dropped) == (1, 0, 0, 0)


def test_a_service_nobody_chose_is_not_followed_up_until_somebody_does(session):
    item = make_followed(session, chosen=False).item
    plan(session, None, TODAY, SETTINGS, ORDERS)
    assert rows(session, item) == []
    make_choice(session, item, make_provider(session))
    assert plan(session, [item.id], TODAY, SETTINGS, ORDERS).added == 6


def test_the_items_own_rhythm(session):
    followed = make_followed(session)
    followed.item.follow_up_rhythm = {"start_working_days": 1, "interval_days": 365}
    session.flush()
    plan(session, [followed.item.id], TODAY, SETTINGS, ORDERS)
    assert [row.split()[0] for row in rows(session, followed.item)] == ["start", "before_end", "final"]
    assert rows(session, followed.item)[0] == "start 2026-11-24 open"


def test_a_moved_service_keeps_what_is_done_and_announces_anew_what_moved(session):
    item = make_followed(session).item
    plan(session, None, TODAY, SETTINGS, ORDERS)
    start = session.scalars(select(FollowUp).filter_by(kind="start", plan_item_id=item.id)).one()
    acknowledge(session, start.id, actor="worker:W", now=NOW)
    session.execute(
        text("UPDATE follow_up SET announced_on = '2027-02-08', announced_times = 1 WHERE kind = 'before_end'")
    )
    item.period = days(date(2026, 11, 23), date(2027, 3, 22))
    session.flush()
    result = plan(session, [item.id], TODAY, SETTINGS, ORDERS)
    assert (result.added, result.moved, result.dropped) == (1, 2, 0)
    assert rows(session, item) == [
        "start 2026-12-07 acknowledged",
        "interval 2026-12-23 open",
        "interval 2027-01-22 open",
        "interval 2027-02-22 open",
        "before_end 2027-03-08 open",
        "final 2027-03-22 open",
    ]
    moved = session.execute(text("SELECT announced_on, announced_times FROM follow_up WHERE kind = 'before_end'")).one()
    assert tuple(moved) == (None, 0)


@pytest.mark.parametrize(
    ("ended", "back"),
    [
        ("UPDATE client_case SET status = 'closed'", "UPDATE client_case SET status = 'open'"),
        ("UPDATE client_case SET gone_at = now()", "UPDATE client_case SET gone_at = NULL"),
        ("UPDATE decision SET ended_at = now()", "UPDATE decision SET ended_at = NULL"),
        ("UPDATE plan_item SET ended_at = now()", "UPDATE plan_item SET ended_at = NULL"),
        ("UPDATE choice SET ended_at = now()", "UPDATE choice SET ended_at = NULL"),
    ],
)
def test_what_no_longer_applies_is_dropped_and_comes_back(session, ended, back):
    followed = make_followed(session)
    plan(session, None, TODAY, SETTINGS, ORDERS)
    session.execute(text(ended))
    assert plan(session, None, TODAY, SETTINGS, ORDERS).dropped == 5
    assert plan(session, None, TODAY, SETTINGS, ORDERS).items == 0
    session.execute(text(back))
    assert plan(session, None, TODAY, SETTINGS, ORDERS).moved == 5
    assert {row.split()[2] for row in rows(session, followed.item)} == {"open"}


def test_a_service_that_had_ended_before_it_was_seen_is_left_alone(session):
    item = make_followed(session, first=date(2026, 1, 5), last=date(2026, 3, 5)).item
    plan(session, None, TODAY, SETTINGS, ORDERS)
    assert rows(session, item) == []


def test_planning_is_called_for_by_item(session):
    item = make_followed(session).item
    call_planning(session, item.id)
    call_planning(session, item.id)
    work = session.execute(text("SELECT subject_id, generation FROM work WHERE kind = 'plan_follow_ups'")).one()
    assert tuple(work) == (item.id, 2)


def test_a_rating_is_of_the_service_not_of_what_is_waited_for_before_it(session):
    followed = make_followed(session)
    waits = make_follow_up(session, followed.item, kind="approval", planned_for=date(2026, 11, 20))
    check = make_follow_up(session, followed.item, planned_for=date(2026, 12, 7))
    assert find(session, followed.case.number) == waits.id
    assert find(session, followed.case.number, rated=True) == check.id
    session.delete(check)
    session.flush()
    assert find(session, followed.case.number, rated=True) == waits.id


def test_acknowledged_with_the_childs_rating(session):
    followed = make_followed(session)
    due = make_follow_up(session, followed.item)
    assert find(session, followed.case.number) == due.id
    assert find(session, str(due.id)) == due.id
    findings = {"supports_goals": "yes", "family_present": "yes"}
    acknowledge(session, due.id, actor="worker:W-1", now=NOW, rating=5, rated_by="child", findings=findings)
    session.refresh(due)
    assert (due.state, due.rating, due.rated_by, due.settled_by, due.settled_at) == (
        "acknowledged",
        5,
        "child",
        "worker:W-1",
        NOW,
    )
    event = session.scalars(select(AuditEvent).filter_by(subject=f"follow_up:{due.id}")).one()
    assert (event.action, event.actor, event.details["rating"]) == ("follow_up.acknowledged", "worker:W-1", 5)
    with pytest.raises(InputError, match=str(due.id)):
        acknowledge(session, due.id, actor="worker:W-1", now=NOW)
    with pytest.raises(NotFound):
        find(session, followed.case.number)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rating": 5},
        {"rated_by": "child"},
        {"rating": 6, "rated_by": "child"},
        {"rating": 0, "rated_by": "child"},
        {"rating": 3, "rated_by": "neighbour"},
        {"findings": {"mood": "yes"}},
        {"findings": {"supports_goals": "a great deal"}},
    ],
)
def test_answers_there_are_not_are_refused(session, wrong):
    due = make_follow_up(session, make_followed(session).item)
    with pytest.raises(InputError):
        acknowledge(session, due.id, actor="worker:W-1", now=NOW, **wrong)
    session.refresh(due)
    assert due.state == "open"


def test_snoozed_to_a_working_day_and_announced_afresh(session):
    due = make_follow_up(session, make_followed(session).item, announced_on=date(2026, 12, 7), announced_times=2)
    snooze(
        session, due.id, actor="a", now=NOW, reason="perhe matkoilla", until=date(2026, 12, 24), calendar=WorkingDays()
    )
    assert (due.state, due.due, due.announced_on, due.announced_times) == ("snoozed", date(2026, 12, 28), None, 0)
    not_needed(session, due.id, actor="a", now=NOW, reason="palvelu päättyi")
    assert due.state == "not_needed"


def test_putting_off_needs_a_reason_and_a_later_day(session):
    due = make_follow_up(session, make_followed(session).item)
    for reason, until in ((" ", local_date(NOW) + timedelta(days=1)), ("syy", local_date(NOW))):
        with pytest.raises(InputError):
            snooze(session, due.id, actor="a", now=NOW, reason=reason, until=until, calendar=WorkingDays())
    with pytest.raises(InputError):
        not_needed(session, due.id, actor="a", now=NOW, reason="")
    with pytest.raises(NotFound):
        not_needed(session, 0, actor="a", now=NOW, reason="syy")
