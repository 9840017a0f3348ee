"""docs/add-a-connector.md, followed to the letter: the package of its code blocks is installed, tested, and plans a source."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from core.embedded import Embedded
from core.settings import ROOT
from tests.support.installation import installation

PAGE = ROOT / "docs" / "add-a-connector.md"
FILES = dict(re.findall(r"`([^`\s]+)`:\n\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package of the page, installed as an installer would: its module and its entry points, on a path of their own."""
    folder = tmp_path / "package"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content, "utf-8")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in members.items())
        for group, members in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points)
    return folder


def test_the_page_has_every_file_it_speaks_of() -> None:
    assert set(FILES) == {"pyproject.toml", "avain_jsonlines.py", "test_jsonlines.py", "avain.toml"}


def test_its_tests_pass(package: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AVAIN_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:valkey", "-c", os.devnull, "--rootdir", ".", "test_jsonlines.py"],
        cwd=package, env={**environment, "PYTHONPATH": f"{package}:{ROOT}"}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout)


def test_avain_finds_it_and_plans_with_it(package: Path, database: Embedded, tmp_path: Path) -> None:
    from connectors.cases.contract import a_record  # tests/contract/ must be the first to import it

    export = tmp_path / "export"
    export.mkdir()
    lines = [a_record("C-1"), a_record("C-2", status="asleep"), {"cases": 2}]
    (export / "cases.jsonl").write_text("\n".join(map(json.dumps, lines)))
    os.utime(export / "cases.jsonl", (0, 0))
    (tmp_path / "avain.toml").write_text(FILES["avain.toml"].replace('"export/', f'"{export}/'))
    environment = {
        "PYTHONPATH": f"{package}:{ROOT}", "AVAIN_CONFIG": str(tmp_path / "avain.toml"), "AVAIN_LANGUAGE": "en",
    }  # fmt: skip
    with installation(database, tmp_path, **environment) as avain:
        tested = avain.run("source", "test", "example", "--json")
        planned = avain.run("source", "plan", "example", "--json")
    assert tested.returncode == 3, tested.stderr
    said = json.loads(tested.stdout)
    assert (said["read"], said["valid"], said["rejections"][0]["field"]) == (2, 1, "status")
    said = json.loads(planned.stdout)
    assert (said["read"], said["rejected"]) == (2, 2), "one is wrong, the other's worker is not known here"
