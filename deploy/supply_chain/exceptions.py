"""What the audit finds and we live with: each explained, dated and good for a year at most. One file: requirements/audit-exceptions.toml."""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = ROOT / "requirements" / "audit-exceptions.toml"
#: After so long somebody looks again whether the reason still holds.
LONGEST: Final = timedelta(days=400)
#: A shorter reason than this says nothing.
_SHORTEST_REASON: Final = 40


@dataclass(frozen=True)
class Excepted:
    """One exception. Of code: `check` is bandit's id and `paths` are patterns of files (`services/*` holds for all below). Of a package: `check` is
    the id of the vulnerability (PYSEC-…, GHSA-…, CVE-…) and `package` its name.
    """

    check: str
    paths: tuple[str, ...]
    package: str
    reason: str
    decided: date
    until: date

    def covers_code(self, check: str, path: str) -> bool:
        """Whether it is about this finding of bandit."""
        return self.check == check and any(fnmatchcase(path, pattern) for pattern in self.paths)

    def covers_package(self, ids: set[str], package: str) -> bool:
        """Whether it is about a vulnerability that goes by these ids, in this package."""
        return self.package == package and self.check in ids

    @property
    def name(self) -> str:
        return f"{self.check} {self.package or ', '.join(self.paths)}"


def read(path: Path = FILE) -> list[Excepted]:
    """All exceptions. Raises ValueError, naming the entry, for one that lacks something, is not explained or lasts too long."""
    groups = tomllib.loads(path.read_text("utf-8"))
    if unknown := set(groups) - {"code", "package"}:
        raise ValueError(f"{path.name}: {', '.join(sorted(unknown))}: only [[code]] and [[package]] stand here")
    return [_excepted(kind, entry) for kind, entries in groups.items() for entry in entries]


def _excepted(kind: str, entry: dict[str, Any]) -> Excepted:
    own = {"code": "paths", "package": "package"}[kind]
    wanted = {"check", "reason", "decided", "until", own}
    said = f"[[{kind}]] {entry.get('check', '?')}"
    if set(entry) != wanted:
        raise ValueError(f"{said}: has {', '.join(sorted(entry))}; needs {', '.join(sorted(wanted))}")
    made = Excepted(
        entry["check"],
        tuple(entry.get("paths", ())),
        entry.get("package", ""),
        " ".join(entry["reason"].split()),
        entry["decided"],
        entry["until"],
    )
    if len(made.reason) < _SHORTEST_REASON:
        raise ValueError(f"{said}: the reason does not explain anything: {made.reason}")
    if not made.decided < made.until <= made.decided + LONGEST:
        raise ValueError(f"{said}: must end after {made.decided} and by {made.decided + LONGEST}")
    return made


def expired(found: list[Excepted], today: date) -> list[Excepted]:
    """Those whose time is over: look again, then give them a new date or mend what they excuse."""
    return [one for one in found if one.until < today]
