"""docs/security.md names nothing that is not there: every row a guard and the test that fails without it, which somebody has seen."""

import ast
import re
from datetime import date

import pytest

from core.settings import ROOT
from tests.security.guards import by_hand, guards, read

TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
_HEAD = "| What they try | What stops it | Shown by |\n|---|---|---|\n"
#: Attacker → rows of their table.
ATTACKERS = {
    title: [tuple(cell.strip() for cell in line.strip("| ").split(" | ")) for line in table.strip().splitlines()]
    for title, table in re.findall(
        rf"^## ([^\n]+)\n(?:(?!^## ).*\n)*?{re.escape(_HEAD)}((?:\|.*\n)+)", TEXT, re.MULTILINE
    )
}
ROWS = [(title, *row) for title, rows in ATTACKERS.items() for row in rows]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(?:Test\w+::)?(test_\w+)`")
_FILE = re.compile(r"`([\w/.-]+\.\w+)`")
_CLASS = re.compile(r"::Test\w+(?=::)")
TRIED = {
    (file, _CLASS.sub("", test))
    for file, test in [*((one.file, one.test) for one in guards()), *((one.file, one.test) for one in by_hand())]
}


def names_of(path: str) -> set[str]:
    return set(re.findall(r"^ *(?:async )?def (test_\w+)", read(path), re.MULTILINE))


def test_every_attacker_is_there() -> None:
    assert len(ROWS) == TEXT.count("` |\n"), "no row stands outside of a table this test reads"
    assert len(ATTACKERS) >= 10
    for word in (
        "provider",
        "scanner",
        "colleague",
        "laptop",
        "Redis",
        "dump",
        "source",
        "family",
        "insider",
        "network",
        "dependency",
    ):
        assert any(word in title for title in ATTACKERS), word


@pytest.mark.parametrize(("title", "tried", "stopped", "shown"), ROWS, ids=[row[1][:60] for row in ROWS])
def test_a_row_names_its_guard_and_a_test_that_was_seen_to_miss_it(
    title: str, tried: str, stopped: str, shown: str
) -> None:
    tests, files = _TEST.findall(shown), _FILE.findall(stopped)
    assert tests, "which test shows it?"
    assert files, "which file stops it?"
    for path, name in tests:
        assert name in names_of(path), f"{path} has no {name}"
    assert all((ROOT / file).is_file() for file in files), files
    for path, name in tests:
        assert any((file, f"{path}::{name}") in TRIED for file in files), (
            f"nobody took the guard of {name} away: tests/security/guards.toml"
        )


def test_every_guard_that_is_taken_away_has_a_row() -> None:
    told = {
        (file, f"{path}::{name}")
        for _title, _tried, stopped, shown in ROWS
        for file in _FILE.findall(stopped)
        for path, name in _TEST.findall(shown)
    }
    assert TRIED - told == set()


@pytest.mark.parametrize("guard", guards(), ids=lambda one: f"{one.file}-{one.test.partition('::')[2]}")
def test_a_guard_can_be_taken_away_and_leaves_a_program(guard) -> None:
    for one in guard.removals:
        without = one.removed_from(read(one.file))
        if one.file.endswith(".py"):
            assert ast.dump(ast.parse(without)) != ast.dump(ast.parse(read(one.file)))


def test_what_was_tried_by_hand_says_when_and_how() -> None:
    for one in by_hand():
        assert date(2026, 11, 1) <= date.fromisoformat(one.tried)
        assert len(one.how) > 20, one.test
