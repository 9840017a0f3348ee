"""`python -m tests.security.removals`: takes away one guard after the other in a copy of Avain, and looks whether its test fails.

A test that stays green without the guard proves nothing about it: then this ends with 1 and says which. `--only WORD …` for the guards whose
file or test holds one of the words; `--report FILE` writes what each test said.
"""

import argparse
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from core import embedded
from core.settings import ROOT
from tests.conftest import servers_of
from tests.security.guards import Guard, guards

#: A test that hangs without its guard has noticed as well, but nobody waits for it longer (seconds).
_PATIENCE: Final = 300
#: What pytest ends with when tests failed; anything else (nothing collected, a broken import) says nothing about the guard.
_PASSED, _FAILED = 0, 1


class Copy:
    """A copy of the files under version control, with the compiled texts beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._run = folder, uuid.uuid4().hex
        # each text of a file has a moment of its own: nothing compiled earlier fits it
        self._moments = itertools.count(1_000_000_000)
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        compiled = [str(one.relative_to(ROOT)) for one in ROOT.glob("locale/*/LC_MESSAGES/*.mo")]
        for name in [*filter(None, listed.split("\0")), *compiled]:
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    @contextmanager
    def without(self, guard: Guard) -> Iterator[None]:
        """Inside the block the guard is gone."""
        with ExitStack() as stack:
            for one in guard.removals:
                path = self._folder / one.file
                text = path.read_text("utf-8")
                self._write(path, one.removed_from(text))
                stack.callback(self._write, path, text)
            yield

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        moment = next(self._moments)
        os.utime(path, (moment, moment))

    def test(self, *tests: str, own_servers: bool = False) -> tuple[str, str]:
        """Run tests of the copy: `red`, `GREEN` or `BROKEN`, and what pytest said. Unless `own_servers`, on servers that were started before."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AVAIN_", "PYTEST_"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment |= {"PYTHONPATH": str(self._folder)}
        if not own_servers:
            environment |= {"PYTEST_XDIST_TESTRUNUID": self._run}
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-x", *tests]
        with subprocess.Popen(command, cwd=self._folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:  # fmt: skip
            try:
                told, _none = run.communicate(timeout=_PATIENCE * len(tests))
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGINT)  # so that it still stops the servers it has started
                told, _none = run.communicate()
                return "red", f"{told}\nIt did not end in time."
        # an error before the test says nothing about the guard, nor does a test that is not there
        failed = run.returncode == _FAILED and re.search(r"^\W*\d+ failed", told, re.MULTILINE)
        return "red" if failed else "GREEN" if run.returncode == _PASSED else "BROKEN", told

    @contextmanager
    def servers(self) -> Iterator[None]:
        """Inside the block the servers of the first run stay for the next ones, with the database migrated once."""
        home = servers_of(self._run)
        home.mkdir()
        (home / "used-by-removals").touch()
        try:
            yield
        finally:
            embedded.remove(home)
            shutil.rmtree(home, ignore_errors=True)


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
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args(arguments)
    chosen = [one for one in guards() if any(word in one.file or word in one.test for word in asked.only)]
    report, unnoticed = [], 0
    with copied() as copy, copy.servers():
        became, output = copy.test(*dict.fromkeys(one.test for one in chosen))
        report.append(f"With every guard in place: {output.strip().splitlines()[-1]}")
        _say(report[0])
        if became != "GREEN":
            _say(output)
            return 1
        for guard in chosen:
            with copy.without(guard):
                became, output = copy.test(guard.test, own_servers=guard.file.startswith("migrations/"))
            unnoticed += became != "red"
            head = f"{became} {guard.file} -> {guard.test}"
            _say(head)
            report += [
                "",
                head,
                *(line for one in guard.removals for line in (*_marked("-", one.old), *_marked("+", one.new))),
                *(f"    {line}" for line in said(output)),
            ]
            if asked.report:
                asked.report.write_text("\n".join(report) + "\n", "utf-8")
    _say(f"{len(chosen) - unnoticed} of {len(chosen)} guards are missed by their tests when they are gone.")
    return 1 if unnoticed else 0


def _marked(sign: str, text: str) -> list[str]:
    return [f"  {sign} {line.strip()}" for line in text.strip().splitlines()]


if __name__ == "__main__":
    sys.exit(main())
