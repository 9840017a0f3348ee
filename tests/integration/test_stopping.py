"""Processes that are told to stop, with work in hand: what is short is finished, the rest is due again with no attempt counted, and all are
gone within half a minute. And children that outlive their limits: replaced, or killed and their work told so.
"""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest
import redis
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.embedded import Embedded
from core.redis import redis_client_url
from services.work import call
from tests.conftest import own_database
from tests.support.acting import DEADLINE, KIND, LIMITED
from tests.support.installation import Installation, installation

pytestmark = pytest.mark.slow

ACTING = "tests.support.acts"
SOON = 15.0
#: Processes start, on a machine that may have other things to do.
PATIENCE = 90.0


class Acting(Installation):
    """An installation whose worker and beat act as they are told."""

    def journal(self, step: str) -> dict[str, list[int]]:
        """Key → the processes in which its act has reached `step`."""
        found: dict[str, list[int]] = {}
        path = self.home / "journal"
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            key, reached, pid = line.split(" ")
            if reached == step:
                found.setdefault(key, []).append(int(pid))
        return found

    def call(self, act: str, key: str = "", kind: str = KIND, **arguments: Any) -> int:
        """Call for an act; the Work's id."""
        with Session(self.engine) as session, session.begin():
            work_id = call(session, kind, key or act, act=act, **arguments)
            assert work_id is not None
            return work_id

    def begun(self, *keys: str) -> None:
        """Wait until these acts have begun."""
        self.wait(lambda: set(keys) <= set(self.journal("start")), PATIENCE)

    def outcome(self, key: str) -> list[str]:
        """How the attempts at an act ended."""
        sql = "SELECT coalesce(outcome, 'open') AS outcome FROM run JOIN work ON work.id = work_id WHERE key = :key ORDER BY run.id"
        return [row.outcome for row in self.rows(sql, key=key)]

    def succeeded(self, key: str) -> bool:
        """Whether it did at once."""
        return self.outcome(key) == ["succeeded"]

    def ended(self, worker: Any, within: float) -> float:
        """Wait until a worker has ended in order; how many seconds that took."""
        began = time.monotonic()
        assert worker.wait(within) == 0
        return time.monotonic() - began


@pytest.fixture(scope="module")
def installed(services: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acting]:
    """With one beat for all tests."""
    home = tmp_path_factory.mktemp("acting")
    settings = {"ACTS_JOURNAL": str(home / "journal"), "AVAIN_WORKERS__STOP_SECONDS": "1"}
    with own_database(services) as database:
        made = Acting(database, home, settings)
        try:
            made.start("beat", module=ACTING)
            yield made
        finally:
            made.stop()


@pytest.fixture
def acting(installed: Acting) -> Iterator[Acting]:
    """Nothing has happened yet, and no worker runs."""
    yield installed
    beat, *others = installed.processes
    for process in others:
        if process.poll() is None:
            installed.kill_group(process)
    installed.processes[:] = [beat]
    (installed.home / "journal").unlink(missing_ok=True)
    installed.execute("DELETE FROM run")
    installed.execute("DELETE FROM work")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


#: In Python, in a socket, in statements of every kind, in a process waited for.
LONG = ("nap", "read_socket", "query", "copy", "wait_for_lock", "wait_for_process")


def test_what_is_in_hand_is_finished_or_given_back(acting: Acting, silent_port: int) -> None:
    """Six that would take minutes are cut and given back; one that is sending outside is recorded first; and nothing goes on at the server."""
    acting.execute("INSERT INTO unit (code, name) VALUES ('LOCKED', 'kept')")
    worker = acting.start("worker", module=ACTING, ACTS_SLOTS="7")
    with Session(acting.engine) as holder, holder.begin():
        holder.execute(text("UPDATE unit SET name = 'held' WHERE code = 'LOCKED'"))
        for act in LONG:
            acting.call(act, port=silent_port)
        acting.call("effect", seconds=3)
        acting.begun(*LONG, "effect")
        children = psutil.Process(worker.pid).children(recursive=True)
        worker.send_signal(signal.SIGTERM)
        assert acting.ended(worker, 30) >= 1
    assert {act: acting.outcome(act) for act in LONG} == {key: ["retry"] for key in LONG}
    sql = "SELECT attempts, token, next_at <= clock_timestamp() AS due FROM work WHERE key = ANY(:keys)"
    rows = acting.rows(sql, keys=list(LONG))
    assert [tuple(row) for row in rows] == [(0, None, True)] * len(LONG)
    assert acting.outcome("effect") == ["succeeded"]
    assert not set(acting.journal("end")) & set(LONG)
    assert acting.rows("SELECT name FROM unit WHERE code = 'LOCKED'")[0].name == "held"
    assert not acting.rows(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
    )
    assert not [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_what_is_short_is_finished_and_no_second_is_waited_in_vain(acting: Acting) -> None:
    worker = acting.start("worker", module=ACTING, AVAIN_WORKERS__STOP_SECONDS="20")
    acting.call("nap", seconds=2)
    acting.begun("nap")
    os.killpg(worker.pid, signal.SIGTERM)  # as systemd does: the children hear it, too
    assert acting.ended(worker, 30) < 18, "not all of its twenty seconds"
    assert acting.outcome("nap") == ["succeeded"]
    assert not acting.rows("SELECT 1 FROM heartbeat WHERE kind = 'worker'"), "it takes its leave"


def test_what_cannot_be_stopped_is_killed(acting: Acting) -> None:
    """Deaf in C: the lease runs out as after any other death. It must not hold up what can be given back, nor the end."""
    worker = acting.start("worker", module=ACTING)
    acting.call("deaf")
    acting.call("nap")
    acting.begun("deaf", "nap")
    worker.send_signal(signal.SIGTERM)
    acting.wait(lambda: acting.outcome("nap") == ["retry"], SOON)
    worker.wait(30)
    assert acting.outcome("deaf") == ["open"]


def test_a_time_limit_ends_what_hears_it_and_what_does_not(acting: Acting) -> None:
    """Told so, the attempt counted, and tried again in time: in Python, by what takes it for any error, and deaf in C."""
    acting.start("worker", module=ACTING, ACTS_SLOTS="3")
    limited = ("nap", "stubborn", "deaf")
    for act in limited:
        acting.call(act, kind=LIMITED)
    acting.wait(lambda: all(len(acting.journal("start").get(act, ())) >= 2 for act in limited), PATIENCE)
    sql = (
        "SELECT DISTINCT ON (key) key, outcome, message, attempts FROM run JOIN work ON work.id = work_id"
        " WHERE key = ANY(:keys) ORDER BY key, run.id"
    )
    first = {row.key: row for row in acting.rows(sql, keys=list(limited))}
    assert (first["nap"].outcome, first["deaf"].outcome) == ("retry", "lost")
    for row in first.values():
        assert row.message == {
            "msgid": "It took longer than the {seconds} seconds allowed.",
            "params": {"seconds": DEADLINE},
        }
        assert row.attempts >= 2  # a third may have begun meanwhile
    pids = acting.journal("start")
    assert pids["deaf"][0] != pids["deaf"][1], "killed, and its place taken by another"


def test_children_are_replaced_for_their_memory_and_their_age(acting: Acting) -> None:
    acting.start(
        "worker", module=ACTING,
        ACTS_SLOTS="1", AVAIN_WORKERS__TASKS_PER_CHILD="3", AVAIN_WORKERS__MEMORY_PER_CHILD_MB="300",
    )  # fmt: skip
    acts = [("eat", "greedy"), *(("eat", f"modest-{number}") for number in range(4))]
    for act, key in acts:
        acting.call(act, key, megabytes=400 if key == "greedy" else 1)
        acting.wait(partial(acting.succeeded, key), PATIENCE)
    children = [acting.journal("end")[key][0] for _act, key in acts]
    assert list(Counter(children).values()) == [1, 3, 1]


def test_beat_ends_its_tick_first(database: Embedded, tmp_path: Path) -> None:
    """What it has marked as enqueued is published, and it takes its leave."""
    with installation(database, tmp_path) as made:
        beat = made.start("beat")
        made.wait(lambda: made.rows("SELECT 1 FROM heartbeat WHERE kind = 'beat'"), PATIENCE)
        with Session(made.engine) as holder, holder.begin():
            holder.execute(text("LOCK TABLE heartbeat"))
            made.wait(lambda: made.rows("SELECT 1 FROM pg_locks WHERE NOT granted"), PATIENCE)
            call(holder, "tidy_family", "a")
            beat.send_signal(signal.SIGTERM)
            time.sleep(0.5)  # it must not end meanwhile
            assert beat.poll() is None
        assert beat.wait(30) == 0
        assert not made.rows("SELECT 1 FROM heartbeat")
        assert made.rows("SELECT enqueued_at IS NOT NULL AS enqueued FROM work WHERE key = 'a'")[0].enqueued
        with redis.Redis.from_url(redis_client_url(database.redis_url)) as client:
            assert client.llen("default") >= 1


def test_the_console_answers_first(database: Embedded, tmp_path: Path) -> None:
    """A request that is being answered gets its answer; one that would take for ever does not hold up the end."""
    with installation(database, tmp_path) as made:
        console = made.start("console")
        address = f"http://127.0.0.1:{made.console_port}"
        made.wait(lambda: answers(f"{address}/healthz"), PATIENCE)
        with ThreadPoolExecutor(2) as visitors, Session(made.engine) as for_ever, for_ever.begin():
            for_ever.execute(text("LOCK TABLE work"))
            with Session(made.engine) as for_now, for_now.begin():
                for_now.execute(text("LOCK TABLE entry_link"))
                answered = visitors.submit(answers, f"{address}/enter/none")
                visitors.submit(answers, f"{address}/metrics")
                made.wait(lambda: len(made.rows("SELECT 1 FROM pg_locks WHERE NOT granted")) >= 2, PATIENCE)
                console.send_signal(signal.SIGTERM)
                time.sleep(0.5)  # it has heard it by now
            assert answered.result(30) in {200, 400, 403, 404, 410}
            console.wait(30)


def answers(address: str) -> int | None:
    """The status of an answer, if there is one."""
    try:
        with urlopen(address, timeout=60) as reply:
            return int(reply.status)
    except HTTPError as refused:
        return refused.code
    except OSError:
        return None
