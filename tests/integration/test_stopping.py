"""Processes that are told to stop, with work in hand: what is short is finished, the rest is due again with no attempt counted, and all are
gone within half a minute. And children that outlive their limits: replaced, or killed and their work told so.
"""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.work import call
from tests.support.acts import KIND
from tests.support.installation import Installation

pytestmark = pytest.mark.slow

ACTING = "tests.support.acts"
#: More than a worker takes for stopping when it is given one second for what is in hand.
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

    def call(self, act: str, key: str = "", **arguments: Any) -> int:
        """Call for an act; the Work's id."""
        with Session(self.engine) as session, session.begin():
            work_id = call(session, KIND, key or act, act=act, **arguments)
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


@pytest.fixture
def acting(database: Any, tmp_path: Path) -> Iterator[Acting]:
    made = Acting(database, tmp_path, {"ACTS_JOURNAL": str(tmp_path / "journal"), "AVAIN_WORKERS__STOP_SECONDS": "1"})
    try:
        yield made
    finally:
        made.stop()


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
    acting.start("beat", module=ACTING)
    with Session(acting.engine) as holder, holder.begin():
        holder.execute(text("UPDATE unit SET name = 'held' WHERE code = 'LOCKED'"))
        for act in LONG:
            acting.call(act, port=silent_port)
        acting.call("effect", seconds=3)
        acting.begun(*LONG, "effect")
        children = psutil.Process(worker.pid).children(recursive=True)
        worker.send_signal(signal.SIGTERM)
        assert acting.ended(worker, SOON) >= 1
    assert {act: acting.outcome(act) for act in LONG} == {key: ["retry"] for key in LONG}
    rows = acting.rows("SELECT attempts, token, next_at <= clock_timestamp() AS due FROM work WHERE key <> 'effect'")
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
    acting.start("beat", module=ACTING)
    acting.call("nap", seconds=2)
    acting.begun("nap")
    os.killpg(worker.pid, signal.SIGTERM)  # as systemd does: the children hear it, too
    assert acting.ended(worker, 30) < 8
    assert acting.outcome("nap") == ["succeeded"]


def test_what_cannot_be_stopped_is_killed(acting: Acting) -> None:
    """Deaf in C: the lease runs out as after any other death. It must not hold up what can be given back, nor the end."""
    worker = acting.start("worker", module=ACTING)
    acting.start("beat", module=ACTING)
    acting.call("deaf")
    acting.call("nap")
    acting.begun("deaf", "nap")
    worker.send_signal(signal.SIGTERM)
    acting.wait(lambda: acting.outcome("nap") == ["retry"], 6)
    worker.wait(SOON)
    assert acting.outcome("deaf") == ["open"]


def test_a_time_limit_ends_what_hears_it_and_what_does_not(acting: Acting) -> None:
    """Told so, the attempt counted, and tried again in time: in Python, by what takes it for any error, and deaf in C."""
    acting.start("worker", module=ACTING, ACTS_DEADLINE="4", ACTS_SLOTS="3")
    acting.start("beat", module=ACTING, ACTS_DEADLINE="4")
    limited = ("nap", "stubborn", "deaf")
    for act in limited:
        acting.call(act)
    acting.wait(lambda: all(len(acting.journal("start").get(act, ())) >= 2 for act in limited), PATIENCE)
    sql = "SELECT DISTINCT ON (key) key, outcome, message FROM run JOIN work ON work.id = work_id ORDER BY key, run.id"
    first = {row.key: row for row in acting.rows(sql)}
    assert (first["nap"].outcome, first["deaf"].outcome) == ("retry", "lost")
    for row in first.values():
        assert row.message == {"msgid": "It took longer than the {seconds} seconds allowed.", "params": {"seconds": 4}}
    assert {row.attempts for row in acting.rows("SELECT attempts FROM work")} == {2}
    pids = acting.journal("start")
    assert pids["deaf"][0] != pids["deaf"][1], "killed, and its place taken by another"


def test_children_are_replaced_for_their_memory_and_their_age(acting: Acting) -> None:
    acting.start(
        "worker", module=ACTING,
        ACTS_SLOTS="1", AVAIN_WORKERS__TASKS_PER_CHILD="3", AVAIN_WORKERS__MEMORY_PER_CHILD_MB="300",
    )  # fmt: skip
    acting.start("beat", module=ACTING)
    acts = [("eat", "greedy"), *(("eat", f"modest-{number}") for number in range(4))]
    for act, key in acts:
        acting.call(act, key, megabytes=400 if key == "greedy" else 1)
        acting.wait(partial(acting.succeeded, key), PATIENCE)
    children = [acting.journal("end")[key][0] for _act, key in acts]
    assert list(Counter(children).values()) == [1, 3, 1]
