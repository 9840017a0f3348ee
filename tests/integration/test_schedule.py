"""The schedule in the database: beats and people at once, pauses that end by themselves, other times, slots left out, settings of another version."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now, move_business_clock
from core.errors import InputError
from core.follow_up_settings import FollowUps
from schedules.jobs import jobs
from schedules.slots import jitter
from services import jobs as switching
from services.job_settings import in_force, kept
from services.jobs import call_due_slots, named
from services.schedule import coming, overview, troubles
from services.work import claim, close
from services.work.queueing import top_up
from tests.support.queries import recording
from tests.support.schedule_life import LifeInDatabase
from tests.support.schedule_oracle import Oracle, slots
from workers import tick

JOBS = jobs(FollowUps())
NIGHT, READING, MAIL = (named(JOBS, name) for name in ("nightly_cases", "read_incoming", "daily_reminders"))
#: Monday 16 November 2026, 3.10 in Helsinki: cases are read.
SLOT = datetime(2026, 11, 16, 1, 10, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def called(session: Session, lane: str = NIGHT.lane) -> list[str]:
    return list(session.execute(text("SELECT key FROM work WHERE lane = :lane ORDER BY id"), {"lane": lane}).scalars())


def missed(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(text("SELECT job, why, first_slot, last_slot, slots FROM missed_slots ORDER BY id"))
    return [tuple(row) for row in rows]


def events(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(text("SELECT actor, action, reason, details FROM audit_event ORDER BY id"))
    return [tuple(row) for row in rows]


def line(session: Session, now: datetime, job=NIGHT):
    return overview(session, [job], now)[0]


def test_half_a_year_of_a_job_in_the_database(session):
    """Fewer events than in tests/unit/test_schedule_year.py, but by the statements that are really sent."""
    chance, now = random.Random(9), datetime(2026, 10, 1, 9, tzinfo=UTC)
    life, oracle = LifeInDatabase(session, NIGHT, now), Oracle(NIGHT.cron, now)
    while now < datetime(2027, 4, 20, tzinfo=UTC):
        following = slots(oracle.cron, now, now + 3 * DAY)
        now = (following[0] if following else now + DAY) + timedelta(seconds=chance.choice((0, 1, 61, 9000)))
        now += DAY * chance.choice((0, 0, 0, 0, 3, 9))
        for beat in (timedelta(), timedelta(milliseconds=300)):
            life.tick(now + beat)
            oracle.tick(now + beat)
        now += HOUR * chance.randint(0, 40)
        what = chance.random()
        if what < 0.15 and life.is_paused(now):
            life.resume(now)
            oracle.resume(now)
        elif what < 0.15:
            until = chance.choice((None, now + 3 * DAY, slots(oracle.cron, now, now + 9 * DAY)[-1]))
            life.pause(now, until)
            oracle.pause(now, until)
        elif what < 0.3:
            cron = chance.choice(("30 3 * * *", "0 */8 * * *", NIGHT.cron))
            if cron != oracle.cron:
                life.change(now, cron)
                oracle.change(now, cron)
    assert life.called == oracle.called
    told = life.told
    assert told == oracle.told[-len(told) :], "what is long past is forgotten"
    assert {one for one in oracle.told if one[2] > now - 50 * DAY} <= set(told)
    assert {why for why, *_ in told} == {"paused", "nobody"}


def test_two_beats_that_tick_at_once_agree(here):
    """Both look at the same moment: each slot has one Work, each end of a pause one event, each stretch is told once."""
    with here.transaction() as session:
        call_due_slots(session, JOBS, SLOT - HOUR)
        switching.pause(session, MAIL, actor="test", now=SLOT - HOUR, until=SLOT, why="")
    works = 0
    for number in range(6):
        now, at_once = SLOT + number * 6 * HOUR, Barrier(2)

        def beat(now: datetime, at_once: Barrier) -> int:
            with here.transaction() as session:
                at_once.wait(10)
                return call_due_slots(session, JOBS, now)

        with ThreadPoolExecutor(2) as beats:
            news = list(beats.map(beat, [now] * 2, [at_once] * 2))
        (in_all,) = here.rows("SELECT count(*) AS works FROM work")
        assert in_all.works - works == sum(news), "each of them is new for one of the two"
        works = in_all.works
    assert len(here.rows("SELECT 1 FROM audit_event WHERE action = 'job.resumed'")) == 1
    told = here.rows("SELECT job, first_slot, count(*) AS times FROM missed_slots GROUP BY job, first_slot")
    assert {row.times for row in told} == {1}


def test_a_pause_ends_by_itself_exactly_on_a_slot(session):
    call_due_slots(session, JOBS, SLOT - HOUR)
    switching.pause(session, NIGHT, actor="cli:aino", now=SLOT - MINUTE, until=SLOT + 2 * DAY, why="the source moves")
    now = SLOT + 2 * DAY - timedelta(seconds=1)
    call_due_slots(session, JOBS, now)
    assert called(session) == []
    paused = line(session, now)
    assert (paused.paused, paused.paused_until, paused.next_slot) == (True, SLOT + 2 * DAY, SLOT + 2 * DAY)
    assert [(one.why, one.slots) for one in paused.missed] == [("paused", 2)], "told while it lasts"
    call_due_slots(session, JOBS, SLOT + 2 * DAY)
    assert called(session) == ["nightly_cases@2026-11-18T01:10Z"]
    assert ("nightly_cases", "paused", SLOT, SLOT + DAY, 2) in missed(session)
    assert [event[:3] for event in events(session)] == [
        ("cli:aino", "job.paused", "the source moves"),
        ("avain", "job.resumed", ""),
    ]
    assert events(session)[0][3] == {"until": (SLOT + 2 * DAY).isoformat()}
    assert not line(session, SLOT + 2 * DAY).paused


def test_a_pause_gets_another_end_and_no_end_in_the_past(session):
    switching.pause(session, NIGHT, actor="test", now=SLOT, until=SLOT + DAY)
    switching.pause(session, NIGHT, actor="test", now=SLOT + HOUR, until=SLOT + 2 * DAY)
    assert line(session, SLOT + DAY).paused_at == SLOT
    with pytest.raises(InputError, match="still to come"):
        switching.pause(session, NIGHT, actor="test", now=SLOT + DAY, until=SLOT + DAY)
    with pytest.raises(InputError, match="paused already"):
        switching.pause(session, NIGHT, actor="test", now=SLOT + DAY, until=SLOT + 2 * DAY)
    with pytest.raises(InputError, match="not paused"):
        switching.resume(session, NIGHT, actor="test", now=SLOT + 3 * DAY)


def test_other_times_count_in_every_beat_at_its_next_tick(here):
    """One process changes; another, which was never told, ticks."""
    with here.transaction() as session:
        call_due_slots(session, JOBS, SLOT - HOUR)
    with here.transaction() as session:
        switching.change(session, NIGHT, actor="cli:aino", now=SLOT - MINUTE, cron="30 14 * * *", jitter_seconds=60)
    with here.transaction() as session:
        assert call_due_slots(session, [NIGHT], SLOT + MINUTE) == 0
        assert call_due_slots(session, [NIGHT], SLOT + 12 * HOUR) == 1
        assert called(session) == ["nightly_cases@2026-11-16T12:30Z"]
        ((_, action, _, details),) = events(session)
    assert (action, details) == ("job.changed", {"cron": ["10 3 * * *", "30 14 * * *"], "jitter_seconds": [0, 60]})
    with here.transaction() as session:
        switching.reset(session, NIGHT, actor="cli:aino", now=SLOT + 13 * HOUR)
        assert call_due_slots(session, [NIGHT], SLOT + DAY) == 1
        assert events(session)[-1][1:] == (
            "job.reset",
            "",
            {"cron": ["30 14 * * *", "10 3 * * *"], "jitter_seconds": [60, 0]},
        )
        with pytest.raises(InputError, match="changes nothing"):
            switching.reset(session, NIGHT, actor="cli:aino", now=SLOT + DAY)


def test_what_was_due_by_the_former_times_is_still_called_for(session):
    call_due_slots(session, JOBS, SLOT - HOUR)
    switching.change(session, NIGHT, actor="test", now=SLOT + 2 * HOUR, cron="0 23 * * *")
    assert called(session) == ["nightly_cases@2026-11-16T01:10Z"], "no beat had come to it"
    assert missed(session) == [("nightly_cases", "nobody", SLOT, SLOT, 1)]


def test_what_makes_no_sense_is_refused_and_changes_nothing(session):
    for wrong in (
        {"cron": "61 * * * *"},
        {"cron": "0 0 31 2 *"},
        {"cron": "0 0 10 2 * *"},
        {"cron": "5L/2 0 * * *"},
        {"cron": "0 0 * * ²L"},
        {"overlap": "both"},
        {"jitter_seconds": 3601},
        {"jitter_seconds": -1},
        {"cron": "*/15 * * * *", "jitter_seconds": 900},
        {"cron": NIGHT.cron},
    ):
        with pytest.raises(InputError):
            switching.change(session, NIGHT, actor="test", now=SLOT, **wrong)
    with pytest.raises(InputError, match="never comes"):
        switching.change(session, MAIL, actor="test", now=SLOT, cron="0 8 25 12 *")
    assert events(session) == []


def test_while_a_run_has_not_ended_times_are_left_out_and_told_as_one_stretch(session):
    first = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
    call_due_slots(session, JOBS, first - MINUTE)
    call_due_slots(session, JOBS, first)
    (work_id,) = session.execute(text("SELECT id FROM work WHERE lane = 'job:read_incoming'")).scalars()
    mine = claim(session, work_id)
    for quarter in range(1, 4):
        for seconds in (0, 1):  # it stays left out
            call_due_slots(session, JOBS, first + quarter * 15 * MINUTE + timedelta(seconds=seconds))
    assert len(called(session, READING.lane)) == 1
    shown = line(session, first + HOUR - MINUTE, READING)
    assert [(one.why, one.first_slot, one.slots) for one in shown.missed] == [("running", first + 15 * MINUTE, 3)]
    assert shown.last is not None
    assert shown.last.outcome is None
    assert mine is not None
    close(session, mine)
    call_due_slots(session, JOBS, first + HOUR)
    assert len(called(session, READING.lane)) == 2


def test_where_times_wait_one_run_goes_at_a_time(session):
    switching.change(session, READING, actor="test", now=SLOT, overlap="queue")
    first = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
    for quarter in range(3):
        call_due_slots(session, [READING], first + quarter * 15 * MINUTE)
    assert len(called(session, READING.lane)) == 3
    ((work_id, _kind),) = top_up(session, "default", 10)
    mine = claim(session, work_id)
    assert top_up(session, "default", 10) == []
    assert mine is not None
    close(session, mine)
    assert len(top_up(session, "default", 10)) == 1
    assert missed(session) == []


def test_jitter_moves_the_start_and_not_the_key(session):
    switching.change(session, NIGHT, actor="test", now=SLOT - HOUR, jitter_seconds=600)
    moved = in_force(NIGHT, kept(session)[NIGHT.name], SLOT).job
    by = jitter(moved, SLOT)
    assert timedelta(0) < by <= timedelta(seconds=600)
    assert len({jitter(moved, SLOT + n * DAY) for n in range(50)}) > 30, "another time, another delay"
    assert line(session, SLOT - HOUR).begins == SLOT + by
    call_due_slots(session, [NIGHT], SLOT)
    (row,) = session.execute(
        text("SELECT key, extract(epoch FROM next_at - clock_timestamp())::float AS wait FROM work")
    )
    assert row.key == "nightly_cases@2026-11-16T01:10Z"
    assert row.wait == pytest.approx(by.total_seconds(), abs=5)


def test_settings_of_another_version_are_told_and_stop_nothing(session):
    call_due_slots(session, JOBS, SLOT - HOUR)
    session.execute(
        text(
            "UPDATE job_state SET cron = 'every night', overlap = 'both', jitter_seconds = 99999 WHERE job = 'nightly_cases'"
        )
    )
    session.execute(text("INSERT INTO job_state (job, since, cron) VALUES ('gone', now(), '0 1 * * *')"))
    session.execute(text("INSERT INTO job_state (job, since) VALUES ('harmless', now())"))
    call_due_slots(session, JOBS, SLOT)
    assert called(session) == ["nightly_cases@2026-11-16T01:10Z"], "it does what the table says"
    found = [(name, said.text("en")) for name, said in troubles(session, JOBS, SLOT)]
    assert [name for name, _said in found] == ["gone", "nightly_cases", "nightly_cases", "nightly_cases"]
    assert "every night: a time is written as 8.00" in found[1][1]
    shown = line(session, SLOT)
    assert (shown.job, len(shown.troubles)) == (NIGHT, 3)
    switching.reset(session, NIGHT, actor="test", now=SLOT)
    assert [name for name, _said in troubles(session, JOBS, SLOT)] == ["gone"]


def test_the_schedule_is_four_statements_whatever_there_is(session):
    call_due_slots(session, JOBS, SLOT - 9 * DAY)
    with recording(session) as few:
        overview(session, [NIGHT], SLOT)
    for number in range(9):
        call_due_slots(session, JOBS, SLOT - (9 - number) * DAY)
    with recording(session) as many:
        overview(session, JOBS, SLOT)
    assert len(few) == len(many) == 4


def test_a_tick_with_nothing_due_is_few_statements(session):
    call_due_slots(session, JOBS, SLOT)
    with recording(session) as statements:
        call_due_slots(session, JOBS, SLOT + timedelta(seconds=1))
    assert len(statements) == 5


def test_while_nobody_ticks_that_is_shown(session):
    call_due_slots(session, JOBS, SLOT - HOUR)
    (shown,) = line(session, SLOT + DAY + MINUTE).missed
    assert (shown.why, shown.slots, shown.caught_up_at) == ("nobody", 2, None)
    call_due_slots(session, JOBS, SLOT + DAY + HOUR)
    (shown,) = line(session, SLOT + DAY + HOUR).missed
    assert (shown.slots, shown.caught_up_at) == (2, SLOT + DAY + HOUR)
    assert "made up for once" in shown.reason().text("en")
    assert line(session, SLOT + 9 * DAY, replace(NIGHT, cron="0 1 1 1 *")).missed == [], "seven days are shown"


def test_coming_times_wait_for_the_end_of_a_pause(session):
    switching.pause(session, NIGHT, actor="test", now=SLOT - HOUR, until=SLOT + DAY)
    shown = line(session, SLOT)
    assert [slot for slot, _begins in coming(shown, 2, SLOT)] == [SLOT + DAY, SLOT + 2 * DAY]
    switching.pause(session, NIGHT, actor="test", now=SLOT, until=None)
    shown = line(session, SLOT)
    assert (shown.next_slot, coming(shown, 1, SLOT)[0][0]) == (None, SLOT + DAY)


def test_beat_follows_avain_toml(here, tmp_path, monkeypatch):
    """The hour of the daily e-mail is changed there: the running beat's next tick goes by it."""
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    file = tmp_path / "avain.toml"
    file.write_text('[follow_ups]\nmail_at = "08:00"\n', "utf-8")
    here.configure(config=file)
    with here.transaction() as session:
        move_business_clock(session, datetime(2026, 11, 16, 4, 0, tzinfo=UTC))
    tick.tick()
    file.write_text('[follow_ups]\nmail_at = "07:05"\n', "utf-8")
    os.utime(file, ns=(1, 1))
    with here.transaction() as session:
        move_business_clock(session, datetime(2026, 11, 16, 5, 5, 1, tzinfo=UTC))
        assert business_now(session) > datetime(2026, 11, 16, 5, 5, tzinfo=UTC)
    tick.tick()
    assert [row.key for row in here.rows("SELECT key FROM work WHERE lane = 'job:daily_reminders'")] == [
        "daily_reminders@2026-11-16T05:05Z"
    ]
