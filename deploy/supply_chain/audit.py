"""`make audit`: dangerous calls in our code, known vulnerabilities of what it stands on; what is not explained fails.

    python -m deploy.supply_chain.audit [--advisories all.zip] [--required]

Exit 0: nothing that is not explained. 1: something is found, or an exception has run out or covers nothing. 2, only with --required: the
vulnerability service did not answer, or not about everything. Without --required that is said, loudly, and fails nothing: a builder without a way out
is not a vulnerability.
"""

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from core.i18n import HELSINKI
from deploy.supply_chain import code, exceptions, known

#: A copy of the database that is older than this is told to be old.
_OLD: Final = timedelta(days=30)


def main(arguments: list[str] | None = None, *, today: date | None = None) -> int:
    """Audit, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--advisories", type=Path, help="a copy of OSV's database, all.zip of the ecosystem PyPI")
    parser.add_argument("--required", action="store_true", help="fail where the vulnerability service does not answer")
    parser.add_argument("--exceptions", type=Path, default=exceptions.FILE, help=argparse.SUPPRESS)
    parser.add_argument("--lock", type=Path, action="append", help=argparse.SUPPRESS)
    parser.add_argument("--folder", action="append", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if today is None:
        from datetime import datetime  # noqa: PLC0415 - the clock is read once, here

        today = datetime.now(HELSINKI).date()
    excepted = exceptions.read(given.exceptions)
    wrong = [f"the exception has run out ({one.until}): {one.name}" for one in exceptions.expired(excepted, today)]
    wrong += _code(tuple(given.folder or code.FOLDERS), excepted)
    answer = known.known_vulnerabilities(tuple(given.lock or known.LOCKS), copy=given.advisories)
    wrong += _packages(answer, excepted)
    _say(answer, today, advisories=given.advisories)
    for one in wrong:
        print(f"NOT EXPLAINED  {one}")
    if wrong:
        print(f"{len(wrong)} to mend, or to explain in requirements/{exceptions.FILE.name}.")
        return 1
    print(f"Nothing that is not explained ({len(excepted)} exceptions).")
    return 2 if given.required and answer.unanswered else 0


def _code(folders: tuple[str, ...], excepted: list[exceptions.Excepted]) -> list[str]:
    found = code.dangerous_calls(folders)
    print(f"Dangerous calls (bandit): {len(found)} places in {len(folders)} folders.")
    return [
        *(f"{one.path}:{one.line} {one.check}: {one.said}" for one in code.unexplained(found, excepted)),
        *(f"the exception covers nothing: {one.name}" for one in code.unneeded(found, excepted)),
    ]


def _packages(answer: known.Answer, excepted: list[exceptions.Excepted]) -> list[str]:
    gone = known.unneeded(answer.vulnerable, excepted) if not answer.unanswered else []
    return [
        *(one.name for one in known.unexplained(answer.vulnerable, excepted)),
        *(f"the exception covers nothing: {one.name}" for one in gone),
    ]


def _say(answer: known.Answer, today: date, *, advisories: Path | None) -> None:
    """What was asked and who answered; above all, what was not answered."""
    whom = (
        "the index's vulnerability service" if advisories is None else f"the copy of OSV's database {advisories.name}"
    )
    if answer.unanswered == ["*"]:
        print(
            f"NOT CHECKED for known vulnerabilities: {whom} does not answer here: {answer.why}."
            " Run `make audit` where it does, or give a copy: make audit ADVISORIES=all.zip"
        )
        return
    print(f"Known vulnerabilities (pip-audit): {answer.checked} packages of the locks, told by {whom}.")
    if answer.unanswered:
        print(f"NOT CHECKED, for {answer.why}: {', '.join(answer.unanswered)}")
    if answer.newest is not None:
        old = " It is old: fetch a newer one." if answer.newest < today - _OLD else ""
        print(f"The copy's latest advisory is of {answer.newest}.{old}")


if __name__ == "__main__":
    sys.exit(main())
