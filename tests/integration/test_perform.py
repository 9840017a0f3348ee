"""What becomes of a Work when its task fails: each kind of error, told as itself, leaking nothing."""

import io
import os
import time

import pytest
import redis
import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core import database
from core.errors import AlreadyDone, InputError, Permanent, Transient
from core.logging import configure_logging
from core.redis import redis_client_url
from services.work import KINDS, call
from services.work.lease import when_given_up
from services.work.queueing import ABSURD_LENGTH, TARGET_LENGTH
from tests.support.in_process import InProcess
from workers import keeper, tick
from workers.app import app
from workers.task import Lease, perform
from workers.tasks import reminders  # noqa: F401 - known to the application


def do(here: InProcess, body, key: str = "k") -> tuple[str, str]:
    """Do a new Work with `body`: its Run's outcome and message."""
    with here.transaction() as session:
        work_id = call(session, "deliver_order", key, subject_id=1)
    assert work_id is not None
    perform(work_id, body)
    row = here.rows("SELECT outcome, message FROM run WHERE work_id = :id", id=work_id)[0]
    return row.outcome, (row.message or {}).get("msgid", "")


def raising(error: BaseException):
    def body(_lease: Lease) -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Transient("later"), "retry"),
        (Permanent("never"), "failed"),
        (InputError("wrong"), "failed"),
        (AlreadyDone("has it"), "succeeded"),
        (ZeroDivisionError(), "retry"),
    ],
)
def test_each_error_ends_the_attempt_in_its_way(here, error, outcome):
    assert do(here, raising(error))[0] == outcome


@pytest.mark.parametrize("error", [ZeroDivisionError("too many words"), OperationalError("SELECT 1", {}, Exception())])
def test_no_error_leaves_a_task_for_celery_to_carry(here, monkeypatch, error):
    """On its way to Celery's main process one that is long can cost the worker a process for good (workers/task.py)."""

    def away(*_: object) -> None:
        raise error

    monkeypatch.setattr("workers.task.claim", away)
    monkeypatch.setitem(app.conf, "task_eager_propagates", True)
    with structlog.testing.capture_logs() as logged:
        assert app.tasks["deliver_order"].apply(kwargs={"work_id": 1}).result is None
    assert [(one["event"], one["work"]) for one in logged] == [
        ("database_failed" if isinstance(error, OperationalError) else "task_failed", 1)
    ]


def test_a_hint_that_names_work_of_another_kind_is_not_obeyed(here):
    """A queue may hold hints from before the database was restored from a copy: their numbers are other Work now."""
    with here.transaction() as session:
        work_id = call(session, "deliver_order", "k", subject_id=1)
    assert work_id is not None
    app.tasks["send_digest"](work_id=work_id)
    assert here.rows("SELECT token, attempts, done_at FROM work") == [(None, 0, None)]


def test_out_of_time_is_said_as_that(here):
    outcome, said = do(here, raising(SoftTimeLimitExceeded()))
    assert (outcome, said) == ("retry", "It took longer than the {seconds} seconds allowed.")


def test_the_other_side_says_when_to_come_back(here):
    do(here, raising(Transient("later", retry_after=5000)))
    (row,) = here.rows("SELECT next_at > clock_timestamp() + interval '4900 seconds' AS late FROM work")
    assert row.late


def test_the_lease_is_renewed_while_the_body_works(here, monkeypatch):
    monkeypatch.setattr(keeper, "RENEW_SECONDS", 0.02)

    def body(_lease: Lease) -> None:
        (first,) = here.rows("SELECT lease_until FROM work")
        until = time.monotonic() + 20
        while here.rows("SELECT lease_until FROM work")[0] == first:
            assert time.monotonic() < until, "nobody renews it"
            time.sleep(0.02)

    assert do(here, body)[0] == "succeeded"


def test_work_that_ended_in_its_body_ends_once(here):
    def body(lease: Lease) -> None:
        with lease.closing() as closing:
            closing.report("nothing_to_do")

    with structlog.testing.capture_logs() as logs:
        assert do(here, body)[0] == "nothing_to_do"
    assert [entry["event"] for entry in logs] == ["work_closed"]


def test_a_body_that_says_nothing_has_succeeded(here):
    assert do(here, lambda _lease: None)[0] == "succeeded"


def test_a_database_error_is_a_failure_of_its_own_and_shows_no_row(here):
    """PostgreSQL quotes the failing row in its DETAIL; neither the log nor the Run may."""
    log = io.StringIO()
    configure_logging("json", "INFO", stream=log)

    def body(lease: Lease) -> None:
        with lease.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO client (source, external_id) VALUES ('Salainen Asiakas', 'x'), ('Salainen Asiakas', 'x')"
                )
            )

    outcome, message = do(here, body)
    assert outcome == "retry"
    assert "unexpected error" in message
    assert "uq_client_source_external_id" in log.getvalue()
    assert "Salainen" not in log.getvalue()
    assert not here.rows("SELECT 1 FROM work WHERE token IS NOT NULL")


def test_a_process_that_must_end_gives_the_work_back_and_ends(here):
    with pytest.raises(SystemExit):
        do(here, raising(SystemExit(0)))
    assert here.rows("SELECT attempts FROM work WHERE token IS NULL")[0].attempts == 0


def test_it_ends_even_if_the_lease_is_lost(here):
    def body(_lease: Lease) -> None:
        here.rows("UPDATE work SET token = NULL, lease_until = NULL RETURNING id")
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        do(here, body)


def test_nothing_is_written_in_between_once_the_lease_is_lost(here):
    def body(lease: Lease) -> None:
        with lease.transaction() as session:
            call(session, "plan_follow_ups", "written")
        here.rows("UPDATE work SET token = gen_random_uuid() WHERE key = 'k' RETURNING id")
        with lease.transaction() as session:
            call(session, "plan_follow_ups", "thrown away")

    assert do(here, body)[0] is None, "another attempt is under way and ends by itself"
    assert {row.key for row in here.rows("SELECT key FROM work")} == {"k", "written"}


def test_what_an_attempt_calls_for_is_in_the_queue_with_its_commit(here):
    client = redis.Redis.from_url(redis_client_url(database.redis_url()))
    lengths = []

    def body(lease: Lease) -> None:
        with lease.transaction() as session:
            call(session, "plan_follow_ups", "between")
        lengths.append(client.llen("reminders"))
        with lease.closing() as closing:
            call(closing.session, "plan_follow_ups", "at the end")

    do(here, body)
    assert (*lengths, client.llen("reminders")) == (1, 2)


def test_a_queue_is_never_filled_beyond_its_length(here):
    client = redis.Redis.from_url(redis_client_url(database.redis_url()))
    client.lpush("orders", *("waits" for _ in range(TARGET_LENGTH - 1)))
    with here.transaction() as session:
        for number in range(2):
            call(session, "deliver_order", f"k{number}", subject_id=1)
    assert [tick.tick().enqueued for _ in range(2)] == [1, 0]


def test_with_the_queue_away_work_waits_unmarked_and_beat_goes_on(here):
    with here.transaction() as session:
        call(session, "deliver_order", "k", subject_id=1)
    here.configure(redis_url="redis://127.0.0.1:1/0")
    database.redis_url.cache_clear()
    assert tick.tick().enqueued == 0
    assert here.rows("SELECT enqueued_at FROM work WHERE key = 'k'")[0].enqueued_at is None


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_attempt_outlives_its_deadline(kind):
    """Celery ends it by force at the moment past which its lease is never renewed; a little earlier it may say so itself."""
    app.loader.import_default_modules()
    task = app.tasks[kind.name]
    assert task.soft_time_limit < task.time_limit == kind.deadline


def test_a_database_that_is_away_ends_the_attempt_quietly(here, monkeypatch):
    """Not even the failure can be recorded: the child goes on, the lease runs out, the tick takes over."""

    def away(*_arguments: object, **_options: object) -> None:
        raise OperationalError("COMMIT", None, Exception("gone"))

    monkeypatch.setattr("workers.task.fail", away)
    with here.transaction() as session:
        work_id = call(session, "deliver_order", "k", subject_id=1)
    assert work_id is not None
    perform(work_id, raising(Transient("later")))
    assert here.rows("SELECT token IS NOT NULL AS held FROM work WHERE id = :id", id=work_id)[0].held
    here.rows("UPDATE work SET lease_until = clock_timestamp() WHERE id = :id RETURNING id", id=work_id)
    assert tick.expire() == 1
    assert here.rows("SELECT outcome FROM run WHERE work_id = :id", id=work_id)[0].outcome == "lost"


def test_one_failing_aftermath_stops_neither_expiry_nor_the_others(here):
    told = []

    def aftermath(session, ended) -> None:
        if ended.subject_id == 1:
            session.execute(text("SELECT 1/0"))
        told.append(ended.subject_id)

    when_given_up("test_aftermath")(aftermath)
    with here.transaction() as session:
        for subject in (1, 2):
            call(session, "test_aftermath", f"k{subject}", subject_id=subject)
        session.execute(
            text(
                "UPDATE work SET token = gen_random_uuid(), attempts = 9, claimed_generation = 1, lease_until = clock_timestamp()"
            )
        )
    assert tick.expire() == 2
    assert told == [2]
    assert len(here.rows("SELECT 1 FROM work WHERE dead_at IS NOT NULL AND token IS NULL")) == 2
    assert tick.expire() == 0


def test_a_slot_is_called_for_once_however_often_beat_ticks(here):
    from datetime import UTC, datetime

    from core.follow_up_settings import FollowUps
    from schedules.jobs import jobs
    from services.jobs import call_due_slots

    table = jobs(FollowUps())
    before, after = datetime(2026, 11, 16, 0, 0, tzinfo=UTC), datetime(2026, 11, 16, 6, 0, 1, tzinfo=UTC)
    with here.transaction() as session:
        assert call_due_slots(session, table, before) == 0
    with here.transaction() as session:
        first = call_due_slots(session, table, after)
    assert first >= 4
    last_id = here.rows("SELECT max(id) AS id FROM work")[0].id
    for _ in range(3):
        with here.transaction() as session:
            assert call_due_slots(session, table, after) == 0
    with here.transaction() as session:
        assert call(session, "deliver_order", "next") == last_id + 1, "ticking burns no ids"


def test_a_queue_full_of_garbage_is_thrown_away_and_filled_anew(here):
    client = redis.Redis.from_url(redis_client_url(database.redis_url()))
    client.lpush("orders", *(f"garbage {number}" for number in range(ABSURD_LENGTH + 1)))
    client.lpush("reminders", *(f"a few {number}" for number in range(10)))
    with here.transaction() as session:
        call(session, "deliver_order", "k", subject_id=1)
    assert tick.tick().enqueued == 1
    assert (client.llen("orders"), client.llen("reminders")) == (1, 10)


def test_a_changed_configuration_is_followed_and_a_broken_one_is_not(here, tmp_path):
    file = tmp_path / "avain.toml"
    file.write_text("[budgets]\ntolerance = 0.1\n", "utf-8")
    here.configure(config=file)
    seen = []
    for number, content in enumerate(
        ("[budgets]\ntolerance = 0.2\n", "[budgets]\ntolernace = 0.3\n", "[budgets]\ntolerance = 0.4\n")
    ):
        do(here, lambda lease: seen.append(str(lease.settings.budgets.tolerance)), f"before {number}")
        file.write_text(content, "utf-8")
        os.utime(file, ns=(number + 1, number + 1))
        do(here, lambda lease: seen.append(str(lease.settings.budgets.tolerance)), f"after {number}")
    assert seen == ["0.1", "0.2", "0.2", "0.2", "0.2", "0.4"]
