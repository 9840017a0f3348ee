"""Far too many mails are held until a person releases them; the operator hears once; two who compose at once make one mail each."""

import email
import threading
from datetime import UTC, date, datetime, time, timedelta
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import core.database
import core.settings
import workers.queue
import workers.task
from cli import reminder
from core.clock import move_business_clock
from core.database import make_engine
from core.errors import InputError, Message
from core.follow_up_settings import FollowUps, Storm
from core.i18n import HELSINKI, speaking
from core.mail_settings import Mail
from core.settings import Settings
from demo.smtp_sink import SmtpSink
from services.health import Ground
from services.health.mail import reminders
from services.reminders import addresses, guard
from services.reminders.daily import Composed, compose_due
from services.work import call
from tests.factories.follow_up import WRITING, make_follow_up, make_followed
from tests.factories.worker import make_worker
from workers.tasks.letters import send_letter
from workers.tasks.reminders import daily_reminders

MONDAY = date(2026, 12, 7)
CALM = Storm(max_first=1000, max_percent=100)
TIGHT = Storm(max_factor=2, max_first=3, max_percent=100, never_below=1)


def at(day: date) -> datetime:
    return datetime.combine(day, time(8), HELSINKI).astimezone(UTC)


def followed_by(session: Session, workers: int) -> None:
    """So many workers, each with something due."""
    for _ in range(workers):
        make_follow_up(session, make_followed(session).item)
    session.flush()


def compose(session: Session, day: date = MONDAY, storm: Storm = TIGHT, **over: bool) -> Composed:
    return compose_due(session, day, at(day), FollowUps(storm=storm), WRITING, **over)


def days(session: Session) -> list[tuple[date, str, int]]:
    rows = session.execute(text("SELECT local_date, state, mails FROM digest_day ORDER BY local_date"))
    return [(row.local_date, row.state, row.mails) for row in rows]


def count(session: Session, table: str) -> int:
    return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_storm_is_held_and_the_next_mail_holds_it_all(session):
    followed_by(session, 4)
    held = compose(session)
    assert (held.mails, held.would_be) == ([], 4)
    assert held.held is not None
    assert held.held.msgid == guard.FIRST
    assert held.counts["held"] == 4
    assert (count(session, "digest"), count(session, "work")) == (0, 0)
    assert session.execute(text("SELECT max(announced_times) FROM follow_up")).scalar() == 0
    assert days(session) == [(MONDAY, "held", 4)]
    tuesday = MONDAY + timedelta(days=1)
    assert len(compose(session, tuesday, CALM).mails) == 4
    assert days(session)[1:] == [(tuesday, "composed", 4)]
    assert guard.held_now(session, tuesday) is None


def test_what_is_added_later_in_the_day_is_counted_with_what_went_out(session):
    followed_by(session, 2)
    assert len(compose(session).mails) == 2
    followed_by(session, 2)
    held = compose(session)
    assert held.held is not None
    assert "4" in held.held.text("en")
    assert days(session) == [(MONDAY, "held", 4)]


def test_the_usual_is_what_days_with_mails_had(session):
    for n in range(1, 31):
        state, mails = ("held", 900) if n % 7 == 0 else ("composed", 0 if n % 5 == 0 else 2)
        session.execute(
            text("INSERT INTO digest_day (local_date, state, mails) VALUES (:day, :state, :mails)"),
            {"day": MONDAY - timedelta(days=n), "state": state, "mails": mails},
        )
    followed_by(session, 5)
    held = compose(session).held
    assert held is not None
    assert held.msgid == guard.FACTOR
    assert held.params == {"mails": 5, "usual": 2, "allowed": 4}


def test_what_is_held_is_shown_by_a_dry_run(session):
    followed_by(session, 4)
    shown = compose(session, only_look=True)
    assert len(shown.mails) == 4
    assert shown.held is not None
    assert all("HB-" in mail.document for mail in shown.mails)
    assert all(not mail.document for mail in compose(session, MONDAY + timedelta(days=1), CALM, documents=False).mails)


def test_nothing_is_released_that_is_not_held(session):
    with pytest.raises(InputError, match="No reminders are held"):
        guard.release(session, FollowUps(), MONDAY, actor="a", now=at(MONDAY))
    followed_by(session, 4)
    compose(session)
    with pytest.raises(InputError, match="working day"):
        guard.release(session, FollowUps(), MONDAY - timedelta(days=1), actor="a", now=at(MONDAY))
    with pytest.raises(InputError, match="held anew"):
        guard.release(session, FollowUps(), MONDAY, actor="a", now=at(MONDAY), seen="2026-12-04")
    tuesday = MONDAY + timedelta(days=1)
    guard.release(session, FollowUps(), tuesday, actor="a", now=at(tuesday), seen=str(MONDAY))
    assert len(compose(session, tuesday).mails) == 4
    followed_by(session, 4)
    assert len(compose(session, tuesday).mails) == 4, "the whole day was released"
    assert days(session)[1:] == [(tuesday, "released", 8)]


# With commits ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(database, monkeypatch, tmp_path):
    """An installation of four workers, each with something due today, of which three would be too many."""
    engine = make_engine(database.database_url)
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    monkeypatch.setattr(core.database, "engine", lambda: engine)
    monkeypatch.setattr(workers.task, "hint", lambda _ids: None)
    monkeypatch.setattr(workers.queue, "hint", lambda _ids: None)
    with Session(engine) as session, session.begin():
        followed_by(session, 4)
        make_follow_up(session, make_followed(session, worker=make_worker_of_nobody(session)).item)
    with speaking("en"):
        yield engine
    engine.dispose()


def make_worker_of_nobody(session: Session) -> Any:
    """A worker without an address, in a unit whose supervisor has none either."""
    followed = make_followed(session, email=None)
    followed.supervisor.email = None
    session.flush()
    return followed.worker


def configure(monkeypatch, port: int = 1) -> Settings:
    mail = Mail(
        host="127.0.0.1", port=port, sender="avain@avain-esimerkki.invalid", operator_email="yllapito@alue.invalid"
    )
    settings = Settings(mail=mail, follow_ups=FollowUps(storm=TIGHT), language="en")
    monkeypatch.setattr(workers.task, "current_settings", lambda: settings)
    monkeypatch.setattr(core.settings, "settings", lambda: settings)
    return settings


def a_day(engine: Any, day: date) -> None:
    with Session(engine) as session, session.begin():
        move_business_clock(session, at(day))
        work_id = call(session, "daily_reminders", f"slot {day}")
    assert work_id is not None
    workers.task.perform(work_id, daily_reminders)


def test_the_operator_hears_once_and_releases(office, monkeypatch):
    def values(sql: str) -> list[Any]:
        with Session(office) as session:
            return list(session.execute(text(sql)).scalars())

    with SmtpSink() as sink:
        settings = configure(monkeypatch, sink.port)
        for n in range(3):
            a_day(office, MONDAY + timedelta(days=n))
        assert values("SELECT outcome FROM run WHERE kind = 'daily_reminders' ORDER BY id") == ["held"] * 3
        for work_id in values("SELECT id FROM work WHERE kind = 'send_letter'"):
            workers.task.perform(work_id, send_letter)
        (received,) = sink.messages
    letter = email.message_from_bytes(received.content, policy=default)
    assert (letter["To"], letter["Auto-Submitted"]) == ("yllapito@alue.invalid", "auto-generated")
    assert letter["List-Id"] == "<reminders.avain.avain-esimerkki.invalid>"
    said = letter.get_content()
    assert "4 e-mails would go out today; on the first days more than 3 are held." in said
    assert said.count("reach nobody: neither they nor any supervisor") == 1
    assert "avain reminder send" in said
    assert len(values("SELECT told_at FROM digest_day WHERE told_at IS NOT NULL")) >= 1

    finding, nobody = reminders(Ground(settings))
    assert (finding.state, nobody.state) == ("broken", "broken")
    assert "held since 2026-12-07: 4 e-mails" in str(finding.found)
    assert str(nobody.found).startswith("2 reach nobody")

    shown = CliRunner().invoke(reminder.app, ["send", "--dry-run"])
    assert shown.exit_code == 0
    assert shown.stdout.count("/follow-ups/") == 4
    assert "Held: 4 e-mails" in shown.stdout
    assert values("SELECT count(*) FROM digest") == [0]
    again = CliRunner().invoke(reminder.app, ["send"])
    assert again.exit_code == 1
    assert "avain reminder send --release" in again.stdout
    released = CliRunner().invoke(reminder.app, ["send", "--release", "--as", "olli"])
    assert released.exit_code == 0
    assert values("SELECT count(*) FROM digest") == [4]
    assert values("SELECT count(*) FROM work WHERE kind = 'send_digest'") == [4]
    assert values("SELECT released_by FROM digest_day WHERE state = 'released'") == ["cli:olli"]
    assert values("SELECT acknowledged FROM run WHERE outcome = 'held'") == ["approved"] * 3
    actions = values("SELECT action FROM audit_event ORDER BY id")
    assert actions == ["reminders.released", "reminders.sent"]
    assert [one.state for one in reminders(Ground(settings))] == ["broken"], "nobody is reached as before"
    a_day(office, MONDAY + timedelta(days=3))
    assert values("SELECT count(*) FROM digest") == [4], "told today is not told again before its time"


def test_two_who_compose_at_once_write_everybody_one_mail(office):
    """Both at the same moment, in sessions of their own: the second waits for the first and finds everybody served."""
    start, made, failed = threading.Barrier(2), [], []

    def beat() -> None:
        try:
            with Session(office) as session, session.begin():
                session.execute(text("SELECT 1"))
                start.wait(10)
                made.append(len(compose(session, storm=CALM).mails))
        except Exception as error:  # noqa: BLE001 - looked at below
            failed.append(error)

    both = [threading.Thread(target=beat) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert not failed
    assert sorted(made) == [0, 4]
    with Session(office) as session:
        assert (count(session, "digest"), count(session, "work")) == (4, 4)
        assert days(session) == [(MONDAY, "composed", 4)]
        times = session.execute(text("SELECT announced_times FROM follow_up ORDER BY announced_times")).scalars().all()
        assert times == [0, 1, 1, 1, 1]


def test_a_release_and_the_days_job_at_once_write_everybody_one_mail(office):
    with Session(office) as session, session.begin():
        assert compose(session).held
    with Session(office) as first, Session(office) as second:
        with first.begin():
            guard.release(first, FollowUps(), MONDAY, actor="a", now=at(MONDAY))
            assert len(compose(first).mails) == 4
        with second.begin():
            assert compose(second).mails == []
        assert days(second) == [(MONDAY, "released", 4)]


def test_a_command_and_the_days_job_hold_the_day_before_any_follow_up(office, monkeypatch):
    """Planning in a command's transaction and composing in a job's must not wait for each other for ever."""
    configure(monkeypatch)
    seen: list[str] = []

    def planned(session: Session, *_: Any) -> None:
        with Session(office) as other, other.begin():
            free = other.execute(
                text("SELECT count(*) FROM (SELECT FROM digest_day FOR UPDATE SKIP LOCKED) AS free")
            ).scalar()
            rows = session.execute(text("SELECT count(*) FROM digest_day")).scalar()
            seen.append(f"{free} of {rows}")

    monkeypatch.setattr("services.follow_ups.planning.plan", planned)
    with Session(office) as session, session.begin():
        move_business_clock(session, at(MONDAY))
    CliRunner().invoke(reminder.app, ["send"])
    assert seen == ["0 of 1"]


def test_without_an_address_the_operator_is_told_once_there_is_one(office):
    from core.errors import Message
    from services.alarms import Alarm, tell
    from services.alarms.telling import SORTS

    alarm = Alarm("reminders_held", "day:2026-12-07", Message(guard.FIRST, mails=4, allowed=3))
    with Session(office) as session, session.begin():
        assert tell(session, [alarm], Settings(), now=at(MONDAY)) == 0
        told = Settings(mail=Mail(operator_email="yllapito@alue.invalid"))
        assert tell(session, [alarm], told, now=at(MONDAY)) == 1
        assert tell(session, [alarm], told, now=at(MONDAY)) == 0
    assert {one.reader for one in SORTS.values()} == {"price manager", "operator"}


def test_nobody_is_spoken_of_by_name_in_what_the_operator_reads(office):
    with Session(office) as session, session.begin():
        worker = make_worker(session, name="Kanaria Salainen")
        assert worker.external_id
        from services.reminders.operators import tell_operator

        unheard = compose(session).unheard
        unheard[worker.external_id] += 1
        unheard[None] += 1
        addresses.refuse(
            session,
            worker.id,
            worker.email or "",
            Message("550 5.1.1 <kanaria.salainen@alue.invalid>: User unknown"),
            at(MONDAY),
        )
        settings = Settings(mail=Mail(operator_email="yllapito@alue.invalid"))
        assert tell_operator(session, settings, unheard, MONDAY, now=at(MONDAY)) == 5
        said = session.execute(text("SELECT document FROM letter")).scalar_one()
        assert f"{worker.external_id}, refused on" in said
    assert "kanaria" not in said.lower()
