"""Short-lived processes that a test may kill at any step.

    python -m tests.support.lives        reads from stdin one life a line, as JSON; answers each with its exit code (-9: killed)

Loading Avain takes a second or two, so it is loaded once, and every life is a fork of that: a process of its own with connections of its
own, which dies by SIGKILL as any other. Nothing is looked up before the fork: settings, engines and broker are the life's.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from core.settings import ROOT


@dataclass(frozen=True)
class Lives:
    """Whoever forks lives."""

    zygote: "subprocess.Popen[str]"

    def live(
        self, what: str, environment: Mapping[str, str], log: Path, *, night: str = "", directory: Path = ROOT
    ) -> int:
        """Live one of those named in `main` to its end, and return its exit code; -9: it was killed. What it says is added to `log`."""
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        life = {
            "environment": dict(environment),
            "what": what,
            "night": night,
            "log": str(log),
            "directory": str(directory),
        }
        print(json.dumps(life), file=self.zygote.stdin, flush=True)
        return int(self.zygote.stdout.readline())


@lru_cache(maxsize=1)
def lives() -> Lives:
    """This process's own: it is started when first asked for, and ends with us, for then its input ends."""
    environment = {"AVAIN_TEST_FAULTS": "1", "AVAIN_LANGUAGE": "en", "PYTHONPATH": str(ROOT), "PATH": ""}
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


def main() -> None:
    """Fork a life for every line."""
    from sqlalchemy.orm import configure_mappers

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
        child = os.fork()
        if child == 0:
            _live(known, json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
