"""The parent: starts the reading child, hears what came of each document, and goes on behind one that could not be survived.

A document that is a fault is kept under var/fuzz/. What was counted is kept there as well, block by block: a run that was broken off goes on.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from core.settings import ROOT
from tests.fuzz.child import MEMORY
from tests.fuzz.outcome import FAULTS

#: Documents of one block: what Hypothesis draws with one seed.
BLOCK: Final = 250
#: Seconds by the clock without a word from the child. Its processor time is bounded by itself; a busy machine makes any clock lie.
_SILENCE: Final = 300
_START: Final = 900
_READERS: Final = "tests.fuzz.readers"


@dataclass
class Tally:
    """What came of the documents of one reader: how many of each kind, what the faults were and where one of each lies; processor seconds in all
    and at most, the most memory in MB; from which block to go on.
    """

    reader: str
    next_block: int = 0
    came: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    slowest: float = 0.0
    day: str = ""

    @property
    def inputs(self) -> int:
        """Documents in all."""
        return self.came.total()

    def note(self, said: dict[str, Any]) -> None:
        """Count one document."""
        self.came[said["came"]] += 1
        self.seconds += said["seconds"]
        self.slowest = max(self.slowest, said["seconds"])


@dataclass(frozen=True)
class Plan:
    """What is to be read: `inputs` documents of each block, which is a reader's name and a number. `module` holds the readers."""

    blocks: Sequence[tuple[str, int]]
    inputs: int = BLOCK
    seed: int = 1
    memory: int = MEMORY
    module: str = _READERS


def run(
    plan: Plan,
    folder: Path,
    tallies: dict[str, Tally] | None = None,
    after_block: Callable[[Tally], None] = lambda _: None,
) -> dict[str, Tally]:
    """Read as planned; what came of it, by reader, added to `tallies`. Faults are kept in `folder`."""
    tallies = {} if tallies is None else tallies
    folder.mkdir(parents=True, exist_ok=True)
    waiting = deque(plan.blocks)
    while waiting:  # one child for all, until it dies of a document: the next begins with the block after
        _hear_out(plan, waiting, _Counting(tallies, folder, after_block))
    return tallies


@dataclass(frozen=True)
class _Counting:
    tallies: dict[str, Tally]
    folder: Path
    after_block: Callable[[Tally], None]

    def document(self, name: str, said: dict[str, Any], content: bytes | None) -> None:
        """Count a document; that of a fault is kept, the smallest of each kind."""
        tally = self.tallies.setdefault(name, Tally(name))
        tally.note(said)
        if content is None:
            return
        what = f"{said['came']}: {said['what']}"
        before = Path(tally.faults[what]) if what in tally.faults else None
        if before is not None and before.stat().st_size <= len(content):
            return
        path = self.folder / name / f"{sha256(content).hexdigest()[:12]}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        tally.faults[what] = str(path)

    def block(self, name: str, number: int) -> None:
        """A block has ended."""
        tally = self.tallies.setdefault(name, Tally(name))
        tally.next_block, tally.day = number + 1, time.strftime("%Y-%m-%d")
        self.after_block(tally)


def _hear_out(plan: Plan, waiting: deque[tuple[str, int]], counting: _Counting) -> None:
    """Start a child on the blocks that wait, and take off those it came through; also the one it died of, as a fault of that reader."""
    present = counting.folder / f"present-{os.getpid()}"
    asked = {
        "blocks": list(waiting), "inputs": plan.inputs, "seed": plan.seed, "memory": plan.memory, "module": plan.module, "present": str(present),
    }  # fmt: skip
    with _Child(asked) as child, closing(child.lines()) as lines:
        for said in lines:
            if "block" in said:
                counting.block(*waiting.popleft())
            else:
                content = b64decode(said["content"]) if said["came"] in FAULTS else None
                counting.document(waiting[0][0], said, content)
        death = child.death() if waiting else ""
    if death and not child.heard:
        raise RuntimeError(f"the reading process did not start: {death}")
    if death:
        name, number = waiting.popleft()
        came = "hang" if death in _TOO_LONG else "crash"
        said = {"came": came, "what": f"the process ended: {death}", "seconds": 0.0}
        counting.document(name, said, present.read_bytes())
        counting.block(name, number)
    present.unlink(missing_ok=True)


_SILENT: Final = "not a word for minutes"
_TOO_LONG: Final = (_SILENT, signal.SIGPROF.name)


class _Child:
    """The reading process while its block lasts."""

    def __init__(self, asked: dict[str, Any]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AVAIN_")}
        environment |= {"PYTHONPATH": str(ROOT), "AVAIN_LANGUAGE": "en"}
        self._silent = self.heard = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.child"], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def lines(self) -> Generator[dict[str, Any]]:
        """What it says, until it has said all, dies, or is silent for too long."""
        pipe = self._process.stdout
        assert pipe is not None
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while True:
                if not selector.select(_SILENCE if self.heard else _START):
                    self._silent = True
                    return
                part = os.read(pipe.fileno(), 65_536)
                if not part:
                    return
                self.heard = True
                *whole, rest = (rest + part).split(b"\n")
                yield from map(json.loads, whole)

    def death(self) -> str:
        """What it ended of."""
        if self._silent:
            return _SILENT
        code = self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"code {code}"


def kept(folder: Path, seed: int) -> dict[str, Tally]:
    """What earlier runs with this seed counted."""
    path = folder / f"tally-{seed}.json"
    if not path.exists():
        return {}
    return {
        one["reader"]: Tally(**{**one, "came": Counter(one["came"])}) for one in json.loads(path.read_text("utf-8"))
    }


def keep(folder: Path, seed: int, tallies: dict[str, Tally]) -> None:
    """Keep what was counted."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tally-{seed}.json"
    path.with_suffix(".part").write_text(json.dumps([vars(one) for one in tallies.values()], indent=1), "utf-8")
    path.with_suffix(".part").replace(path)
