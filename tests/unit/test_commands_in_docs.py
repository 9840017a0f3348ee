"""Every command that the documents show is one that there is, with options that it has."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: At the beginning of a line of an example, or of words set as code; a comment or another command may follow.
_SHOWN = re.compile(r"(?:^|`)(?:\.venv/bin/)?avain ([a-z][^`#|…]*)", re.MULTILINE)
_EVERYWHERE = {"--help"}


def shown(page: Path) -> Iterator[str]:
    for match in _SHOWN.finditer(page.read_text("utf-8")):
        yield match.group(1).replace("\\\n", " ").split("\n")[0].strip()


def wrong(words: list[str]) -> str | None:
    """What there is not, of a command's words."""
    command: Any = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | _EVERYWHERE
    if hasattr(command, "commands") and words and not words[0].startswith("-"):
        return words[0]
    return next((word for word in words if word.startswith("--") and word.partition("=")[0] not in known), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_shown_exists(page: Path) -> None:
    assert {command: name for command in shown(page) if (name := wrong(shlex.split(command)))} == {}


def test_a_wrong_one_is_seen() -> None:
    assert wrong(shlex.split("order respond T-2026-000001 --accept --starts 2026-11-20")) == "--starts"
    assert wrong(shlex.split("order shwo T-2026-000001")) == "shwo"
    assert wrong(shlex.split("order show T-2026-000001 --json")) is None
