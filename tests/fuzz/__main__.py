"""`make fuzz`: 10,000 documents of each reader, or as many as are asked for; goes on where it was broken off.

    python -m tests.fuzz [--inputs N] [--seed S] [--reader NAME …] [--table]
    python -m tests.fuzz --smaller READER BLOCK [--seed S]     the smallest document of that block that is a fault
    python -m tests.fuzz --again READER FILE                   what comes of a document that was kept

Ends with 1 when there were faults. `--table` writes what was counted into docs/fuzzing.md.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from core.settings import ROOT
from tests.fuzz import child, report, running
from tests.fuzz.outcome import FAULTS, outcome_of
from tests.fuzz.readers import READERS

_FOLDER = ROOT / "var" / "fuzz"
_BLOCKS_AT_ONCE = 4


def main() -> int:
    """Do what is asked for; whether something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Documents that are nearly right.")
    parser.add_argument("--inputs", type=int, default=10_000, help="of each reader, those of earlier runs included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", choices=READERS, action="append", help="only this one; may be repeated")
    parser.add_argument("--table", action="store_true", help="write what was counted into docs/fuzzing.md")
    parser.add_argument("--smaller", nargs=2, metavar=("READER", "BLOCK"))
    parser.add_argument("--again", nargs=2, metavar=("READER", "FILE"))
    chosen = parser.parse_args()
    if chosen.again:
        return _again(chosen.again[0], Path(chosen.again[1]).read_bytes())
    if chosen.smaller:
        return _smaller(chosen.smaller[0], int(chosen.smaller[1]), chosen.seed)
    if not chosen.table:
        for name in chosen.reader or READERS:
            _read(name, chosen.seed, chosen.inputs)
    tallies = running.kept(_FOLDER, chosen.seed)
    sys.stdout.write(report.table(tallies))
    if chosen.table:
        report.write(tallies, chosen.seed)
    faulty = [one for one in tallies.values() if one.faults]
    for one in faulty:
        for what, path in one.faults.items():
            sys.stdout.write(f"{one.reader}: {what} ({path})\n")
    return int(bool(faulty))


def _read(name: str, seed: int, inputs: int) -> None:
    """Read until there were so many of a reader; what was counted is kept after every few blocks."""
    while True:
        tallies = running.kept(_FOLDER, seed)
        before = tallies.get(name)
        missing = inputs - (before.inputs if before is not None else 0)
        if missing <= 0:
            return
        blocks = min(_BLOCKS_AT_ONCE, -(-missing // running.BLOCK))
        first = before.next_block if before is not None else 0
        more = running.run(running.Plan([name], first, blocks, seed=seed), _FOLDER)[name]
        tallies[name] = running.added(before, more)
        tallies[name].day = time.strftime("%Y-%m-%d")
        running.keep(_FOLDER, seed, tallies)
        sys.stdout.write(f"{name}: {tallies[name].inputs} {dict(tallies[name].came)}\n")
        sys.stdout.flush()


def _smaller(name: str, block: int, seed: int) -> int:
    """Hypothesis makes the fault smaller and tells of it."""
    reader = READERS[name]

    def object_to_faults(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            outcome = outcome_of(reader.read, content, Path(folder))
        assert outcome.kind not in FAULTS, f"{outcome}: {content!r}"

    child.draw(reader, seed, block, running.BLOCK, object_to_faults, shrink=True)
    return 0


def _again(name: str, content: bytes) -> int:
    with tempfile.TemporaryDirectory() as folder:
        outcome = outcome_of(READERS[name].read, content, Path(folder))
    sys.stdout.write(f"{outcome.kind} {outcome.what}\n")
    return int(outcome.kind in FAULTS)


if __name__ == "__main__":
    sys.exit(main())
