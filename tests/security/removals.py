"""`python -m tests.security.removals`: takes away one guard after the other in a copy of Avain, and looks whether its test fails.

A test that stays green without the guard proves nothing about it: then this ends with 1 and says which. `--only WORD` for the guards whose
file or test holds the word; `--report FILE` writes what each test said.
"""

import argparse
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.settings import ROOT
from tests.security.guards import Guard, guards

#: A test that hangs without its guard has noticed as well, but nobody waits for it longer (seconds).
_PATIENCE: Final = 300
#: What pytest ends with when tests failed; anything else (nothing collected, a broken import) says nothing about the guard.
_PASSED, _FAILED = 0, 1


class Copy:
    """A copy of the files under version control, with the compiled texts beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._moments = itertools.count(
            1_000_000_000
        )  # each text of a file has a moment of its own: nothing compiled earlier fits it
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        compiled = [str(one.relative_to(ROOT)) for one in ROOT.glob("locale/*/LC_MESSAGES/*.mo")]
        for name in [*filter(None, listed.split("\0")), *compiled]:
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    @contextmanager
    def without(self, guard: Guard) -> Iterator[None]:
        """Inside the block the guard is gone."""
        path = self._folder / guard.file
        text = path.read_text("utf-8")
        self._write(path, guard.removed_from(text))
        try:
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        moment = next(self._moments)
        os.utime(path, (moment, moment))

    def test(self, *tests: str) -> tuple[int, str]:
        """Run tests of the copy: what pytest ended with, and what it said."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AVAIN_", "PYTEST_"))}
        environment |= {"PYTHONPATH": str(self._folder), "PYTHONPYCACHEPREFIX": str(self._folder / "var" / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-x", *tests]
        with subprocess.Popen(command, cwd=self._folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:  # fmt: skip
            try:
                said, _none = run.communicate(timeout=_PATIENCE * len(tests))
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGINT)  # so that it still stops the servers it has started
                said, _none = run.communicate()
                return _FAILED, f"{said}\nE   did not end in time"
        return run.returncode, said


@contextmanager
def copied() -> Iterator[Copy]:
    """A copy that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="avain-guards-") as folder:
        yield Copy(Path(folder))


def said(output: str) -> list[str]:
    """The first words of what a test objected to, and how many failed."""
    objections = [line.strip() for line in output.splitlines() if line.startswith("E ")][:3]
    return [line[:200] for line in (*objections, *output.strip().splitlines()[-1:])]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Take away each guard that is asked for; 1 if a test did not notice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args(arguments)
    chosen = [one for one in guards() if asked.only in one.file or asked.only in one.test]
    report, unnoticed = [], 0
    with copied() as copy:
        code, output = copy.test(*dict.fromkeys(one.test for one in chosen))
        report.append(f"With every guard in place: {output.strip().splitlines()[-1]}")
        _say(report[0])
        if code != _PASSED:
            _say(output)
            return 1
        for guard in chosen:
            with copy.without(guard):
                code, output = copy.test(guard.test)
            noticed = code == _FAILED
            unnoticed += not noticed
            head = f"{'red  ' if noticed else 'GREEN'} {guard.file} -> {guard.test}"
            _say(head)
            report += [
                "",
                head,
                "  - " + guard.old.strip(),
                "  + " + guard.new.strip(),
                *(f"    {line}" for line in said(output)),
            ]
    _say(f"{len(chosen) - unnoticed} of {len(chosen)} guards are missed by their tests when they are gone.")
    if asked.report:
        asked.report.write_text("\n".join(report) + "\n", "utf-8")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
