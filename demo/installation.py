"""The demo's own installation: embedded services, `avain up`, a mail sink; driven through the `avain` command like any other."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core import embedded
from core.i18n import HELSINKI
from core.settings import ROOT
from demo import reporting_database
from demo.commands import Commands
from demo.price_sources import CATALOGUE, HttpsServer, SftpServer
from demo.smtp_sink import SmtpSink
from workers.groups import GROUPS

DATA = ROOT / "demo" / "data"


class StepFailedError(Exception):
    """Something the demo promises did not hold."""


class Installation:
    """Everything the demo starts, and the only way its steps act on it."""

    def __init__(self, results: Path, *, columns: int = 120) -> None:
        self.results, self.columns = results, columns
        self.home = results.parent / f"{results.name}-installation"
        self._clean()
        self.sink = SmtpSink(directory=results / "mail")
        self.sftp = SftpServer(self.home / "sftp")
        self.https = HttpsServer(
            self.home / "in" / "prices" / ("nepsypolku.xml" if CATALOGUE else "nepsypolku.csv"), self.home / "ca.pem"
        )
        self.outbox = self.home / "outbox"
        self.log = results / "avain.log"
        self.console_port = _free_port()
        self.reporting_url = ""
        self._up: subprocess.Popen[bytes] | None = None
        self._commands: Commands | None = None
        self._servers = ExitStack()

    def _clean(self) -> None:
        """Remove what an earlier demo left, its servers included, also where its data had to lie outside of its folder."""
        embedded.remove(self.home)
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.results, ignore_errors=True)
        for folder in (self.results / "orders", self.results / "mail", self.home):
            folder.mkdir(parents=True)
        shutil.copytree(DATA, self.home / "in")
        (self.home / "sftp").mkdir()
        (self.home / "in" / "prices" / "musiikkitupa.csv").rename(self.home / "sftp" / "musiikkitupa.csv")

    @property
    def environment(self) -> dict[str, str]:
        """What every command of the demo is told; nothing of the user's own installation leaks in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AVAIN_")}
        return {
            **kept,
            "AVAIN_CONFIG": str(self.home / "in" / "avain.toml"),
            "AVAIN_HOME": str(self.home),
            "AVAIN_LANGUAGE": os.environ.get("AVAIN_LANGUAGE", "fi"),
            "AVAIN_TEST_CLOCK": "1",
            "AVAIN_HASH_KEY": "keksitty-avain-vain-esittelyyn-0123456789",
            "AVAIN_ORDERS__OUTBOX": str(self.outbox),
            "AVAIN_MAIL__PORT": str(self.sink.port),
            "AVAIN_SOURCES__CASES__RAPORTOINTI__SQL__URL": self.reporting_url,
            "AVAIN_CONSOLE__PORT": str(self.console_port),
            "AVAIN_LOG_FORMAT": "json",
            "COLUMNS": str(self.columns),
        }

    def __enter__(self) -> Self:
        self._servers.enter_context(self.sink)
        self._tell_of(nepsypolku=("9911111-3", self._servers.enter_context(self.https).settings))
        self._tell_of(musiikkitupa=("9911112-1", self._servers.enter_context(self.sftp).settings))
        self.reporting_url = reporting_database.make(embedded.start(self.home))
        self._commands = Commands(self.environment, self.home).__enter__()
        self.avain("db", "upgrade")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            try:
                self._up.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(self._up.pid, signal.SIGKILL)
        if self._commands is not None:
            self._commands.__exit__(kind, error, trace)
        embedded.stop(self.home)
        self._servers.close()

    def _tell_of(self, **sources: tuple[str, str]) -> None:
        """Add price sources to the installation's settings: business id and transport by name."""
        with (self.home / "in" / "avain.toml").open("a", encoding="utf-8") as settings:
            for name, (provider, transport) in sources.items():
                settings.write(
                    f'\n[sources.prices.{name}]\nprovider = "{provider}"\n\n[sources.prices.{name}.transport]\n{transport}'
                )

    def up(self) -> None:
        """Start real worker processes and beat, and wait until they are all heard of."""
        with self.log.open("ab") as log:
            self._up = subprocess.Popen(
                self._command("up"), cwd=self.home, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.wait(lambda: len(self.workers()) == len(GROUPS) and self.avain_code("alive", "beat") == 0, "avain up")

    def workers(self) -> dict[str, int]:
        """Process ids of the living workers by the queues they serve."""
        return {
            sign["detail"]: sign["pid"]
            for sign in self.query(
                "SELECT detail, pid FROM heartbeat WHERE kind = 'worker' AND seen_at > clock_timestamp() - interval '15 s'"
            )
        }

    def kill_worker(self, queue: str) -> int:
        """SIGKILL the worker that serves `queue`, and its children; `avain up` will start another."""
        pid = next(pid for queues, pid in self.workers().items() if queue in queues.split(","))
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        return pid

    def clock(self, moment: datetime) -> None:
        """Move the business clock to a moment in Helsinki."""
        self.avain("config", "clock", moment.astimezone(HELSINKI).strftime("%Y-%m-%dT%H:%M:%S"))

    def avain(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> Any:
        """Run an `avain` command; its JSON document if it prints one, else its text. Raises StepFailedError."""
        done = self._run(*arguments)
        if done.returncode not in expect:
            raise StepFailedError(f"avain {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
        if "--json" not in arguments:
            return done.stdout
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise StepFailedError(f"avain {' '.join(arguments)} → no JSON\n{done.stdout}\n{done.stderr}") from error

    def avain_code(self, *arguments: str) -> int:
        """Run an `avain` command for its exit code alone."""
        return self._run(*arguments).returncode

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        if self._commands is None:
            raise StepFailedError("not entered")
        return self._commands.run(*arguments)

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", *arguments]

    def query(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Look at the database directly, to check what the commands say."""
        import psycopg  # noqa: PLC0415
        from psycopg.rows import dict_row  # noqa: PLC0415

        running = embedded.running(self.home)
        if running is None:
            raise StepFailedError("PostgreSQL")
        dsn = running.database_url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            return connection.execute(sql, values or None).fetchall()

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 300.0) -> Any:
        """Wait until `condition` returns something true, and return it. Raises StepFailedError."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.2)
        raise StepFailedError(f"{what}: not within {seconds:.0f} s; see {self.log}")

    def settled(self) -> None:
        """Wait until nothing that is due is left to do."""
        self.wait(
            lambda: (
                not self.query(
                    "SELECT 1 FROM work WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= clock_timestamp() + interval '2 s' LIMIT 1"
                )
            ),
            "due work",
        )


def _free_port() -> int:
    """A port for the console that nobody else has: a real installation may run on this machine, too."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
