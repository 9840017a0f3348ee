"""Short-lived processes that a test may kill at any step.

    python -m tests.support.lives        reads from stdin one life a line, as JSON; answers each with its exit code (-9: killed)

Loading Avain takes a second or two, so it is loaded once, and every life is a fork of that: a process of its own with connections of its
own, which dies by SIGKILL as any other. Nothing is looked up before the fork: settings, engines and broker are the life's.

A whole `avain` command can be lived as well, also one that goes on and on (a worker, beat, the console): `Lives.begin` answers at once.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from core.settings import ROOT


@dataclass(frozen=True)
class Lives:
    """Whoever forks lives."""

    zygote: "subprocess.Popen[str]"
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def live(
        self, what: str, environment: Mapping[str, str], log: Path, *, night: str = "", directory: Path = ROOT
    ) -> int:
        """Live one of those named in `main` to its end, and return its exit code; -9: it was killed. What it says is added to `log`."""
        return int(
            self._ask(environment=dict(environment), what=what, night=night, log=str(log), directory=str(directory))
        )

    def begin(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, *, errors: Path | None = None
    ) -> "Begun":
        """Have an `avain` command begin, in a session of its own and with just this environment. What it says goes to `log`, and what it
        says on stderr to `errors` (None: there as well).
        """
        pid = self._ask(command=list(command), environment=dict(environment), log=str(log), errors=str(errors or log))
        return Begun(self, list(command), int(pid))

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], *, timeout: float = 120.0
    ) -> "subprocess.CompletedProcess[str]":
        """Live an `avain` command to its end. Raises subprocess.TimeoutExpired."""
        with tempfile.TemporaryDirectory() as folder:
            said, errors = Path(folder) / "stdout", Path(folder) / "stderr"
            begun = self.begin(command, environment, said, errors=errors)
            try:
                code = begun.wait(timeout)
            finally:
                if begun.poll() is None:
                    os.killpg(begun.pid, signal.SIGKILL)
                    begun.wait()
            return subprocess.CompletedProcess(list(command), code, said.read_text("utf-8"), errors.read_text("utf-8"))

    def ended(self, pid: int) -> int | None:
        """The exit code of a command that has ended."""
        code = self._ask(ended=pid)
        return int(code) if code else None

    def _ask(self, **what: Any) -> str:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        with self._one_at_a_time:
            print(json.dumps(what), file=self.zygote.stdin, flush=True)
            return self.zygote.stdout.readline().strip()


@dataclass
class Begun:
    """A command that was begun, to be handled as `subprocess.Popen`."""

    lives: Lives
    args: list[str]
    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code once it has ended; minus the signal that ended it."""
        if self.returncode is None:
            self.returncode = self.lives.ended(self.pid)
        return self.returncode

    def wait(self, timeout: float = 600.0) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """To the process itself, while it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """As a supervisor would."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """By force."""
        self.send_signal(signal.SIGKILL)


@lru_cache(maxsize=1)
def lives() -> Lives:
    """This process's own: it is started when first asked for, and ends with us, for then its input ends."""
    environment = {
        "AVAIN_TEST_FAULTS": "1",
        "AVAIN_TEST_CLOCK": "1",
        "AVAIN_LANGUAGE": "en",
        "PYTHONPATH": str(ROOT),
        "PATH": "",
    }
    zygote = subprocess.Popen(
        [sys.executable, "-m", "tests.support.lives"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(zygote.communicate)
    return Lives(zygote)


def _perform(work: str) -> None:
    """`workers.tasks.cases.sync_cases 7`: do that Work, as a worker's child does."""
    from workers.task import perform

    task, _, work_id = work.partition(" ")
    module, _, name = task.rpartition(".")
    perform(int(work_id), getattr(import_module(module), name))


def _watch(_: str) -> None:
    """One look at jobs that fail for good, as each tick takes."""
    from workers.tick import watch_failures

    watch_failures()


def _avain(words: str) -> None:
    """A command as somebody types it, without waiting for Python to load it all."""
    from cli.main import main

    sys.argv = ["avain", *json.loads(words)]
    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else int(ended.code is not None))


def _live(known: Mapping[str, Callable[[str], None]], life: dict[str, Any]) -> None:
    """One life, in a process that was forked for it."""
    os.chdir(life["directory"])
    os.environ.update(life["environment"])
    tempfile.tempdir = None
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    errors = os.open(life["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    try:
        known[life["what"]](life["night"])
    except BaseException:  # noqa: BLE001 - told, and the process ends
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _command(life: dict[str, Any]) -> None:
    """A whole `avain` command, in a process that was forked for it."""
    from core import i18n

    os.setsid()
    os.environ.clear()
    os.environ.update(life["environment"])
    tempfile.tempdir = None
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "log"), (2, "errors")):
        os.dup2(os.open(life[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    # threads begin with the default: the one of this command's environment
    i18n._language = ContextVar("language", default=i18n._initial_language())  # noqa: B039
    sys.argv = ["avain", *life["command"]]
    path = life["environment"].get("PYTHONPATH", "")
    sys.path[:0] = [place for place in path.split(os.pathsep) if place and place not in sys.path]
    code: Any = 1
    try:
        import_module("cli.main").main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - told, and the process ends
        traceback.print_exc()
    # as the interpreter ends, but for what the parent process would have to do
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _ended(pid: int) -> str:
    gone, status = os.waitpid(pid, os.WNOHANG)
    return str(os.waitstatus_to_exitcode(status)) if gone else ""


def main() -> None:
    """Fork a life for every line."""
    from sqlalchemy.orm import configure_mappers

    import cli.main  # noqa: F401 - what commands load when they begin
    import console.app  # noqa: F401 - the same
    from core.database import make_engine
    from tests.support import day, order_lives, visits
    from workers.app import app

    known: dict[str, Callable[[str], None]] = {
        **visits.NIGHTS,
        "day": lambda _: day.live(),
        "perform": _perform,
        "watch": _watch,
        "avain": _avain,
        "order_and_deliver": order_lives.order_and_deliver,
        "as_it_comes": order_lives.as_it_comes,
    }
    app.finalize()
    configure_mappers()
    make_engine("postgresql://nobody@127.0.0.1:1/none")  # loads the dialect, connects to nothing
    gc.freeze()  # what is here stays: no life need look through it
    for line in sys.stdin:
        print(_answer(known, json.loads(line)), flush=True)  # noqa: T201 - the answer


def _answer(known: Mapping[str, Callable[[str], None]], asked: dict[str, Any]) -> str:
    if "ended" in asked:
        return _ended(asked["ended"])
    child = os.fork()
    if child == 0:
        if "command" in asked:
            _command(asked)
        _live(known, asked)
    if "command" in asked:
        return str(child)
    _, status = os.waitpid(child, 0)
    return str(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
