"""A whole installation of a test's own: worker and beat processes as an operator starts them, over the test's database and queue.

They are forked from one that has loaded Avain already (tests/support/lives.py): what each then does is what the command does.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from core.settings import ROOT
from tests.support.lives import Begun, lives

#: As they are started: by the command line, or forked where Avain is loaded already.
Process = subprocess.Popen[bytes] | Begun


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Installation:
    """Starts `avain` commands with the right environment, and ends what it started by its own process ids."""

    database: Embedded
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    console_port: int = field(default_factory=free_port)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = make_engine(self.database.database_url)

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AVAIN_", "FAULT_"))}
        return {
            **kept,
            "AVAIN_DATABASE_URL": self.database.database_url,
            "AVAIN_DATABASE_OWNER_URL": self.database.database_owner_url,
            "AVAIN_REDIS_URL": self.database.redis_url,
            "AVAIN_HOME": str(self.home),
            "AVAIN_HASH_KEY": "only-for-tests-0123456789abcdef-only-for-tests",
            "AVAIN_TEST_CLOCK": "1",
            "AVAIN_TEST_FAULTS": "1",
            "AVAIN_CONSOLE__PORT": str(self.console_port),
            **self.environment,
            **more,
        }

    def start(self, *command: str, module: str = "", **environment: str) -> Process:
        """Start an `avain` command in the background, in a process group of its own; its log goes to home.

        `module`: what is run instead of the command, from the beginning.
        """
        log = self.home / f"{'-'.join(command).replace('/', '_')}-{len(self.processes)}.log"
        process: Process
        if module:
            with log.open("wb") as out:
                process = subprocess.Popen(
                    [sys.executable, "-m", module, *command],
                    cwd=ROOT, env=self.env(**environment), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
        else:
            process = lives().begin(command, self.env(**environment), log)
        self.processes.append(process)
        return process

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run an `avain` command to its end."""
        return lives().run(command, self.env(**environment))

    def kill_group(self, process: Process) -> None:
        """SIGKILL a process and all of its children, as a power cut would."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def rows(self, sql: str, **values: object) -> list[Any]:
        """Rows of a query, in a transaction of its own."""
        with Session(self.engine) as session:
            return list(session.execute(text(sql), values).all())

    def execute(self, sql: str, **values: object) -> None:
        """A statement, committed."""
        with Session(self.engine) as session, session.begin():
            session.execute(text(sql), values)

    def wait(self, condition: Callable[[], object], seconds: float = 30.0) -> object:
        """Wait until `condition` returns something true, and return that; fails with the processes' logs."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        logs = "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in sorted(self.home.glob("*.log"))
        )
        raise AssertionError(f"not within {seconds} s\n{logs}")

    def stop(self) -> None:
        """End all that still runs."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.engine.dispose()


@contextmanager
def installation(database: Embedded, home: Path, **environment: str) -> Iterator[Installation]:
    """An installation that is gone after the block."""
    made = Installation(database, home, environment)
    try:
        yield made
    finally:
        made.stop()
