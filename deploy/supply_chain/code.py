"""Dangerous calls in our own code, as bandit finds them. There is no `# nosec`: what is all right is said in the file of exceptions."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from deploy.supply_chain.exceptions import ROOT, Excepted

#: All that is delivered; of tests ruff sees to what can be dangerous in a test.
FOLDERS: Final = (
    "cli", "connectors", "console", "core", "demo", "deploy", "documents", "migrations", "models", "schedules", "services", "workers",
)  # fmt: skip


@dataclass(frozen=True)
class Dangerous:
    """One finding: bandit's id of the check, the file from the root of the project, the line, and what bandit says of it."""

    check: str
    path: str
    line: int
    said: str


def dangerous_calls(folders: tuple[str, ...] = FOLDERS) -> list[Dangerous]:
    """Everything bandit finds, of any severity. Raises RuntimeError where it could not look into a file."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--ignore-nosec", "--recursive", "--format", "json", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    if report["errors"]:
        raise RuntimeError(f"bandit could not read: {report['errors']}")
    return [
        Dangerous(one["test_id"], one["filename"].removeprefix("./"), one["line_number"], one["issue_text"])
        for one in report["results"]
    ]


def unexplained(found: list[Dangerous], exceptions: list[Excepted]) -> list[Dangerous]:
    """What no exception covers."""
    return [one for one in found if not any(each.covers_code(one.check, one.path) for each in exceptions)]


def unneeded(found: list[Dangerous], exceptions: list[Excepted]) -> list[Excepted]:
    """Exceptions of code that cover nothing any more: they would excuse what somebody writes tomorrow."""
    return [
        each for each in exceptions if each.paths and not any(each.covers_code(one.check, one.path) for one in found)
    ]
