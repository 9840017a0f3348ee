"""The process that reads: `python -m tests.fuzz.child`, started by running.py, which tells it what to read and hears of every document.

It may use 512 MB beyond what it has when all is loaded, and 5 seconds of processor time for a document: then it is ended by the kernel, in
C as in Python. What it reads last lies in a file, so that the parent can keep what could not be survived.
"""

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final
from zlib import crc32

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from tests.fuzz.outcome import FAULTS, Outcome, outcome_of
from tests.fuzz.reader import Reader

MEBIBYTE: Final = 1024 * 1024
#: What a document may cost: bytes beyond what the process has, and seconds of processor time.
MEMORY: Final = 512 * MEBIBYTE
SECONDS: Final = 5


def main() -> int:
    """Read what the first line of standard input asks for, and tell of each document on standard output, a line of JSON."""
    asked = json.loads(sys.stdin.readline())
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a reader prints is not heard
    readers = import_module(asked["module"]).READERS
    blocks = [(readers[name], number) for name, number in asked["blocks"]]
    with tempfile.TemporaryDirectory() as place, Path(asked["present"]).open("wb") as present:
        reading = _Reading(told, present, Path(place) / "reader")
        for one in {one.name: one for one, _ in blocks}.values():
            reading.warm_up(one)
        _confine(asked["memory"])
        for one, number in blocks:
            draw(one, asked["seed"], number, asked["inputs"], partial(reading.read, one))
            told.write(json.dumps({"block": number}) + "\n")
    return 0


def draw(
    reader: Reader, seed: int, block: int, inputs: int, each: Callable[[bytes], None], *, shrink: bool = False
) -> None:
    """Call `each` with the documents of a block: the same ones for the same seed and block. `shrink`: what `each` objects to is made smaller."""
    seeds = reader.seeds()

    def harness(dice: Any) -> None:
        each(reader.form.make(dice, seeds))

    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    configured = hypothesis.settings(
        max_examples=inputs, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    given = hypothesis.given(st.randoms(use_true_random=False))
    hypothesis.seed(crc32(f"{seed}/{reader.name}/{block}".encode()))(configured(given(harness)))()


class _Reading:
    """Reads documents one by one, each in an empty folder, and tells what came of it."""

    def __init__(self, told: Any, present: BinaryIO, folder: Path) -> None:
        self._told, self._present, self._folder = told, present, folder

    def warm_up(self, reader: Reader) -> None:
        """Load what a reader needs, which is no document's doing."""
        for content in reader.seeds():
            self._outcome(reader, content)

    def read(self, reader: Reader, content: bytes) -> None:
        """One document."""
        self._present.seek(0)
        self._present.write(content)
        self._present.truncate()
        self._present.flush()
        before = _used()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome = self._outcome(reader, content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        took = _used() - before
        if took > SECONDS:
            outcome = Outcome("slow", outcome.what or outcome.kind)
        line: dict[str, Any] = {"came": outcome.kind, "seconds": round(took, 3)}
        if outcome.kind in FAULTS:
            line |= {"what": outcome.what, "content": b64encode(content).decode()}
        self._told.write(json.dumps(line) + "\n")

    def _outcome(self, reader: Reader, content: bytes) -> Outcome:
        self._folder.mkdir()
        try:
            return outcome_of(reader.read, content, self._folder)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _confine(memory: int) -> None:
    """So much address space more, for this process and for each it starts; no core file."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _used() -> float:
    """Seconds of processor time so far, those of processes that were started and have ended included."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    sys.exit(main())
