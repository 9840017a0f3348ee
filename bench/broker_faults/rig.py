"""The bench itself: the shipped servers in a directory of their own, workers as child processes, and what they left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from celery import Celery

from bench.broker_faults.journal import Event, read
from core import embedded
from core.redis import redis_client_url
from core.settings import ROOT

PLAIN = "bench.broker_faults.plain_app"
AVAIN = "bench.broker_faults.avain_app"
QUEUE = "celery"
WORKER_WORDS = ("-Q", QUEUE, "-l", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass(frozen=True)
class Row:
    """One line of the table: what was broken, under which setting, what came of it; `figures` are its bare numbers."""

    fault: str
    setting: str
    outcome: str
    figures: dict[str, float | int | str | None] = field(default_factory=dict)


class Process:
    """A process group of ours: a Celery main process and its children, with a log file."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as stream:
            self.popen = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=stream, stderr=stream, start_new_session=True
            )
        self.pid = self.popen.pid

    def said(self, words: str) -> bool:
        """Whether its log holds these words."""
        return words in self.log.read_text("utf-8", errors="replace")

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", errors="replace")[-2000:]

    def ended(self, seconds: float = 0) -> bool:
        """Whether it has ended, or ends within `seconds`."""
        return wait(lambda: self.popen.poll() is not None, seconds) is not None

    def term(self) -> None:
        """SIGTERM to the main process, as a supervisor sends it."""
        self.popen.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """SIGKILL to main process and children at once. The group exists as long as one of them does."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()


class Rig:
    """Valkey (and, for Avain's own rows, a migrated PostgreSQL) for one measurement."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.services = embedded.start(home, durable=False, services=("valkey",))
        self.journal = home / "journal.jsonl"
        self.processes: list[Process] = []

    @property
    def redis(self) -> "redis.Redis":
        """A connection of our own to the server, beside the workers'."""
        return redis.Redis.from_url(redis_client_url(self.services.redis_url))

    def fresh(self) -> None:
        """End what runs, empty the server, begin a new journal."""
        for process in self.processes:
            process.kill_group()
        self.processes.clear()
        self.redis.flushall()
        self.journal.unlink(missing_ok=True)

    def close(self) -> None:
        """End everything and delete it."""
        for process in self.processes:
            process.kill_group()
        embedded.remove(self.home)

    # --- processes

    def run(self, module: str, *words: str, **environment: str) -> Process:
        """Start `python -m module words…`."""
        process = Process(
            [sys.executable, "-m", module, *words],
            os.environ | {"BENCH_JOURNAL": str(self.journal), "PYTHONWARNINGS": "ignore"} | environment,
            self.home / f"process-{len(list(self.home.glob('process-*')))}.log",
        )
        self.processes.append(process)
        return process

    def celery(self, *words: str, conf: dict[str, Any] | None = None, **environment: str) -> Process:
        """Start `celery words…` of the plain app."""
        plain = {"BENCH_BROKER": self.services.redis_url, "BENCH_CONF": json.dumps(conf or {})}
        return self.run("celery", "-A", PLAIN, *words, **plain | environment)

    def worker(self, conf: dict[str, Any] | None = None, *, slots: int = 1, **environment: str) -> Process:
        """Start a plain worker and wait until it takes messages."""
        return self.ready(self.celery("worker", "-c", str(slots), *WORKER_WORDS, conf=conf, **environment))

    def ready(self, worker: Process) -> Process:
        """Wait until a worker takes messages. Raises RuntimeError with its last words when it ends instead."""
        if not self.settled(worker) or worker.ended():
            raise RuntimeError(f"the worker did not start:\n{worker.last_words()}")
        return worker

    def settled(self, worker: Process) -> bool:
        """Wait until a worker takes messages or has ended."""
        return wait(lambda: worker.said(" ready.") or worker.ended(), 30) is not None

    def worker_or_dead(self) -> Process:
        """Start a plain worker; it may die before it is ready."""
        worker = self.celery("worker", "-c", "1", *WORKER_WORDS)
        self.settled(worker)
        return worker

    # --- messages

    def sender(self, **conf: Any) -> Celery:
        """An app to publish with."""
        app = Celery("sender", broker=self.services.redis_url, set_as_current=False)
        app.conf.update(task_ignore_result=True, **conf)
        return app

    def send(self, task: str, *names_and_more: Any) -> None:
        """Publish one message."""
        with self.sender().connection_for_write() as connection:
            self.sender().send_task(task, args=names_and_more, queue=QUEUE, connection=connection)

    def send_naps(self, count: int, seconds: float) -> None:
        """Publish `count` naps named nap-0 … over one connection."""
        app = self.sender()
        with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
            for number in range(count):
                app.send_task("nap", args=(f"nap-{number}", seconds), queue=QUEUE, producer=producer)

    def left_over(self) -> int:
        """Messages still at the server: queued or taken and not acknowledged."""
        return int(self.redis.llen(QUEUE)) + int(self.redis.hlen("unacked"))

    # --- the server

    def kill_server(self) -> float:
        """SIGKILL the server; when."""
        os.kill(embedded.pids(self.home)["valkey"], signal.SIGKILL)
        wait(lambda: "valkey" not in embedded.pids(self.home), 5)
        return time.time()

    def start_server(self) -> float:
        """Have the server run again; when it answered."""
        embedded.start(self.home, durable=False, services=("valkey",))
        return time.time()

    def cut_connections(self) -> None:
        """Have the server close every connection but our own."""
        self.redis.client_kill_filter(_type="normal", skipme=True)

    # --- what was left behind

    def events(self, task: str | None = None, step: str | None = None) -> list[Event]:
        """The journal, filtered."""
        return [one for one in read(self.journal) if task in (None, one.task) and step in (None, one.step)]

    def started(self, task: str, times: int = 1, within: float = 30) -> Event | None:
        """Wait for the `times`-th start of `task`; None when it does not come."""
        wait(lambda: len(self.events(task, "start")) >= times, within)
        found = self.events(task, "start")
        return found[times - 1] if len(found) >= times else None

    def runs(self, step: str = "end") -> Counter[str]:
        """How often each task reached `step`."""
        return Counter(one.task for one in self.events(step=step))


def wait(condition: Callable[[], object], seconds: float) -> float | None:
    """Wait until `condition` holds: after how many seconds it did; None when it did not within `seconds`."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun >= seconds:
            return None
        time.sleep(0.05)
    return time.monotonic() - begun


@contextmanager
def rig() -> Iterator[Rig]:
    """A rig in a directory of its own, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="avain-bench-"))
    made: Rig | None = None
    try:
        made = Rig(home)
        yield made
    finally:
        if made is not None:
            made.close()
        shutil.rmtree(home, ignore_errors=True)


Measurement = Callable[[Rig], Iterator[Row]]
MEASUREMENTS: dict[str, Measurement] = {}


def measurement(function: Measurement) -> Measurement:
    """Register a measurement under its function's name."""
    MEASUREMENTS[function.__name__] = function
    return function
