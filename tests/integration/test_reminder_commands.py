"""`avain reminder` and `avain schedule`, over a database of their own."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

import core.database
import workers.queue
from cli import reminder, schedule
from core.clock import move_business_clock
from core.database import make_engine
from core.errors import InputError, NotFound
from core.i18n import HELSINKI, speaking
from models.case import Decision
from tests.factories.follow_up import Followed, make_followed
from tests.factories.order import make_order
from tests.factories.provider import make_provider
from tests.factories.worker import make_worker


class Avain:
    """Runs commands in this process and looks at what they left."""

    def __init__(self, engine: Any, followed: Followed) -> None:
        self.engine, self.followed = engine, followed

    def run(self, *arguments: str) -> Result:
        app = {"reminder": reminder.app, "schedule": schedule.app}[arguments[0]]
        result = CliRunner().invoke(app, [*arguments[1:]])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def value(self, sql: str) -> Any:
        with Session(self.engine) as session:
            return session.execute(text(sql)).scalar()

    def in_transaction(self, act: Callable[[Session], Any]) -> Any:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            return act(session)


@pytest.fixture
def avain(database, monkeypatch):
    engine = make_engine(database.database_url)
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    monkeypatch.setattr(core.database, "engine", lambda: engine)
    monkeypatch.setattr(workers.queue, "hint", lambda _ids: None)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        followed = make_followed(session)
        move_business_clock(session, datetime.combine(date(2026, 12, 7), time(8, 30), HELSINKI))
    with speaking("en"):
        yield Avain(engine, followed)
    engine.dispose()


def test_a_dry_run_shows_every_mail_and_leaves_nothing(avain):
    shown = avain.run("reminder", "send", "--dry-run").stdout
    assert avain.followed.case.number in shown
    assert avain.followed.worker.email in shown
    (mail,) = avain.json("reminder", "send", "--dry-run")["sent"]
    assert avain.followed.case.number in mail["text"]
    for table in ("digest", "follow_up", "work", "audit_event"):
        assert avain.value(f"SELECT count(*) FROM {table}") == 0


def test_sent_once_listed_acknowledged(avain):
    assert avain.json("reminder", "send", "--as", "operator")["mails"] == 1
    assert avain.json("reminder", "send")["mails"] == 0
    assert avain.value("SELECT count(*) FROM work WHERE kind = 'send_digest'") == 1
    (due,) = avain.json("reminder", "due")
    assert (due["case_number"], due["announced_times"]) == (avain.followed.case.number, 1)
    assert len(avain.json("reminder", "due", "--days", "400")) == 5
    with pytest.raises(NotFound, match="there is no nobody"):
        avain.json("reminder", "due", "--worker", "nobody")
    assert avain.followed.case.number in avain.run("reminder", "due").stdout
    number = avain.followed.case.number
    arguments = ("reminder", "ack", number, "--rating", "5", "--by", "child", "--finding", "supports_goals=yes")
    assert avain.json(*arguments, "--dry-run")["state"] == "acknowledged"
    assert avain.value("SELECT count(*) FROM follow_up WHERE rating = 5") == 0
    settled = avain.json(*arguments, "--as", "aino")
    assert (settled["rating"], settled["rated_by"], settled["findings"]) == (5, "child", {"supports_goals": "yes"})
    assert avain.value("SELECT settled_by FROM follow_up WHERE rating = 5") == "cli:aino"
    assert avain.json("reminder", "due") == []


def test_put_off_and_not_needed(avain):
    avain.run("reminder", "send")
    number = avain.followed.case.number
    put_off = avain.json("reminder", "snooze", number, "--until", "2026-12-12", "--reason", "perhe matkoilla")
    assert (put_off["state"], put_off["due"]) == ("snoozed", "2026-12-14")
    again = avain.json("reminder", "ack", number, "--not-needed", "palvelu päättyi")
    assert (again["id"], again["state"]) == (put_off["id"], "not_needed")


def test_what_makes_no_sense_is_refused(avain):
    with pytest.raises(NotFound):
        avain.run("reminder", "ack", "HB-2026-999999")
    with pytest.raises(InputError, match="NAME=ANSWER"):
        avain.run("reminder", "ack", "1", "--finding", "supports_goals")
    with pytest.raises(NotFound):
        avain.run("reminder", "handover", "T-2026-999999")
    with pytest.raises(NotFound, match="nightly_cases"):
        avain.run("schedule", "pause", "nothing")


def test_no_mails_on_a_day_off(avain):
    avain.in_transaction(
        lambda session: move_business_clock(session, datetime.combine(date(2026, 12, 24), time(8), HELSINKI))
    )
    with pytest.raises(InputError, match="working day"):
        avain.run("reminder", "send")


def test_the_hand_over_is_ticked(avain):
    def accepted(session: Session) -> str:
        decision = session.get_one(Decision, avain.followed.item.decision_id)
        return make_order(session, decision, make_provider(session), state="accepted").number

    number = avain.in_transaction(accepted)
    assert avain.json("reminder", "handover", number, "--as", "aino")["handed_over"] is True
    assert avain.value("SELECT handed_over_by FROM purchase_order") == "cli:aino"


def test_jobs_are_listed_with_their_next_time(avain):
    jobs = {job["job"]: job for job in avain.json("schedule", "list")}
    assert jobs["daily_reminders"]["next"] == "2026-12-08T06:00:00+00:00"
    assert jobs["daily_reminders"]["working_days_only"]
    assert "nightly_prices" in avain.run("schedule", "list").stdout
    slots = avain.json("schedule", "next", "nightly_cases", "--count", "2")["slots"]
    assert slots == ["2026-12-08T01:10:00+00:00", "2026-12-09T01:10:00+00:00"]


def test_a_job_is_paused_and_resumed_without_catching_up(avain):
    avain.run("schedule", "pause", "nightly_cases")
    assert {job["job"] for job in avain.json("schedule", "list") if job["paused"]} == {"nightly_cases"}
    with pytest.raises(InputError):
        avain.run("schedule", "pause", "nightly_cases")
    avain.in_transaction(lambda session: session.execute(text("UPDATE job_state SET since = '2026-12-01'")))
    avain.run("schedule", "resume", "nightly_cases")
    assert avain.value("SELECT since::date FROM job_state") == date(2026, 12, 7)
    with pytest.raises(InputError):
        avain.run("schedule", "resume", "nightly_cases")
    actions = avain.value("SELECT array_agg(action ORDER BY id) FROM audit_event")
    assert actions == ["job.paused", "job.resumed"]


def test_a_job_is_triggered_beside_its_times(avain):
    work = avain.json("schedule", "trigger", "daily_reminders", "--as", "operator")["work"]
    assert avain.value(f"SELECT kind FROM work WHERE id = {work} AND key LIKE 'daily_reminders@2026-12-07T%+manual'")
    assert avain.json("schedule", "trigger", "nightly_cases", "--dry-run")["work"]
    assert avain.value("SELECT count(*) FROM work") == 1


def test_a_job_is_paused_until_a_moment_and_set_to_other_times(avain):
    paused = avain.json(
        "schedule", "pause", "nightly_cases", "--until", "2026-12-09T03:10", "--why", "the source moves"
    )
    assert paused["until"] == "2026-12-09T01:10:00+00:00"
    (line,) = [job for job in avain.json("schedule", "list") if job["paused"]]
    assert (line["paused_why"], line["next"]) == ("the source moves", "2026-12-09T01:10:00+00:00")
    assert "paused until 9.12.2026 03.10" in " ".join(avain.run("schedule", "list").stdout.split())
    with pytest.raises(InputError, match="not a moment"):
        avain.run("schedule", "pause", "nightly_cases", "--until", "soon")
    changed = avain.json("schedule", "set", "nightly_prices", "--time", "4.15", "--overlap", "skip", "--jitter", "120")
    assert (changed["when"], changed["overlap"], changed["jitter_seconds"]) == ("every day at 4.15", "skip", 120)
    assert avain.json("schedule", "set", "nightly_prices", "--time", "5.00", "--dry-run")["when"] == "every day at 5.00"
    found = avain.json("schedule", "next", "nightly_prices", "--count", "2")
    assert found["slots"] == ["2026-12-08T02:15:00+00:00", "2026-12-09T02:15:00+00:00"]
    assert found["slots"] != found["begins"]
    assert "later" in avain.run("schedule", "next", "nightly_prices").stdout
    assert "every day at 2.10" in avain.run("schedule", "reset", "nightly_prices").stdout
    with pytest.raises(InputError, match="0 to 3600"):
        avain.run("schedule", "set", "nightly_prices", "--jitter", "4000")
    actions = avain.value("SELECT array_agg(action ORDER BY id) FROM audit_event")
    assert actions == ["job.paused", "job.changed", "job.reset"]


def test_what_was_missed_is_listed_with_why(avain):
    avain.run("schedule", "pause", "read_incoming")
    later = datetime.combine(date(2026, 12, 7), time(9, 50), HELSINKI)
    avain.in_transaction(lambda session: move_business_clock(session, later))
    (line,) = [job for job in avain.json("schedule", "list") if job["missed"]]
    assert line["job"] == "read_incoming"
    assert [(one["why"], one["slots"]) for one in line["missed"]] == [("paused", 5)]
    assert "The job was paused." in avain.run("schedule", "list").stdout


def test_handed_to_a_colleague_and_written_down(avain):
    avain.run("reminder", "send")
    colleague = avain.in_transaction(lambda session: make_worker(session, external_id="W-77").external_id)
    number, mine = avain.followed.case.number, avain.followed.worker.external_id
    with pytest.raises(InputError, match="--to"):
        avain.run("reminder", "handover", number)
    with pytest.raises(InputError, match="not an order"):
        avain.run("reminder", "handover", "T-2026-000001", "--to", colleague, "--reason", "loma")
    with pytest.raises(InputError, match="reason is needed"):
        avain.run("reminder", "handover", number, "--to", colleague)
    assert (
        avain.json("reminder", "handover", number, "--to", colleague, "--reason", "loma", "--dry-run")["to"] == "W-77"
    )
    assert avain.value("SELECT count(*) FROM follow_up_event") == 0
    avain.run("reminder", "handover", number, "--to", colleague, "--reason", "loma", "--as", "aino")
    assert avain.value("SELECT actor FROM follow_up_event") == "cli:aino"
    (due,) = avain.json("reminder", "due", "--worker", "W-77", "--kind", "start")
    assert (due["worker"], due["handed_to"], due["kind"]) == (mine, "W-77", "start")
    assert avain.json("reminder", "due", "--worker", mine) == []
    assert avain.json("reminder", "due", "--overdue") == []
    unit = avain.value("SELECT code FROM unit ORDER BY id LIMIT 1")
    assert len(avain.json("reminder", "due", "--unit", unit, "--days", "400")) == 5
    for option in ("--unit", "--kind"):
        with pytest.raises(NotFound, match="there is no tea"):
            avain.run("reminder", "due", option, "tea")
    follow_up = str(due["id"])
    with pytest.raises(InputError, match="nothing to write down"):
        avain.run("reminder", "text", follow_up)
    avain.run("reminder", "ack", follow_up, "--finding", "kykyviisari_date=2026-12-01")
    assert avain.json("reminder", "text", follow_up, "--language", "fi")["language"] == "fi"
    assert "Kykyviisari" in avain.run("reminder", "text", follow_up).stdout
    assert avain.json("reminder", "written", follow_up, "--as", "aino")["written_down_by"] == "cli:aino"
    with pytest.raises(InputError, match="before"):
        avain.run("reminder", "written", follow_up)
    for command in ("text", "written"):
        with pytest.raises(NotFound, match="There is no follow-up 99999"):
            avain.run("reminder", command, "99999")
