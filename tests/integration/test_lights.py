"""The traffic lights of an installation: what the table of jobs and the history of Work say together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from schedules.jobs import jobs
from services.jobs import call_due_slots, pause
from services.jobs import named as job_named
from services.lights import Light, lights
from services.sources import all_sources, call_fetch, call_reading
from services.work import claim, close, fail, history
from tests.support.queries import recording

#: Monday 16 November 2026, 3.10 in Helsinki: cases are read.
SLOT = datetime(2026, 11, 16, 1, 10, tzinfo=UTC)
INSTALLED = SLOT - timedelta(hours=10)
CONFIGURED = Settings(sources=Sources(cases={"lifecare": CaseSource(path="unused")}))
(LIFECARE,) = all_sources(CONFIGURED.sources)
JOBS = jobs(CONFIGURED.follow_ups)
NIGHT = "nightly_cases@2026-11-16T01:10Z"


@pytest.fixture
def installed(session: Session) -> Session:
    """The beat has run since the evening before."""
    call_due_slots(session, JOBS, INSTALLED)
    return session


def look(session: Session, now: datetime) -> dict[str, Light]:
    return {one.name: one for one in lights(session, CONFIGURED, now)}


def done(session: Session, work_id: int, outcome: str = "succeeded", **over: Any) -> int:
    """Do a Work; the Run it was done in."""
    mine = claim(session, work_id)
    assert mine is not None
    close(session, mine, outcome, **over)
    return mine.run_id


def work_of(session: Session, key: str) -> int:
    found: int = session.execute(text("SELECT id FROM work WHERE key = :key"), {"key": key}).scalar_one()
    return found


def test_an_installation_that_never_ran_expects_nothing(session):
    found = look(session, SLOT)
    assert {one.colour for one in found.values()} == {"off"}
    assert [one.name for one in lights(session, CONFIGURED, SLOT)] == ["lifecare", *(one.name for one in JOBS)]
    assert found["lifecare"].kind == "source"
    assert found["nightly_cases"].kind == "job"


def test_a_night_from_its_slot_to_its_end(installed):
    before = look(installed, SLOT - timedelta(minutes=1))["nightly_cases"]
    assert before.colour == "off"
    assert "16.11.2026 03.10" in before.sentence.text("en")
    call_due_slots(installed, JOBS, SLOT)
    assert look(installed, SLOT)["nightly_cases"].colour == "good"
    late = look(installed, SLOT + timedelta(hours=2))
    assert (late["nightly_cases"].colour, late["lifecare"].colour) == ("bad", "bad")
    done(installed, work_of(installed, NIGHT))
    fetch = call_fetch(installed, LIFECARE, NIGHT)
    now = SLOT + timedelta(hours=2)
    assert look(installed, now)["nightly_cases"].colour == "good"
    assert "waits for a free worker" in look(installed, now)["lifecare"].sentence.text("en")
    mine = claim(installed, fetch)
    assert look(installed, now)["lifecare"].colour == "care"
    reading = call_reading(installed, LIFECARE, NIGHT, files=[])
    assert mine is not None
    close(installed, mine)
    assert look(installed, now)["lifecare"].colour == "bad"
    run = done(installed, reading, "partly")
    good = look(installed, now)["lifecare"]
    assert (good.colour, good.run_id) == ("good", run)
    assert good.last_good_at is not None
    # the next night it is due again
    installed.execute(text("UPDATE run SET finished_at = finished_at - interval '1 day'"))
    assert look(installed, now + timedelta(days=1))["lifecare"].colour == "bad"


def test_a_source_that_failed_is_good_again_once_it_was_read_by_hand(installed):
    call_due_slots(installed, JOBS, SLOT)
    mine = claim(installed, call_fetch(installed, LIFECARE, NIGHT))
    assert mine is not None
    fail(installed, mine, Message("the share is gone"), final=True)
    failed = look(installed, SLOT)["lifecare"]
    assert (failed.colour, failed.sentence.text("en")) == ("bad", "It failed and was given up: the share is gone")
    history.acknowledge(installed, mine.run_id, "the share is being repaired")
    assert look(installed, SLOT)["lifecare"].colour == "care"
    done(installed, call_fetch(installed, LIFECARE, "by hand"), "nothing_to_do")
    assert "on another occasion" in look(installed, SLOT + timedelta(minutes=5))["lifecare"].sentence.text("en")


def test_a_source_that_is_left_alone_is_told_before_its_first_night(installed):
    for n in range(5):
        mine = claim(installed, call_fetch(installed, LIFECARE, f"by hand {n}"))
        assert mine is not None
        fail(installed, mine, Message("the share is gone"), final=False)
    told = look(installed, SLOT - timedelta(minutes=1))["lifecare"]
    assert (told.colour, "is left alone" in told.sentence.text("en")) == ("bad", True)


def test_records_tried_again_are_not_the_source_read(installed):
    done(installed, call_reading(installed, LIFECARE, "again", files=[], retry=[1]))
    assert look(installed, SLOT)["lifecare"].last_good_at is None


def test_a_held_run_is_settled_by_a_persons_word(installed):
    call_due_slots(installed, JOBS, SLOT)
    run = done(installed, call_reading(installed, LIFECARE, NIGHT, files=[]), "held", message=Message("too many gone"))
    assert look(installed, SLOT)["lifecare"].colour == "care"
    installed.execute(text("UPDATE run SET acknowledged = 'yes' WHERE id = :id"), {"id": run})
    assert look(installed, SLOT)["lifecare"].colour == "good"


def test_a_paused_job_and_its_sources_are_off(installed):
    call_due_slots(installed, JOBS, SLOT)
    pause(installed, job_named(JOBS, "nightly_cases"), actor="test", now=SLOT)
    found = look(installed, SLOT + timedelta(days=3, hours=2))
    assert (found["nightly_cases"].colour, found["lifecare"].colour) == ("off", "off")
    assert found["nightly_prices"].colour == "bad"


@pytest.mark.parametrize(
    ("night", "slot"),
    [
        # at 3 o'clock clocks go on to 4: what is due at 3.10 is due when they show 4
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        # at 4 o'clock clocks go back to 3: what is due at 3.10 is due the first time, and once
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 10, tzinfo=UTC)),
    ],
)
def test_lateness_counts_real_minutes_in_the_nights_the_clocks_change(session, night, slot):
    call_due_slots(session, JOBS, night)
    assert look(session, slot - timedelta(seconds=1))["nightly_cases"].colour == "off"
    for minutes, colour in ((0, "good"), (60, "good"), (61, "bad"), (120, "bad")):
        found = look(session, slot + timedelta(minutes=minutes))["nightly_cases"]
        assert (found.due_at, found.colour) == (slot, colour)


def test_a_few_statements_whatever_there_is(installed):
    many = Settings(sources=Sources(cases={f"s-{n}": CaseSource(path="unused") for n in range(20)}))
    with recording(installed) as statements:
        assert len(lights(installed, many, SLOT)) == 20 + len(JOBS)
    assert len(statements) == 5
