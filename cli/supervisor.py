"""Keeps the processes of one installation running in the foreground: starts them, restarts one that dies, stops them all."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

import structlog

log = structlog.get_logger()

#: A worker takes less (workers/stopping.py); what has not ended by then is ended.
STOP_SECONDS = 30.0
TEND_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """A child must not outlive a supervisor that was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One process to keep running."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """Start it in a group of its own: Ctrl-C reaches the supervisor only, which then stops the children in order."""
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads run in the supervisor
        )
        self.started_at = time.monotonic()
        log.info("child_started", child=self.name, pid=self.process.pid)

    def due(self) -> bool:
        """Whether it may be started (again): at once the first time, with growing pauses if it keeps dying young."""
        return time.monotonic() - self.started_at >= min(30.0, 0.5 * 2.0**self.failures)


class Supervisor:
    """Runs children until it is told to stop."""

    def __init__(self, children: list[Child], tend: Callable[[], None]) -> None:
        """`tend` is called every TEND_SECONDS: what else has to be kept running, or said, is its business."""
        self.children = children
        self._tend = tend
        self._tended_at = 0.0
        self._stopping = False

    def run(self) -> None:
        """Start all, watch them, and return when a signal has come and all have ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                child.start()
            while not self._stopping:
                self._watch()
                if time.monotonic() - self._tended_at >= TEND_SECONDS:
                    self._tended_at = time.monotonic()
                    self._tend()
                time.sleep(0.2)
        finally:
            self._end_all()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _watch(self) -> None:
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                lived = time.monotonic() - child.started_at
                child.failures = 0 if lived > 60 else child.failures + 1
                log.warning("child_died", child=child.name, code=child.process.returncode, lived=round(lived, 1))
                _kill_group(child.process.pid)
                child.process = None
            if child.process is None and child.due():
                child.start()

    def _end_all(self) -> None:
        living = [child for child in self.children if child.process is not None and child.process.poll() is None]
        for child in living:
            child.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        deadline = time.monotonic() + STOP_SECONDS
        for child in living:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))  # type: ignore[union-attr]
            except subprocess.TimeoutExpired:
                log.warning("child_killed", child=child.name)
            _kill_group(child.process.pid)  # type: ignore[union-attr]


def _kill_group(leader: int) -> None:
    """End what a dead or stopped process may have left of its group: prefork children whose parent is gone."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def avain(*arguments: str) -> list[str]:
    """The command line of an `avain` command in this same environment."""
    return [sys.executable, "-m", "cli.main", *arguments]
