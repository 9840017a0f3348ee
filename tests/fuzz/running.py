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
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from core.settings import ROOT
from tests.fuzz.child import MEMORY
from tests.fuzz.outcome import FAULTS

#: Documents of one block: what Hypothesis draws with one seed.
BLOCK: Final = 250
#: Seconds by the clock without a word from the child. Its processor time is bounded by itself; a busy machine makes any clock lie.
_SILENCE: Final = 60
_START: Final = 120
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
    peak: int = 0
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
    """What is to be read: `blocks` of `inputs` documents of each reader, from block `first` on. `module` holds the readers."""

    readers: Sequence[str]
    first: int = 0
    blocks: int = 1
    inputs: int = BLOCK
    seed: int = 1
    memory: int = MEMORY
    module: str = _READERS


def run(plan: Plan, folder: Path) -> dict[str, Tally]:
    """Read as planned; what came of it, by reader. Faults are kept in `folder`."""
    tallies = {name: Tally(name, plan.first) for name in plan.readers}
    folder.mkdir(parents=True, exist_ok=True)
    waiting = deque((name, block) for name in plan.readers for block in range(plan.first, plan.first + plan.blocks))
    while waiting:  # one child for all, until it dies of a document: the next begins with the block after
        _hear_out(plan, waiting, tallies, folder)
    return tallies


def _hear_out(plan: Plan, waiting: deque[tuple[str, int]], tallies: dict[str, Tally], folder: Path) -> None:
    """Start a child on the blocks that wait, and take off those it came through; also the one it died of, as a fault of that reader."""
    present = folder / f"present-{os.getpid()}"
    asked = {
        "blocks": list(waiting), "inputs": plan.inputs, "seed": plan.seed, "memory": plan.memory, "module": plan.module, "present": str(present),
    }  # fmt: skip
    with _Child(asked) as child, closing(child.lines()) as lines:
        for said in lines:
            tally = tallies[waiting[0][0]]
            if "block" in said:
                tally.next_block, tally.peak = said["block"] + 1, max(tally.peak, said["peak"])
                waiting.popleft()
                continue
            tally.note(said)
            if said["came"] in FAULTS:
                _keep(tally, said, b64decode(said["content"]), folder)
        death = child.death() if waiting else ""
    if death and not child.heard:
        raise RuntimeError(f"the reading process did not start: {death}")
    if death:
        name, block = waiting.popleft()
        said = {
            "came": "hang" if death in _TOO_LONG else "crash",
            "what": f"the process ended: {death}",
            "seconds": 0.0,
        }
        tallies[name].note(said)
        tallies[name].next_block = block + 1
        _keep(tallies[name], said, present.read_bytes(), folder)
    present.unlink(missing_ok=True)


_SILENT: Final = "not a word for a minute"
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


def _keep(tally: Tally, said: dict[str, Any], content: bytes, folder: Path) -> None:
    """Keep the document of a fault: the smallest of each kind."""
    what = f"{said['came']}: {said['what']}"
    before = Path(tally.faults[what]) if what in tally.faults else None
    if before is not None and before.stat().st_size <= len(content):
        return
    path = folder / tally.reader / f"{sha256(content).hexdigest()[:12]}.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    tally.faults[what] = str(path)


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
    path.with_suffix(".part").write_text(json.dumps([asdict(one) for one in tallies.values()], indent=1), "utf-8")
    path.with_suffix(".part").replace(path)


def added(before: Tally | None, more: Tally) -> Tally:
    """Both together."""
    if before is None:
        return more
    return Tally(
        more.reader, more.next_block, before.came + more.came, before.faults | more.faults, before.seconds + more.seconds,
        max(before.slowest, more.slowest), max(before.peak, more.peak), time.strftime("%Y-%m-%d"),
    )  # fmt: skip
