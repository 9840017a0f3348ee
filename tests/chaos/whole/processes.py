"""Processes of an installation under supervision: what died is started again after a second, as systemd would."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from core.settings import ROOT
from tests.support.lives import Begun, lives

#: Whether processes are forked from one that has loaded Avain already instead of started by the command line: a small day has no time for it.
FORKED = False
AGAIN_SECONDS = 1.0
_LOOK_SECONDS = 0.1


@dataclass
class Kept:
    """One process that is kept running, leader of a process group of its own."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    #: How often it was started.
    starts: int = 0
    #: Exit codes with which it ended though nobody killed it.
    ended: list[int] = field(default_factory=list)
    _process: "subprocess.Popen[bytes] | Begun | None" = None
    _wanted: bool = False
    _died_at: float = 0.0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def pid(self) -> int | None:
        """The main process, or None while it is down."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def children(self) -> list[int]:
        """The live children of the main process."""
        pid = self.pid
        if pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return [one.pid for one in psutil.Process(pid).children() if one.status() != psutil.STATUS_ZOMBIE]
        return []

    def start(self) -> None:
        """Have it run from now on."""
        with self._lock:
            self._wanted = True
            if self.pid is None:
                self._launch()

    def kill(self) -> None:
        """SIGKILL the whole group, and do not start it again."""
        with self._lock:
            self._wanted = False
            self._end_group()

    def stop(self, seconds: float) -> bool:
        """SIGTERM, as an operator does; whether it had ended within so many seconds. What is left is killed."""
        with self._lock:
            self._wanted = False
            process = self._process
        if process is None:
            return True
        until = time.monotonic() + seconds
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        while (left := _group(process.pid)) and time.monotonic() < until:  # children that are about to end
            time.sleep(_LOOK_SECONDS)
        self.kill()
        return not left

    def look(self) -> None:
        """Start it again when it died a second ago. What is left of its group goes first: systemd ends the whole control group."""
        with self._lock:
            if not self._wanted or self.pid is not None:
                return
            if not self._died_at:
                self._died_at = time.monotonic()
                code = self._process.poll() if self._process is not None else None
                if code is not None and code != -signal.SIGKILL:
                    self.ended.append(code)
                self._end_group()
            elif time.monotonic() - self._died_at >= AGAIN_SECONDS:
                self._launch()

    def _launch(self) -> None:
        if FORKED:
            self._process = lives().begin(self.command, self.environment, self.log)
        else:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "cli.main", *self.command],
                    cwd=ROOT, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
        self.starts += 1
        self._died_at = 0.0

    def _end_group(self) -> None:
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _group(leader: int) -> list[int]:
    """Live processes of a group."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    return found


class Supervisor:
    """Looks after processes from a thread of its own."""

    def __init__(self) -> None:
        self._kept: list[Kept] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def keep(self, one: Kept) -> Kept:
        """Look after this one too."""
        self._kept.append(one)
        return one

    def end(self) -> None:
        """Kill everything."""
        self._ending.set()
        self._thread.join()
        for one in self._kept:
            one.kill()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            for one in tuple(self._kept):
                one.look()
