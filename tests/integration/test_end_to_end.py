"""The tick and real worker processes, end to end: work is found, done, and survives what kills processes and queues."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import redis
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import embedded
from core.redis import redis_client_url
from core.settings import ROOT
from tests.support.debian_servers import admin_url
from tests.support.installation import free_port, installation

pytestmark = pytest.mark.slow
#: Many processes start at once, on a machine that may have other things to do.
PATIENCE = 180.0


@pytest.fixture
def running(database, tmp_path):
    with installation(database, tmp_path) as made:
        yield made


def call(running, key: str, kind: str = "recompute_budgets") -> int:
    """Call for work as a writer does whose hint to the queue is lost."""
    running.execute(
        "INSERT INTO work (kind, key, arguments, queue) VALUES (:kind, :key, '{}', 'budgets')", kind=kind, key=key
    )
    return int(running.rows("SELECT id FROM work WHERE key = :key", key=key)[0].id)


def done(running, key: str):
    return running.rows("SELECT 1 FROM work WHERE key = :key AND done_at IS NOT NULL", key=key)


def outcomes(running, key: str) -> list[str | None]:
    return [
        row.outcome
        for row in running.rows(
            "SELECT outcome FROM run JOIN work ON work.id = work_id WHERE key = :key ORDER BY run.id", key=key
        )
    ]


def test_the_tick_finds_work_and_a_worker_does_it(running):
    running.start("worker", "--group", "inside")
    running.start("beat")
    call(running, "a")
    running.wait(lambda: done(running, "a"))
    assert outcomes(running, "a") in (["succeeded"], ["nothing_to_do"])
    running.wait(lambda: {row.kind for row in running.rows("SELECT kind FROM heartbeat")} == {"worker", "beat"})
    assert running.run("alive", "beat").returncode == 0
    assert running.run("alive", "worker").returncode == 0


def test_two_beats_and_a_forgotten_queue_lose_and_double_nothing(running):
    running.start("worker", "--group", "inside")
    running.start("beat")
    running.start("beat")
    keys = [f"k{number}" for number in range(60)]
    for number, key in enumerate(keys):
        call(running, key)
        if number % 20 == 10:
            with redis.Redis.from_url(redis_client_url(admin_url(running.database))) as client:
                client.flushdb()
    running.wait(lambda: not running.rows("SELECT 1 FROM work WHERE done_at IS NULL AND queue = 'budgets'"), 60)
    assert running.rows("SELECT count(*) AS n FROM run WHERE kind = 'recompute_budgets'")[0].n == len(keys)


@pytest.mark.parametrize("point", ["work.claimed", "work.before_close"])
def test_a_worker_that_dies_at_a_step_is_followed_by_another(running, point, tmp_path):
    """SIGKILL at a named step; the child is replaced, the lease expires, the work is done once more and closes once."""
    once = tmp_path / "happened"
    running.start("worker", "--group", "inside", FAULT_POINT=point, FAULT_ONCE=str(once))
    running.start("beat")
    call(running, "a")
    running.wait(once.exists)
    running.execute(
        "UPDATE work SET lease_until = clock_timestamp() WHERE key = 'a' AND token IS NOT NULL"
    )  # 20 s, skipped
    running.wait(lambda: done(running, "a"))
    assert outcomes(running, "a")[0] == "lost"
    assert len(outcomes(running, "a")) == 2


def test_death_right_after_the_close_changes_nothing(running, tmp_path):
    once = tmp_path / "happened"
    running.start("worker", "--group", "inside", FAULT_POINT="work.after_close", FAULT_ONCE=str(once))
    running.start("beat")
    call(running, "a")
    running.wait(once.exists)
    call(running, "b")
    running.wait(lambda: done(running, "b"))
    assert len(outcomes(running, "a")) == 1


def test_beat_killed_between_enqueueing_and_publishing_only_delays(running, tmp_path):
    once = tmp_path / "happened"
    running.start("worker", "--group", "inside")
    call(running, "a")
    first = running.start("beat", FAULT_POINT="tick.enqueued", FAULT_ONCE=str(once))
    first.wait(30)
    assert once.exists()
    running.start("beat")
    running.execute("UPDATE work SET enqueued_at = enqueued_at - interval '20 s' WHERE key = 'a'")  # 20 s, skipped
    running.wait(lambda: done(running, "a"))


def test_up_runs_everything_restarts_what_dies_and_stops_cleanly(running):
    up = running.start("up", AVAIN_WORKERS__STOP_SECONDS="1")
    names = running.wait(
        lambda: len(found := running.rows("SELECT name, pid, kind FROM heartbeat")) == 4 and found, PATIENCE
    )
    victim = next(row for row in names if row.kind == "worker")
    os.kill(victim.pid, signal.SIGKILL)
    running.wait(
        lambda: (
            {row.pid for row in running.rows("SELECT pid FROM heartbeat WHERE kind = 'worker'")}
            - {row.pid for row in names}
        ),
        PATIENCE,
    )
    with Session(running.engine) as holder, holder.begin():
        holder.execute(text("LOCK TABLE budget_dirty"))
        call(running, "long")
        running.wait(lambda: outcomes(running, "long") == [None], PATIENCE)
        children = psutil.Process(up.pid).children(recursive=True)
        up.send_signal(signal.SIGTERM)
        assert up.wait(45) == 0
    assert outcomes(running, "long") == ["retry"]
    (given_back,) = running.rows("SELECT attempts, token FROM work WHERE key = 'long'")
    assert tuple(given_back) == (0, None)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_up_on_embedded_services_leaves_nothing_running(tmp_path):
    """Some command starts the servers, up uses them and starts again what dies, Ctrl-C ends it all; doctor only looks."""
    environment = {**os.environ, "AVAIN_HOME": str(tmp_path / "home"), "AVAIN_CONSOLE__PORT": str(free_port())}
    for name in ("AVAIN_DATABASE_URL", "AVAIN_REDIS_URL"):
        environment.pop(name, None)
    home = tmp_path / "home"
    try:
        command = [sys.executable, "-m", "cli.main"]
        looked = subprocess.run([*command, "doctor"], env=environment, cwd=ROOT, capture_output=True, check=False)
        assert looked.returncode == 1
        assert b"avain up" in looked.stdout
        assert embedded.pids(home) == {}
        assert subprocess.run([*command, "db", "upgrade"], env=environment, cwd=ROOT, check=False).returncode == 0
        assert set(embedded.pids(home)) == {"postgres", "valkey"}
        with (tmp_path / "up.log").open("wb") as log:
            up = subprocess.Popen(
                [*command, "up"], env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while b"/enter/" not in (tmp_path / "up.log").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert b"/enter/" in (tmp_path / "up.log").read_bytes(), "how to come in is said once the console answers"
        killed = embedded.pids(home)
        for pid in killed.values():
            os.kill(pid, signal.SIGKILL)
        while embedded.running(home) is None and time.monotonic() < deadline + 30:
            time.sleep(0.2)
        assert set(embedded.pids(home)) == set(killed), "up starts again what died"
        up.send_signal(signal.SIGINT)
        assert up.wait(45) == 0, (tmp_path / "up.log").read_text()
        assert embedded.pids(home) == {}
    finally:
        embedded.remove(home)
