"""The tasks of reminders under a real lease, over real SMTP: one mail arrives, whatever dies in between."""

import contextlib
import email
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import core.database
import workers.task
from core.clock import move_business_clock
from core.database import make_engine
from core.i18n import HELSINKI
from core.mail_settings import Mail
from core.settings import Settings
from demo.smtp_sink import SmtpSink
from models.case import PlanItem
from models.worker import Worker
from services.work import call, expire_leases
from services.work.lease import after_death
from tests.factories.follow_up import Followed, make_followed
from workers import series
from workers.tasks import reminders

BODIES = {
    "plan_follow_ups": reminders.plan_follow_ups,
    "daily_reminders": reminders.daily_reminders,
    "send_digest": reminders.send_digest,
}


@dataclass
class Office:
    """A database of the test's own, a mail server, one followed service; tasks are done in this process."""

    engine: Engine
    sink: SmtpSink
    followed: Followed

    def rows(self, sql: str) -> list[Any]:
        with Session(self.engine) as session:
            return list(session.execute(text(sql)).all())

    def do(self, sql: str) -> None:
        with Session(self.engine) as session, session.begin():
            session.execute(text(sql))

    def set_clock(self, day: date, hour: int = 8) -> None:
        with Session(self.engine) as session, session.begin():
            move_business_clock(session, datetime.combine(day, time(hour), HELSINKI))

    def call(self, kind: str, key: str, subject_id: int | None = None) -> None:
        with Session(self.engine) as session, session.begin():
            call(session, kind, key, subject_id=subject_id)

    def work(self) -> None:
        """Do all Work there is, each once, as its queue would hand it out."""
        for row in self.rows("SELECT id, kind FROM work WHERE done_at IS NULL AND dead_at IS NULL ORDER BY id"):
            workers.task.perform(row.id, BODIES[row.kind])

    def lose_leases(self) -> None:
        """What the tick does after processes died."""
        self.do("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL")
        with Session(self.engine) as session, session.begin():
            for ended in expire_leases(session)[1]:
                after_death(session, ended)
        self.hurry()

    def hurry(self) -> None:
        self.do("UPDATE work SET next_at = clock_timestamp() WHERE done_at IS NULL")

    def outcomes(self) -> list[str]:
        return [row.outcome for row in self.rows("SELECT outcome FROM run ORDER BY id")]

    def states(self) -> list[str]:
        return [row.state for row in self.rows("SELECT state FROM digest ORDER BY id")]


@pytest.fixture
def office(database, monkeypatch) -> Iterator[Office]:
    engine = make_engine(database.database_url)
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    monkeypatch.setattr(core.database, "engine", lambda: engine)
    monkeypatch.setattr(workers.task, "hint", lambda _ids: None)
    with SmtpSink() as sink:
        mail = Mail(host="127.0.0.1", port=sink.port, sender="avain@avain-esimerkki.invalid")
        monkeypatch.setattr(workers.task, "current_settings", lambda: Settings(mail=mail))
        with Session(engine, expire_on_commit=False) as session, session.begin():
            followed = make_followed(session)
        made = Office(engine, sink, followed)
        made.set_clock(date(2026, 12, 7))
        yield made
    engine.dispose()


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours gets to run after it."""


def dying_at(monkeypatch, point: str, times: int = 1) -> None:
    left = [times]

    def fault(name: str) -> None:
        if name == point and left[0]:
            left[0] -= 1
            raise Killed

    monkeypatch.setattr(series, "fault_point", fault)


def test_from_the_slot_to_the_mailbox(office):
    office.call("daily_reminders", "daily_reminders@2026-12-07T06:00Z")
    office.work()
    office.work()
    (received,) = office.sink.messages
    message = email.message_from_bytes(received.content, policy=default)
    assert received.recipients == (office.followed.worker.email,)
    assert message["Auto-Submitted"] == "auto-generated"
    assert office.followed.case.number in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert office.states() == ["sent"]
    assert office.outcomes() == ["succeeded", "succeeded"]
    # the slot comes again, or the job is triggered by hand: no second mail that day
    office.call("daily_reminders", "again")
    office.work()
    office.work()
    assert len(office.sink.messages) == 1
    assert office.outcomes()[-1] == "nothing_to_do"


def test_ten_days_without_beat_are_one_mail(office):
    office.call("plan_follow_ups", "plan")
    office.work()
    office.set_clock(date(2027, 1, 25))  # start check, and two interval checks since
    office.call("daily_reminders", "late")
    office.work()
    office.work()
    assert len(office.sink.messages) == 1
    assert office.rows("SELECT count(*) AS n FROM follow_up WHERE announced_times = 1")[0].n == 3


def test_no_mail_on_a_day_off(office):
    office.call("plan_follow_ups", "all")
    office.work()
    office.set_clock(date(2026, 12, 24))  # the start check is due
    office.call("daily_reminders", "eve")
    office.work()
    assert office.outcomes() == ["succeeded", "nothing_to_do"]
    assert office.states() == []


@pytest.mark.parametrize(("point", "mails"), [("digest.sending", 1), ("digest.sent", 2)])
def test_a_process_that_dies_while_sending(office, monkeypatch, point, mails):
    """Before the server had it: one arrives. After, unrecorded: the same message once more (RFC 1047)."""
    dying_at(monkeypatch, point)
    office.call("daily_reminders", "slot")
    office.work()
    with pytest.raises(Killed):
        office.work()
    assert office.states() == ["sending"]
    office.lose_leases()
    office.work()
    assert [one.content for one in office.sink.messages] == [office.sink.messages[0].content] * mails
    assert office.states() == ["sent"]


def test_dying_twice_leaves_it_to_a_person_and_tells_the_supervisor(office, monkeypatch):
    dying_at(monkeypatch, "digest.sent", times=2)
    office.call("daily_reminders", "slot")
    office.work()
    for _ in range(2):
        with contextlib.suppress(Killed):
            office.work()
        office.lose_leases()
    office.work()
    assert len(office.sink.messages) == 2
    assert office.states() == ["failed"]
    (notice,) = office.rows("SELECT worker_id, kind FROM notice")
    assert tuple(notice) == (office.followed.supervisor.id, "digest_undelivered")


def test_a_server_that_puts_off_is_tried_again_and_one_that_refuses_is_not(office):
    office.sink.recorder.script += ["451", "451", "accept"]
    office.call("daily_reminders", "slot")
    office.work()
    for _ in range(3):
        office.hurry()
        office.work()
    assert len(office.sink.messages) == 1
    assert office.outcomes() == ["succeeded", "retry", "retry", "succeeded"]
    office.set_clock(date(2026, 12, 10))
    office.sink.recorder.script += ["reject-recipient"]
    office.call("daily_reminders", "next")
    office.work()
    office.work()
    assert office.outcomes()[-1] == "failed"
    assert office.states() == ["sent", "failed"]


def test_a_server_that_takes_and_falls_silent_gets_the_same_mail_once_more(office):
    office.sink.recorder.script += ["keep-and-drop"] * 9
    office.call("daily_reminders", "slot")
    office.work()
    for _ in range(5):
        office.hurry()
        office.work()
    first, second = office.sink.messages
    assert first.content == second.content
    assert office.states() == ["failed"]
    assert office.outcomes() == ["succeeded", "retry", "retry", "failed"]


def test_nobody_to_tell_is_said(office):
    office.do("UPDATE worker SET email = NULL")
    office.call("daily_reminders", "slot")
    office.work()
    (run,) = office.rows("SELECT outcome, counts, message FROM run")
    assert (run.outcome, run.counts["unreachable"]) == ("partly", 1)
    assert run.message["params"] == {"count": 1}


def test_one_item_is_planned_alone(office):
    with Session(office.engine, expire_on_commit=False) as session, session.begin():
        worker = session.get_one(Worker, office.followed.worker.id)
        other: PlanItem = make_followed(session, worker=worker).item
    office.call("plan_follow_ups", "one", other.id)
    office.work()
    assert {row.plan_item_id for row in office.rows("SELECT plan_item_id FROM follow_up")} == {other.id}
