"""Every lock names versions and hashes of everything, from registries alone; what production has holds nothing of the extras."""

import re
import tomllib
from pathlib import Path

import pytest

from core.settings import ROOT
from deploy.supply_chain import lock

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PRODUCTION = {one.name for one in lock.read(ROOT / "requirements" / "production.txt")}


def test_there_are_locks():
    assert {path.stem for path in LOCKS} == {"bench", "bootstrap", "dev", "production"}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_everything_is_pinned_and_hashed(path):
    found = lock.read(path)  # refuses what is not
    written = [line for line in path.read_text("utf-8").splitlines() if re.match(r"\S", line) and line[0] != "#"]
    assert len(found) == len(written), "every line of it was understood"
    assert all(one.hashes for one in found)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_no_lock_says_where_packages_come_from(path):
    assert not re.search(r"^-|https?://|--(?!hash=sha256:)", path.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        "requests>=2 --hash=sha256:" + "0" * 64,
        "requests==2.* --hash=sha256:" + "0" * 64,
        "requests==2.0",
        "requests==2.0 --hash=md5:" + "0" * 32,
        "requests @ https://files.test/requests.whl --hash=sha256:" + "0" * 64,
        "-e .",
        "--index-url https://elsewhere.test/simple",
    ],
)
def test_anything_else_is_refused(tmp_path: Path, line: str):
    file = tmp_path / "production.txt"
    file.write_text(f"{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"production\.txt"):
        lock.read(file)


def test_the_locks_agree_on_every_version():
    """What is tested is what runs: no lock names another version of a package than production's."""
    production = {(one.name, one.version) for one in lock.read(ROOT / "requirements" / "production.txt")}
    for path in LOCKS:
        others = {(one.name, one.version) for one in lock.read(path) if one.name in PRODUCTION}
        assert others <= production, path.name


def test_production_has_what_the_project_asks_for_and_nothing_of_an_extra():
    def named(wanted: list[str]) -> set[str]:
        return {re.split(r"[\[<>=~! ]", one)[0].lower().replace("_", "-") for one in wanted}

    assert named(PYPROJECT["dependencies"]) <= PRODUCTION
    for extra, wanted in PYPROJECT["optional-dependencies"].items():
        assert not (named(wanted) - named(PYPROJECT["dependencies"]) - {"psutil"}) & PRODUCTION, extra


def test_everything_is_there_on_somebodys_account():
    for one in lock.read(ROOT / "requirements" / "production.txt"):
        assert one.direct or set(one.wanted_by) & PRODUCTION, one.name
