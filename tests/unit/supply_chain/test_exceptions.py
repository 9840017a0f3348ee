"""What the audit is told to live with is explained, dated, and looked at again within the year."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.clock import local_date
from core.settings import ROOT
from deploy.supply_chain import exceptions


def of(tmp_path: Path, **changed: str) -> Path:
    entry = {
        "check": '"B311"',
        "paths": '["services/*"]',
        "reason": '"Spreads new attempts, so that not all come at once."',
        "decided": "2026-11-23",
        "until": "2027-11-23",
    } | changed
    file = tmp_path / "audit-exceptions.toml"
    lines = "\n".join(f"{name} = {value}" for name, value in entry.items() if value)
    file.write_text(f"[[code]]\n{lines}\n", "utf-8")
    return file


def test_none_has_run_out():
    today = local_date(datetime.now(UTC))
    over = exceptions.expired(exceptions.read(), today)
    assert not over, f"look again, then mend it or give it a new date: {[one.name for one in over]}"


def test_all_excuse_files_that_exist():
    for one in exceptions.read():
        for pattern in one.paths:
            assert list(ROOT.glob(pattern)), f"{one.name}: there is no {pattern}"


def test_nothing_is_excused_beside_the_file():
    """A `nosec` in the code would be an exception without a date."""
    mark = re.compile(r"# *no" + r"sec\b(?!`)")
    assert not [path for path in ROOT.glob("[!.v]*/**/*.py") if mark.search(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": '"It is fine."'}, "does not explain"),
        ({"reason": ""}, "needs"),
        ({"until": ""}, "needs"),
        ({"until": "2029-01-01"}, "must end"),
        ({"until": "2026-11-01"}, "must end"),
        ({"package": '"lxml"'}, "needs"),
    ],
)
def test_an_exception_that_is_not_accounted_for_is_refused(tmp_path: Path, changed: dict[str, str], said: str):
    with pytest.raises(ValueError, match=said):
        exceptions.read(of(tmp_path, **changed))


def test_an_exception_runs_out(tmp_path: Path):
    found = exceptions.read(of(tmp_path))
    assert exceptions.expired(found, date(2027, 11, 23)) == []
    assert exceptions.expired(found, date(2027, 11, 24)) == found


def test_an_exception_covers_its_check_in_its_files_alone(tmp_path: Path):
    (one,) = exceptions.read(of(tmp_path))
    assert one.covers_code("B311", "services/work/kinds.py")
    assert not one.covers_code("B102", "services/work/kinds.py")
    assert not one.covers_code("B311", "core/identity.py")
    assert not one.covers_package({"B311"}, "lxml")
