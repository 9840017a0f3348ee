"""Known vulnerabilities of what the locks name, as pip-audit tells them: of the index's service, or of a copy of OSV's database.

pip-audit takes a package that the service does not know for one that it could not look at, and ends well. So silence is never taken for
good news here: what was not answered is told as not answered.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from deploy.supply_chain import lock
from deploy.supply_chain.advisories import Advisories, served
from deploy.supply_chain.exceptions import ROOT, Excepted

#: Of each package, version and place of installation one is enough; the locks have most packages in common.
LOCKS: Final = tuple(ROOT / "requirements" / f"{name}.txt" for name in ("production", "dev", "bench", "bootstrap"))
#: The smallest lock: by it we learn whether the service can be asked at all, before all the rest is.
_PROBE: Final = ROOT / "requirements" / "bootstrap.txt"
_SECONDS: Final = 600
#: By which pip-audit, or the library that asks for it, says that nobody was there.
_UNREACHABLE: Final = (
    "ConnectionError",
    "ConnectTimeout",
    "Could not connect",
    "Max retries",
    "ProxyError",
    "ReadTimeout",
    "SSLError",
    "timed out",
)


@dataclass(frozen=True)
class Vulnerable:
    """A version that a lock names and that something is known against. `ids`: all names of it; `fixed_in`: versions without it."""

    package: str
    version: str
    ids: frozenset[str]
    fixed_in: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.package} {self.version}: {', '.join(sorted(self.ids))}" + (
            f"; mended in {', '.join(self.fixed_in)}" if self.fixed_in else "; not mended in any version yet"
        )


@dataclass(frozen=True)
class Answer:
    """`checked`: how many packages were looked up; `unanswered`: which were not, or ["*"] where nobody answers; `why`: in plain words.
    `newest`: of a copy, the day of its latest advisory.
    """

    vulnerable: list[Vulnerable] = field(default_factory=list)
    checked: int = 0
    unanswered: list[str] = field(default_factory=list)
    why: str = ""
    newest: date | None = None


def known_vulnerabilities(locks: tuple[Path, ...] = LOCKS, *, copy: Path | None = None) -> Answer:
    """Ask about every package of the locks: the index's service, or `copy` of OSV's database. Raises ValueError where that is none."""
    if copy is None:
        probe = _ask((_PROBE,), [])
        if probe.unanswered == ["*"]:
            return probe
        if probe.unanswered:
            return Answer(unanswered=["*"], why=f"it does not know {', '.join(probe.unanswered)}")
        return _ask(locks, [])
    advisories = Advisories(copy, {one.name for path in locks for one in lock.read(path)})
    with served(advisories) as address, _without_proxy():
        found = _ask(locks, ["--vulnerability-service", "osv", "--osv-url", address])
    return Answer(found.vulnerable, found.checked, found.unanswered, found.why, advisories.newest)


@contextmanager
def _without_proxy() -> Iterator[None]:
    """The copy is asked on this machine, whatever way out the environment names."""
    before = os.environ.get("NO_PROXY")
    os.environ["NO_PROXY"] = "127.0.0.1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["NO_PROXY"]
        else:
            os.environ["NO_PROXY"] = before


def _ask(locks: tuple[Path, ...], service: list[str]) -> Answer:
    files = [word for path in locks for word in ("--requirement", str(path))]
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "--timeout", "15"]
    command = [sys.executable, "-m", "pip_audit", *options, *service, *files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return Answer(unanswered=["*"], why=f"it gave no answer within {_SECONDS // 60} minutes")
    except (ValueError, KeyError):
        return Answer(unanswered=["*"], why=_plainly(done.stderr))
    return understood(dependencies)


def _plainly(said: str) -> str:
    """Why pip-audit ended without a report: its last words are an exception of Python's, with addresses in it."""
    if any(word in said for word in _UNREACHABLE):
        return "it cannot be reached"
    return "pip-audit ended without a report; it says why itself: python -m pip_audit --requirement requirements/bootstrap.txt"


def understood(dependencies: list[dict[str, Any]]) -> Answer:
    """What pip-audit's report says of each dependency; one that it skipped was not answered. The same package of several locks is one."""
    silent = {one["name"] for one in dependencies if "skip_reason" in one}
    found = {(one["name"], one["version"]): one["vulns"] for one in dependencies if "vulns" in one}
    return Answer(
        vulnerable=[
            Vulnerable(name, version, frozenset({each["id"], *each["aliases"]}), tuple(each["fix_versions"]))
            for (name, version), all_of_it in sorted(found.items())
            for each in all_of_it
        ],
        checked=len(found),
        unanswered=sorted(silent),
        why="it does not know them" if silent else "",
    )


def unexplained(found: list[Vulnerable], exceptions: list[Excepted]) -> list[Vulnerable]:
    """What no exception covers."""
    return [one for one in found if not any(each.covers_package(set(one.ids), one.package) for each in exceptions)]


def unneeded(found: list[Vulnerable], exceptions: list[Excepted]) -> list[Excepted]:
    """Exceptions of packages that cover nothing any more."""
    return [
        each
        for each in exceptions
        if each.package and not any(each.covers_package(set(one.ids), one.package) for one in found)
    ]
