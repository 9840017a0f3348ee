"""`make bench-restart`: everything is killed under load and started again; how long until all goes on. Writes bench/results/restart.json.

`avain up` runs a whole installation of its own: PostgreSQL, Valkey, a worker per group, beat, the console. Letters go to a slow mail server, sources
are asked that never answer, budgets are recomputed. Then every process is killed by SIGKILL in the same instant, and `avain up` is started.

Seconds since the kill, the median and the worst of several rounds:
begun: the first work is begun; goes_on: so is some of each queue of which something was in hand; freed: all that was in hand is due again;
enqueued: whatever is due stands in its queue. (Of more than 200 that are due, a queue holds 200; here are 150 letters and 1,000 quick works a round.)
lost: letters that never came to the mail server; repeated: those that came more than once, of which there may be one for each that was in hand.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bench import figures
from cli.supervisor import die_with_parent
from core import embedded
from core.database import make_engine
from core.settings import ROOT
from demo.smtp_sink import SmtpSink
from models.alarm import StoredLetter
from services.work import call

RESULTS: Final = Path(__file__).with_name("results") / "restart.json"
LIMITS: Final = {"goes_on_worst_s": ("<=", 30.0), "enqueued_worst_s": ("<=", 45.0), "lost": ("<=", 0)}
#: So long the mail server takes for a letter.
_LETTER_SECONDS: Final = 0.5
_SOURCES: Final = 3
#: In hand before everything is killed: of each group of workers.
_IN_HAND: Final = ("fetch_prices", "send_letter")
_PATIENCE: Final = 180.0

#: Rows out: each queue of which somebody had work in hand at a moment, how much, how much of that is still not freed, and when work of it was
#: begun for the first time since.
_QUEUES = text(
    """
    SELECT held.queue, held.many, held.kept, min(run.started_at) AS begun
    FROM (
        SELECT queue, count(*) AS many, count(*) FILTER (WHERE finished_at IS NULL) AS kept
        FROM run JOIN work ON work.id = run.work_id
        WHERE started_at < :killed AND (finished_at IS NULL OR finished_at > :killed)
        GROUP BY queue
    ) AS held
    LEFT JOIN work ON work.queue = held.queue
    LEFT JOIN run ON run.work_id = work.id AND run.started_at > :killed
    GROUP BY held.queue, held.many, held.kept
    """
)
#: Rows out: how many are due, might be done, and stand in no queue that has been seen since.
_WAITING = text(
    """
    SELECT count(*) FROM work
    WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL AND next_at <= clock_timestamp()
      AND (enqueued_at IS NULL OR enqueued_at < :killed)
      AND (lane IS NULL OR NOT EXISTS (SELECT FROM work AS holder WHERE holder.lane = work.lane AND holder.token IS NOT NULL))
    """
)


@dataclass(frozen=True)
class Round:
    """Seconds since the kill; and how much there was in hand and due."""

    begun: float
    goes_on: float
    freed: float
    enqueued: float
    held: int
    due: int


class Installation:
    """`avain up` in a home of its own."""

    def __init__(self, home: Path, mail_port: int, silent_port: int) -> None:
        self._home, self._log = home, home.parent / "up.log"
        configuration = home.parent / "avain.toml"
        sources = "".join(
            f'[sources.prices.hiljainen-{number}]\nprovider = "912345{number}-1"\n'
            f"[sources.prices.hiljainen-{number}.transport]\n"
            f'kind = "https"\nallow_private = true\nallow_http = true\nurl = "http://127.0.0.1:{silent_port}/{number}.csv"\n'
            for number in range(_SOURCES)
        )
        configuration.write_text(
            f'[mail]\nport = {mail_port}\noperator_email = "yllapito@avain.invalid"\n{sources}', "utf-8"
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AVAIN_", "FAULT_"))}
        self._environment = kept | {
            "AVAIN_HOME": str(home),
            "AVAIN_CONFIG": str(configuration),
            "AVAIN_CONSOLE__PORT": str(_free_port()),
            "AVAIN_HASH_KEY": "only-for-the-bench-0123456789abcdef",
        }
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have everything run."""
        with self._log.open("ab") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up"],
                cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no lock is held: the mail server's thread only serves
            )  # fmt: skip

    def kill(self) -> float:
        """SIGKILL to every process at once; when."""
        assert self._up is not None
        servers = [psutil.Process(pid) for pid in embedded.pids(self._home).values()]
        roots = [psutil.Process(self._up.pid), *servers]
        processes = [*roots, *(child for root in roots for child in root.children(recursive=True))]
        killed = time.time()
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self._up.wait()
        psutil.wait_procs(processes, timeout=10)
        return killed

    def stop(self) -> None:
        """End it in order."""
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(signal.SIGTERM)
            self._up.wait(60)

    def engine(self) -> Engine:
        """A way to its database, as soon as that answers."""
        running = _wait(lambda: embedded.running(self._home))
        return make_engine(running.database_url, pool_size=1)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(condition: Any) -> Any:
    """What `condition` returns once that is something; a database that is away is waited for. Raises TimeoutError."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(OperationalError):
            found = condition()
            if found:
                return found
        time.sleep(0.05)
    raise TimeoutError


@contextmanager
def _silent_server() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield int(server.getsockname()[1])


def _call_for_work(session: Session, turn: int, letters: int, budgets: int) -> None:
    for number in range(letters):
        message = EmailMessage()
        message["Subject"], message["Message-ID"] = "Avain", f"<{turn}.{number}@avain.invalid>"
        message.set_content("Invented.\n")
        letter = StoredLetter(
            recipient="yllapito@avain.invalid",
            message_id=str(message["Message-ID"]),
            document=message.as_bytes().replace(b"\n", b"\r\n").decode("ascii"),
        )
        session.add(letter)
        session.flush()
        call(session, "send_letter", f"send_letter:{letter.id}", subject_id=letter.id)
    for number in range(budgets):
        call(session, "recompute_budgets", f"recompute_budgets:{turn}:{number}")
    for number in range(_SOURCES):
        source = f"hiljainen-{number}"
        call(session, "fetch_prices", f"fetch:{source}:{turn}", lane=f"source:{source}", source=source, request=f"{turn}", now=True)  # fmt: skip


def _held(engine: Engine) -> bool:
    """Whether letters are being sent and sources asked."""
    with Session(engine) as session:
        held = session.execute(text("SELECT DISTINCT kind FROM work WHERE token IS NOT NULL")).scalars().all()
        return set(_IN_HAND) <= set(held)


def restart(made: Installation, turn: int, *, letters: int, budgets: int) -> Round:
    """One round: load, kill, start, look."""
    engine = made.engine()
    _wait(lambda: _migrated(engine))
    with Session(engine) as session, session.begin():
        _call_for_work(session, turn, letters, budgets)
    _wait(lambda: _held(engine))
    engine.dispose()
    at = made.kill()
    made.start()
    engine = made.engine()
    freed: float | None = None
    due = 0
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        killed = connection.execute(text("SELECT to_timestamp(:at)"), {"at": at}).scalar_one()
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            now, queues = time.time(), connection.execute(_QUEUES, {"killed": killed}).all()
            if freed is None and not any(one.kept for one in queues):
                freed = now - at
            waiting = connection.execute(_WAITING, {"killed": killed}).scalar_one()
            due = max(due, waiting)
            if freed is not None and waiting == 0 and all(one.begun for one in queues):
                begun = [one.begun.timestamp() - at for one in queues]
                return Round(min(begun), max(begun), freed, now - at, sum(one.many for one in queues), due)
            time.sleep(0.05)
    raise TimeoutError


def _migrated(engine: Engine) -> bool:
    with Session(engine) as session:
        return bool(session.execute(text("SELECT to_regclass('work')")).scalar()) and bool(
            session.execute(text("SELECT count(*) >= 4 FROM heartbeat")).scalar()
        )


def finish(made: Installation, mail: SmtpSink) -> int:
    """Let the mail server be quick until every letter is sent, so that each round begins with the same; how many letters there are by now."""
    mail.recorder.script.clear()
    engine = made.engine()
    open_ = text("SELECT count(*) = 0 FROM work WHERE kind = 'send_letter' AND done_at IS NULL AND dead_at IS NULL")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _wait(lambda: connection.execute(open_).scalar_one())
        called = connection.execute(text("SELECT count(*) FROM letter")).scalar_one()
    engine.dispose()
    return int(called)


def arrived(called: int, mail: SmtpSink) -> dict[str, int]:
    """What came of all letters."""
    came = Counter(message_from_bytes(one.content)["Message-ID"] for one in mail.messages)
    return {"letters": called, "lost": called - len(came), "repeated": sum(count > 1 for count in came.values())}


def told(rounds: list[Round]) -> dict[str, Any]:
    """The figures of all rounds."""
    found: dict[str, Any] = {"rounds": len(rounds)}
    for name in ("begun", "goes_on", "freed", "enqueued"):
        seconds = [getattr(one, name) for one in rounds]
        found |= {f"{name}_median_s": statistics.median(seconds), f"{name}_worst_s": max(seconds)}
    return found | {"held_least": min(one.held for one in rounds), "due_least": min(one.due for one in rounds)}


def main() -> int:
    """Measure, tell, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--letters", type=int, default=150)
    parser.add_argument("--budgets", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    with (
        figures.home() as folder,
        SmtpSink() as mail,
        _silent_server() as silent,
    ):
        made = Installation(folder / "var", mail.port, silent)
        made.start()
        rounds, called = [], 0
        try:
            for turn in range(chosen.rounds):
                mail.recorder.script.extend([f"delay:{_LETTER_SECONDS}"] * 10 * chosen.letters)
                rounds.append(restart(made, turn, letters=chosen.letters, budgets=chosen.budgets))
                print(rounds[-1], file=sys.stderr)
                called = finish(made, mail)
        finally:
            made.stop()
    return figures.tell(told(rounds) | arrived(called, mail), chosen.json, LIMITS)


if __name__ == "__main__":
    sys.exit(main())
