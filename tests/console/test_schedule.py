"""The schedule on pages: who reads, who acts, what is refused, what is shown of pauses and of what was missed; three languages."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

import console.web.state
from core.clock import business_now
from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from core.settings import Settings
from schedules.jobs import jobs
from services.access.people import AUDITOR, OPERATOR, PRICE_MANAGER
from services.jobs import call_due_slots
from services.work import claim, close
from tests.support.queries import recording

JOBS = jobs(FollowUps())
PAGE = "/schedule"
NIGHT = "/schedule/nightly_cases"


@pytest.fixture
def operator(sign_in, monkeypatch):
    monkeypatch.setattr("console.visit.hint", lambda *_: None)
    browser = sign_in(OPERATOR)
    browser.get("/?lang=en")
    return browser


def acts(session):
    return list(session.execute(text("SELECT action, reason, details FROM audit_event WHERE action LIKE 'job.%'")))


def in_days(session, count):
    return (business_now(session) + timedelta(days=count)).astimezone(HELSINKI)


def test_every_job_stands_there_in_words(session, operator):
    call_due_slots(session, JOBS, business_now(session) - timedelta(days=2))
    call_due_slots(session, JOBS, business_now(session))
    work = session.execute(
        text("SELECT id FROM work WHERE lane = 'job:nightly_cases' ORDER BY id DESC LIMIT 1")
    ).scalar()
    assert work is not None
    mine = claim(session, work)
    assert mine is not None
    close(session, mine)
    page = operator.get(PAGE)
    assert len(page.all("//main//table[1]//tbody/tr")) >= len(JOBS)
    for said in ("every day at 3.10", "every 15 minutes between 6.00 and 20.45", "working days at 8.00", "succeeded"):
        assert said in page.text
    assert "The scheduler did not run. It was made up for once" in page.text
    for language, said in (("fi", "joka päivä klo 3.10"), ("sv", "varje dag kl. 3.10")):
        assert said in operator.get(f"{PAGE}?lang={language}").text
    assert not acts(session)


def test_the_list_costs_the_same_whatever_was_missed(session, operator):
    now = business_now(session)
    call_due_slots(session, JOBS, now - timedelta(days=3))
    with recording(session) as few:
        operator.get(PAGE)
    call_due_slots(session, JOBS, now)
    with recording(session) as many:
        operator.get(PAGE)
    assert len(many) == len(few)


def test_paused_with_an_end_changed_and_resumed(session, operator):
    until = in_days(session, 3)
    page = operator.submit(
        operator.get(NIGHT), f"{NIGHT}/pause", {"until": f"{until:%d.%m.%Y %H.%M}", "why": "the source moves"}
    )
    assert "Paused until" in page.text
    assert "the source moves" in page.text
    kept = session.execute(text("SELECT paused_until FROM job_state WHERE job = 'nightly_cases'")).scalar()
    assert kept == until.replace(second=0, microsecond=0)
    page = operator.submit(page, f"{NIGHT}/pause", {"until": ""})
    assert "Paused until somebody resumes it" in page.text
    assert "Paused until somebody resumes it" in operator.get(PAGE).text
    page = operator.submit(page, f"{NIGHT}/resume")
    assert "What it missed is not made up for" in page.text
    assert [row.action for row in acts(session)] == ["job.paused", "job.paused", "job.resumed"]
    assert acts(session)[0].reason == "the source moves"
    assert "is not paused" in operator.post(f"{NIGHT}/resume", page.form(f"{NIGHT}/trigger")).text


@pytest.mark.parametrize(
    ("until", "said"), [("soon", "not a moment"), ("1.1.2020", "still to come"), ("31.2.2030 8.00", "not a moment")]
)
def test_an_end_that_makes_no_sense_is_refused_and_stays_typed(session, operator, until, said):
    page = operator.submit(operator.get(NIGHT), f"{NIGHT}/pause", {"until": until, "why": "because"})
    assert page.status == 422
    assert said in page.text
    assert page.form(f"{NIGHT}/pause")["until"] == until
    assert not acts(session)


def test_run_now_leads_to_the_run(session, operator):
    page = operator.submit(operator.get(NIGHT), f"{NIGHT}/trigger")
    assert page.status == 200
    (key,) = session.execute(text("SELECT key FROM work WHERE lane = 'job:nightly_cases'")).scalars()
    assert key.endswith("+manual")
    assert "called for, not begun yet" in operator.get(NIGHT).text


def test_other_times_and_back(session, operator):
    page = operator.submit(operator.get(NIGHT), f"{NIGHT}/set", {"time": "14.30", "overlap": "skip", "jitter": "90"})
    assert "every day at 14.30" in page.text
    assert "every day at 3.10; waits until the run before has ended" in page.text
    assert page.form(f"{NIGHT}/set") | {"csrf": ""} == {"csrf": "", "time": "14.30", "overlap": "skip", "jitter": "90"}
    page = operator.submit(page, f"{NIGHT}/reset")
    assert "14.30" not in page.text
    assert [row.action for row in acts(session)] == ["job.changed", "job.reset"]
    assert acts(session)[0].details == {
        "cron": ["10 3 * * *", "30 14 * * *"],
        "overlap": ["queue", "skip"],
        "jitter_seconds": [0, 90],
    }
    assert "changes nothing" in operator.post(f"{NIGHT}/reset", page.form(f"{NIGHT}/trigger")).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"time": "25.00"}, "a time is written as 8.00"),
        ({"time": ""}, "Say when it runs"),
        ({"time": "0 0 31 2 *"}, "a time is written as 8.00"),
        ({"jitter": "90,5"}, "not a whole number"),
        ({"jitter": "4000"}, "can be moved by 0 to 3600 seconds"),
        ({"overlap": "both"}, "not allowed"),
        ({}, "changes nothing"),
    ],
)
def test_times_that_make_no_sense_are_refused_and_stay_typed(session, operator, typed, said):
    page = operator.submit(operator.get(NIGHT), f"{NIGHT}/set", typed)
    assert page.status == 422
    assert said in page.text
    assert page.form(f"{NIGHT}/set")["jitter"] == typed.get("jitter", "0")
    assert not acts(session)


def test_settings_of_another_version_are_shown_as_passed_over(session, operator):
    call_due_slots(session, JOBS, datetime(2026, 11, 16, tzinfo=UTC))
    session.execute(text("UPDATE job_state SET cron = 'at night' WHERE job = 'nightly_cases'"))
    page = operator.get(NIGHT)
    assert "passed over: at night" in page.text
    assert "every day at 3.10" in page.text


@pytest.mark.parametrize("role", [AUDITOR, PRICE_MANAGER])
def test_others_read_and_find_no_buttons(session, sign_in, role):
    browser = sign_in(role)
    for path in (PAGE, NIGHT):
        page = browser.get(path)
        assert page.status == 200
        assert not page.all("//main//form")
    assert browser.get("/schedule/nothing").status == 404


def test_what_avain_toml_says_of_the_mails_hour_is_followed(session, make_app, operator, monkeypatch):
    """Without a restart; what the console serves under stays as it was read."""
    app = make_app()
    known = app.state.console
    changed = Settings(follow_ups=FollowUps(mail_at="07:05"))
    monkeypatch.setattr(console.web.state, "current_settings", lambda: changed)
    assert known.current is known.settings
    object.__setattr__(known, "follows", True)
    assert known.current.follow_ups.mail_at == "07:05"
    assert known.current.console is known.settings.console
