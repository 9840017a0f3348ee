"""The rhythm of follow-ups, and bringing what is known in line with it."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.follow_up_settings import FollowUps
from schedules.follow_ups import Known, Planned, Replanned, Rhythm, follow_ups, replan
from schedules.working_days import WorkingDays

DAYS = WorkingDays()
DEFAULT = Rhythm.of(None, FollowUps())
FIRST, LAST = date(2026, 11, 23), date(2027, 2, 22)

rhythms = st.builds(Rhythm, st.integers(0, 30), st.integers(1, 120), st.integers(0, 60))
dates = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def as_text(planned: list[Planned]) -> list[str]:
    return [f"{one.kind} {one.due}" for one in planned]


def test_three_months_of_coaching():
    assert as_text(follow_ups(FIRST, LAST, DEFAULT, DAYS)) == [
        "start 2026-12-07",
        "interval 2026-12-23",
        "interval 2027-01-22",
        "before_end 2027-02-08",
        "final 2027-02-22",
    ]


def test_the_plans_own_rhythm_goes_before_the_organisations():
    own = Rhythm.of({"start_working_days": 3, "interval_days": 60}, FollowUps())
    assert own == Rhythm(3, 60, FollowUps().before_end_days)
    assert as_text(follow_ups(FIRST, LAST, own, DAYS))[:2] == ["start 2026-11-26", "interval 2027-01-22"]


@pytest.mark.parametrize(
    "nonsense", [{"interval_days": 0}, {"interval_days": "often"}, {"interval_days": True}, {"x": 1}]
)
def test_a_rhythm_that_makes_no_sense_is_the_organisations(nonsense):
    assert Rhythm.of(nonsense, FollowUps()) == DEFAULT


def test_two_on_one_day_become_the_more_telling_one():
    one_day = follow_ups(FIRST, FIRST, DEFAULT, DAYS)
    assert as_text(one_day) == ["final 2026-11-23"]
    meeting = follow_ups(
        FIRST, FIRST + timedelta(days=44), DEFAULT, DAYS
    )  # before_end and interval both on 23 December
    assert [one.kind for one in meeting if one.due == date(2026, 12, 23)] == ["before_end"]


@given(first=dates, length=st.integers(0, 400), rhythm=rhythms)
def test_follow_ups_fall_on_working_days_one_a_day_and_end_with_the_evaluation(first, length, rhythm):
    planned = follow_ups(first, first + timedelta(days=length), rhythm, DAYS)
    dues = [one.due for one in planned]
    assert dues == sorted(set(dues))
    assert all(DAYS.includes(due) for due in dues)
    assert [one.kind for one in planned].count("final") == 1
    assert [one.kind for one in planned].count("start") <= 1
    assert max(dues) == DAYS.on_or_after(first + timedelta(days=length))


def applied(known: list[Known], changes: Replanned) -> list[Known]:
    """An independent reading of what the database then holds."""
    rows = {one.id: one for one in known}
    for id_ in changes.drop:
        rows[id_] = Known(id_, rows[id_].kind, rows[id_].planned_for, rows[id_].due, "dropped")
    for id_, want in changes.move:
        assert rows[id_].kind == want.kind
        rows[id_] = Known(id_, want.kind, want.planned_for, want.due, "open")
    for want in changes.add:
        id_ = max(rows, default=0) + 1
        rows[id_] = Known(id_, want.kind, want.planned_for, want.due, "open")
    return list(rows.values())


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_replanning_keeps_moves_drops_and_never_doubles(data):
    known: list[Known] = []
    today = data.draw(dates)
    first = today + timedelta(days=data.draw(st.integers(-200, 60)))
    for _ in range(data.draw(st.integers(1, 6))):
        wanted = follow_ups(first, first + timedelta(days=data.draw(st.integers(1, 250))), data.draw(rhythms), DAYS)
        before = {one.id: one for one in known}
        changes = replan(known, wanted, today)
        known = applied(known, changes)
        # what people settled is untouched
        for one in known:
            if one.id in before and before[one.id].state in {"acknowledged", "not_needed", "snoozed"}:
                assert one == before[one.id]
        # the database's own uniqueness, and never two of a kind open for one date
        assert len({(one.kind, one.planned_for) for one in known}) == len(known)
        live = [(one.kind, one.due) for one in known if one.state == "open"]
        assert len(set(live)) == len(live)
        # all that lies ahead is asked or was settled
        for want in wanted:
            if want.due >= today:
                assert any(
                    one.kind == want.kind
                    and (one.planned_for == want.planned_for or one.state not in {"open", "dropped"})
                    for one in known
                )
        # doing it again changes nothing
        assert replan(known, wanted, today) == Replanned()
        # people and time go on
        for index, one in enumerate(known):
            if one.state == "open" and data.draw(st.integers(0, 3)) == 0:
                state = data.draw(st.sampled_from(["acknowledged", "not_needed", "snoozed"]))
                due = DAYS.on_or_after(today + timedelta(days=20)) if state == "snoozed" else one.due
                known[index] = Known(one.id, one.kind, one.planned_for, due, state)
        today += timedelta(days=data.draw(st.integers(0, 40)))
        first += timedelta(days=data.draw(st.sampled_from([0, 0, 0, 1, 7, 45, -10])))


def test_a_service_seen_late_makes_one_overdue_follow_up():
    today = date(2027, 2, 15)
    changes = replan([], follow_ups(FIRST, LAST, DEFAULT, DAYS), today)
    assert as_text(changes.add) == ["before_end 2027-02-08", "final 2027-02-22"]


def test_a_longer_service_gets_a_new_end_and_keeps_what_was_done():
    wanted = follow_ups(FIRST, LAST, DEFAULT, DAYS)
    known = [Known(n, one.kind, one.planned_for, one.due, "open") for n, one in enumerate(wanted)]
    known[0] = Known(0, "start", wanted[0].planned_for, wanted[0].due, "acknowledged")
    changes = replan(known, follow_ups(FIRST, LAST + timedelta(days=28), DEFAULT, DAYS), date(2026, 12, 10))
    assert [(id_, one.kind, str(one.due)) for id_, one in changes.move] == [
        (3, "before_end", "2027-03-08"),
        (4, "final", "2027-03-22"),
    ]
    assert as_text(changes.add) == ["interval 2027-02-22"]
    assert changes.drop == []


def test_a_start_that_was_checked_is_not_checked_again():
    start = Known(1, "start", date(2026, 12, 7), date(2026, 12, 7), "acknowledged")
    changes = replan([start], follow_ups(FIRST + timedelta(days=7), LAST, DEFAULT, DAYS), date(2026, 12, 8))
    assert "start" not in [one.kind for one in changes.add]
