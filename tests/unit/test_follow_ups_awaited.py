"""What is waited for: an approval, an answer, a hand-over, a review of the plan."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.follow_ups import (
    LIVE,
    Known,
    Planned,
    Replanned,
    add_months,
    approval,
    await_one,
    follow_ups,
    hand_over,
    order_unanswered,
    plan_review,
    replan,
    review_months,
)
from schedules.working_days import WorkingDays
from tests.unit.test_follow_up_rhythm import DEFAULT, FIRST, LAST

DAYS = WorkingDays()
dates = st.dates(date(2026, 1, 1), date(2028, 12, 31))


def test_the_days_that_are_counted():
    """Independence Day 2026 is a Sunday; Midsummer Eve 2027 is 25 June, Christmas Eve a Friday."""
    assert approval(date(2026, 12, 1), 5, DAYS).due == date(2026, 12, 8)
    assert order_unanswered(date(2027, 12, 22), 2, DAYS).due == date(2027, 12, 27)
    assert order_unanswered(date(2027, 12, 22), 2, WorkingDays(christmas_eve=True)).due == date(2027, 12, 24)
    assert hand_over(date(2027, 6, 22), 3, DAYS).due == date(2027, 6, 28)
    assert hand_over(date(2027, 6, 22), 3, WorkingDays(midsummer_eve=True)).due == date(2027, 6, 25)


def test_a_review_is_never_late_because_of_a_day_off():
    assert plan_review(date(2025, 12, 6), 12, DAYS) == Planned("plan_review", date(2026, 12, 6), date(2026, 12, 4))


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
    ],
)
def test_months_later(day, months, then):
    assert add_months(day, months) == then


@pytest.mark.parametrize(
    ("own", "default", "child_welfare", "months"),
    [
        ([], 0, False, None),
        ([], 0, True, 12),
        ([], 24, True, 12),
        ([], 6, True, 6),
        ([], 24, False, 24),
        ([{"plan_review_months": 6}, None, {"plan_review_months": 3}], 12, False, 3),
        ([{"plan_review_months": 36}], 12, False, 36),
        ([{"plan_review_months": 36}], 12, True, 12),
        ([{"plan_review_months": 0}, {"plan_review_months": "seldom"}, {"plan_review_months": True}], 12, False, 12),
    ],
)
def test_how_often_a_plan_is_reviewed(own, default, child_welfare, months):
    assert review_months(own, default=default, child_welfare=child_welfare) == months


def known(state, planned_for=date(2026, 12, 1), due=date(2026, 12, 8), id_=1):
    return Known(id_, "approval", planned_for, due, state)


WANT = Planned("approval", date(2026, 12, 1), date(2026, 12, 8))
LATER = Planned("approval", date(2026, 12, 4), date(2026, 12, 11))


def test_what_is_new_is_added_even_in_the_past():
    assert await_one([], WANT) == Replanned(add=[WANT])
    assert await_one([], None) == Replanned()


@pytest.mark.parametrize("state", ["acknowledged", "not_needed"])
def test_what_was_settled_stays_until_another_event(state):
    assert await_one([known(state)], WANT) == Replanned()
    assert await_one([known(state)], LATER) == Replanned(add=[LATER])
    assert await_one([known(state, planned_for=date(2026, 12, 9))], LATER) == Replanned(), "a date that went back"
    assert await_one([known(state)], None) == Replanned()


def test_what_is_open_moves_and_goes():
    assert await_one([known("open")], WANT) == Replanned()
    assert await_one([known("open")], LATER) == Replanned(move=[(1, LATER)])
    assert await_one([known("open", due=date(2026, 12, 9))], WANT) == Replanned(move=[(1, WANT)])
    assert await_one([known("open")], None) == Replanned(drop=[1])


def test_what_was_put_off_stays_so_until_another_event():
    put_off = known("snoozed", due=date(2027, 1, 4))
    assert await_one([put_off], WANT) == Replanned()
    assert await_one([put_off], LATER) == Replanned(move=[(1, LATER)])
    assert await_one([put_off], None) == Replanned(drop=[1])


def test_what_was_dropped_comes_back_with_its_cause():
    assert await_one([known("dropped")], WANT) == Replanned(move=[(1, WANT)])
    assert await_one([known("dropped")], LATER) == Replanned(add=[LATER])
    both = [known("dropped"), known("open", planned_for=date(2026, 11, 1), id_=2)]
    assert await_one(both, WANT) == Replanned(move=[(1, WANT)], drop=[2])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_at_most_one_is_waited_for_whatever_comes(data):
    rows: dict[int, Known] = {}
    for _ in range(data.draw(st.integers(1, 8))):
        day = data.draw(st.none() | dates)
        want = None if day is None else approval(day, 5, DAYS)
        changes = await_one(list(rows.values()), want)
        for id_ in changes.drop:
            rows[id_] = Known(id_, "approval", rows[id_].planned_for, rows[id_].due, "dropped")
        for id_, to in changes.move:
            rows[id_] = Known(id_, "approval", to.planned_for, to.due, "open")
        for new in changes.add:
            rows[len(rows) + 1] = Known(len(rows) + 1, "approval", new.planned_for, new.due, "open")
        live = [one for one in rows.values() if one.state in LIVE]
        assert len({one.planned_for for one in rows.values()}) == len(rows), "the database's own uniqueness"
        settled = [one.planned_for for one in rows.values() if one.state in {"acknowledged", "not_needed"}]
        asked = want is not None and all(one < want.planned_for for one in settled)
        assert [one.planned_for for one in live] == ([want.planned_for] if want and asked else [])
        assert await_one(list(rows.values()), want) == Replanned()
        for one in live:
            state = data.draw(st.sampled_from(["open", "acknowledged", "not_needed", "snoozed"]))
            due = one.due + timedelta(days=30) if state == "snoozed" else one.due
            rows[one.id] = Known(one.id, one.kind, one.planned_for, due, state)


def test_where_something_else_is_late_no_past_check_is_added():
    today = date(2027, 2, 15)
    wanted = follow_ups(FIRST, LAST, DEFAULT, DAYS)
    assert [one.kind for one in replan([], wanted, today).add] == ["before_end", "final"]
    assert [one.kind for one in replan([], wanted, today, one_is_late=True).add] == ["final"]
