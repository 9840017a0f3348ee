"""Avain's worker and beat with one kind of Work that does what a test asks of it, the way `avain worker` starts them:

    python -m tests.support.acts worker|beat

Only to be started, never imported: it takes the place of real tasks. Each act notes what it reaches in the file ACTS_JOURNAL, a line `<key> <step> <process id>`.
"""

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from sqlalchemy import text

from services.work import KINDS, QUEUES
from tests.support.acting import DEADLINE, KIND, LIMITED
from workers.app import app
from workers.groups import GROUPS, Group, run_beat, run_worker
from workers.stopping import uncut
from workers.task import Lease, work_task

LONG: Final = 300.0

app.conf.include = []
KINDS[LIMITED] = replace(KINDS[LIMITED], deadline=float(DEADLINE), first_pause=0.1)


def note(lease: Lease, step: str) -> None:
    with Path(os.environ["ACTS_JOURNAL"]).open("a", encoding="utf-8") as file:
        file.write(f"{lease.claimed.key} {step} {os.getpid()}\n")


def nap(lease: Lease) -> None:
    time.sleep(float(lease.arguments.get("seconds", LONG)))


def read_socket(lease: Lease) -> None:
    """From somebody who never says anything."""
    with socket.create_connection(("127.0.0.1", lease.arguments["port"])) as silent:
        silent.recv(1)


def query(lease: Lease) -> None:
    with lease.transaction() as session:
        session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": LONG})


def copy(_lease: Lease) -> None:
    """The server takes what is copied, and thinks about it."""
    with _lease.transaction() as session:
        session.execute(text("CREATE TEMP TABLE taken (n int CHECK (n <> 2 OR pg_sleep(300) IS NULL))"))
        with session.connection().connection.cursor().copy("COPY taken FROM STDIN") as rows:
            rows.write("1\n2\n")


def wait_for_lock(lease: Lease) -> None:
    with lease.closing() as closing:
        closing.session.execute(text("UPDATE unit SET name = 'taken' WHERE code = 'LOCKED'"))


def wait_for_process(_lease: Lease) -> None:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(300)"], check=True)


def effect(lease: Lease) -> None:
    """Outside: it takes a while, and is recorded then."""
    with uncut():
        note(lease, "sent")
        time.sleep(float(lease.arguments["seconds"]))
        with lease.closing():
            note(lease, "recorded")


def deaf(_lease: Lease) -> None:
    """In a call of C's that neither ends nor is interrupted: a lock that is taken twice."""
    c, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    c.pthread_mutex_lock(mutex)
    c.pthread_mutex_lock(mutex)


def stubborn(_lease: Lease) -> None:
    """Takes the time limit for an error like any other."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except Exception:  # noqa: BLE001 - that is its nature
            continue


def eat(lease: Lease) -> None:
    """Use so many megabytes, for a moment."""
    len(b"x" * int(lease.arguments["megabytes"]) * 2**20)


ACTS: Final[dict[str, Callable[[Lease], None]]] = {
    one.__name__: one
    for one in (nap, read_socket, query, copy, wait_for_lock, wait_for_process, effect, deaf, stubborn, eat)
}


@work_task(LIMITED)
@work_task(KIND)
def act(lease: Lease) -> None:
    note(lease, "start")
    ACTS[lease.arguments["act"]](lease)
    note(lease, "end")


if __name__ == "__main__":
    if sys.argv[1] == "beat":
        run_beat()
    GROUPS["acts"] = Group(QUEUES, int(os.environ.get("ACTS_SLOTS", "2")))
    run_worker(["acts"])
