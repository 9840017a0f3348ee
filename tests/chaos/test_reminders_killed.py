"""The day's mails while processes die, tick twice and compose at once: one mail a worker and day, nothing lost, nothing counted twice."""

import threading
from collections.abc import Iterator
from datetime import date, datetime, time
from email import message_from_bytes
from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.clock import move_business_clock
from core.embedded import Embedded
from core.i18n import HELSINKI
from demo.smtp_sink import SmtpSink
from services.work import call
from tests.factories.follow_up import make_followed, make_notice
from tests.support.in_process import InProcess, in_process
from tests.support.installation import installation
from workers.task import perform
from workers.tasks import reminders

pytestmark = pytest.mark.slow

MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)
#: What a day's composing left, by natural key.
DIGESTS = """
    SELECT external_id, local_date, jsonb_array_length(items -> 'announced') AS announced, jsonb_array_length(items -> 'news') AS news
    FROM digest JOIN worker ON worker.id = worker_id ORDER BY external_id, local_date
"""
#: How often each follow-up that is due was told of, as counted and as it stands in the mails.
TOLD = """
    SELECT announced_times, (SELECT count(*) FROM digest WHERE items -> 'announced' @> to_jsonb(follow_up.id)) AS mails
    FROM follow_up WHERE due <= '2026-12-07' AND state = 'open'
"""
ALL_SENT = "SELECT 1 FROM digest WHERE local_date = :day AND state = 'sent' HAVING count(*) = 3"
SEND = "SELECT count(*) AS n FROM work WHERE kind = 'send_digest'"


@pytest.fixture
def here(database: Embedded, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    monkeypatch.setenv("AVAIN_HASH_KEY", "only-for-tests-0123456789abcdef-only-for-tests")
    with in_process(database, tmp_path, monkeypatch) as made:
        made.configure(mail__sender="avain@avain-esimerkki.invalid")
        yield made


def an_office(session: Session) -> list[str]:
    """Three workers with two services each whose start is looked at on Monday, and news for each."""
    found = []
    for _ in range(3):
        first = make_followed(session)
        make_followed(session, worker=first.worker)
        make_notice(session, first.worker)
        found.append(first.worker.external_id)
    move_business_clock(session, datetime.combine(MONDAY, time(8, 1), HELSINKI))
    return sorted(found)


def composed_once(here: InProcess, workers: list[str]) -> None:
    assert [tuple(row) for row in here.rows(DIGESTS)] == [(worker, MONDAY, 2, 1) for worker in workers]
    assert {tuple(row) for row in here.rows(TOLD)} == {(1, 1)}
    assert here.rows(SEND)[0].n == len(workers)
    assert here.rows("SELECT count(*) AS n FROM notice WHERE told_at IS NULL")[0].n == 0


@pytest.mark.parametrize(
    "point", ["work.claimed", "follow_ups.planned", "digest.composed", "work.before_close", "work.after_close"]
)
def test_killed_while_planning_and_composing(here, point):
    """Whatever was under way is done over, or was done: it is never half done."""
    with here.transaction() as session:
        workers = an_office(session)
        planning = call(session, "plan_follow_ups", "plan_follow_ups@test")
        composing = call(session, "daily_reminders", "daily_reminders@test")
    if point != "digest.composed":
        here.die_doing(planning, "workers.tasks.reminders.plan_follow_ups", point)
        planned = here.rows("SELECT count(*) AS n FROM follow_up")[0].n
        assert bool(planned) == (point == "work.after_close")
    if point != "follow_ups.planned":
        here.die_doing(composing, "workers.tasks.reminders.daily_reminders", point)
        assert bool(here.rows(DIGESTS)) == (point == "work.after_close")
    here.do_due("plan_follow_ups", reminders.plan_follow_ups)
    here.do_due("daily_reminders", reminders.daily_reminders)
    composed_once(here, workers)
    assert (
        here.rows(
            "SELECT case_id, plan_item_id, kind, planned_for FROM follow_up GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
        )
        == []
    )


@pytest.mark.parametrize("turn", range(3))
def test_composing_twice_at_once(here, turn):
    """The slot's work and somebody's own, or two that a clock brought about: together they write one mail each."""
    with here.transaction() as session:
        workers = an_office(session)
        works = [call(session, "daily_reminders", f"daily_reminders@{n}") for n in range(2 + turn)]
    start = threading.Barrier(len(works))

    def compose(work: int) -> None:
        start.wait()
        perform(work, reminders.daily_reminders)

    threads = [threading.Thread(target=compose, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    here.do_due("daily_reminders", reminders.daily_reminders)
    composed_once(here, workers)
    assert {row.outcome for row in here.rows("SELECT outcome FROM run")} <= {"succeeded", "nothing_to_do"}


def test_two_beats(database, tmp_path, monkeypatch):
    """Two beats and two workers as an operator starts them, over two days: each slot is one Work, each worker has one mail a day."""
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with (
        SmtpSink() as sink,
        installation(
            database, tmp_path,
            AVAIN_MAIL__HOST="127.0.0.1", AVAIN_MAIL__PORT=str(sink.port), AVAIN_MAIL__SENDER="avain@avain-esimerkki.invalid",
        ) as running,
    ):  # fmt: skip
        with Session(running.engine) as session, session.begin():
            workers = an_office(session)
            move_business_clock(session, datetime.combine(MONDAY, time(7, 0), HELSINKI))
        for _ in range(2):
            running.start("worker", "--group", "outside")
            running.start("beat")
        running.wait(lambda: running.rows("SELECT 1 FROM job_state WHERE job = 'daily_reminders'"))
        for day in (MONDAY, TUESDAY):
            if day == TUESDAY:
                running.execute(
                    "INSERT INTO notice (worker_id, kind, subject, event, message) SELECT worker_id, kind, subject, 'next', '{}' FROM notice"
                )
            with Session(running.engine) as session, session.begin():  # both beats see the slot come
                move_business_clock(session, datetime.combine(day, time(7, 59, 59), HELSINKI))
            running.wait(partial(running.rows, ALL_SENT, day=day))
        running.wait(
            lambda: (
                not running.rows(
                    "SELECT 1 FROM work WHERE done_at IS NULL AND kind IN ('daily_reminders', 'send_digest')"
                )
            )
        )
        slots = [row.key for row in running.rows("SELECT key FROM work WHERE kind = 'daily_reminders' ORDER BY key")]
        digests = [(row.external_id, row.local_date) for row in running.rows(DIGESTS)]
        received = [message_from_bytes(one.content)["Message-ID"] for one in sink.messages]
    assert slots == ["daily_reminders@2026-12-07T06:00Z", "daily_reminders@2026-12-08T06:00Z"]
    assert digests == [(worker, day) for worker in workers for day in (MONDAY, TUESDAY)]
    assert len(received) == len(set(received)) == 6
