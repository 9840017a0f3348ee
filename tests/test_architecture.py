"""What must stay true of the project as a whole; each check says what to do when it fails."""

import ast
import re
import subprocess
import tomllib
import warnings
from pathlib import Path

import pytest

from core.follow_up_settings import FollowUps
from schedules.jobs import jobs
from services.work import KINDS, QUEUES
from workers.groups import GROUPS

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
#: Folders with code that are no part of the running application.
BESIDE = {"tests", "bench", "migrations", "demo", "deploy"}
#: Put together, so that this very file does not name them.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "registry." + "yarnpkg",
    "deb." + "debian.org",
]


def tracked(*patterns: str) -> list[Path]:
    """Files git knows or would know of, by pattern."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


CODE = [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] != "bench"]


def test_folders_on_disk_are_those_the_import_rules_know():
    on_disk = {
        path.relative_to(ROOT).parts[0] for path in tracked("*.py") if len(path.relative_to(ROOT).parts) > 1
    } - BESIDE
    assert on_disk == set(PYPROJECT["tool"]["importlinter"]["root_packages"])


def test_every_scheduled_job_names_a_kind_of_work_with_a_task():
    from workers.app import app

    app.loader.import_default_modules()
    registered = set(app.tasks)
    assert {job.kind for job in jobs(FollowUps())} <= set(KINDS)
    assert set(KINDS) <= registered, "a kind without a task would never be done: write it in workers/tasks/"
    ours = {name for name in registered if not name.startswith("celery.")}
    assert ours <= set(KINDS), (
        "a task without a kind has no limits and no retry policy: add it to services/work/kinds.py"
    )


def test_every_queue_is_served_by_exactly_one_group():
    served = [queue for group in GROUPS.values() for queue in group.queues]
    assert sorted(served) == sorted(QUEUES)
    assert {kind.queue for kind in KINDS.values()} <= set(QUEUES)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small(path):
    lines = len(path.read_text("utf-8").splitlines())
    if path.relative_to(ROOT).parts[0] == "migrations":
        return
    if lines > 400:
        warnings.filterwarnings("default", category=UserWarning)
        warnings.warn(f"{path.relative_to(ROOT)} has {lines} lines: split it by subject", UserWarning, stacklevel=1)
    assert lines <= 600, f"{path.relative_to(ROOT)} has {lines} lines: split it by subject"


def test_no_package_registry_and_no_machine_path_is_named():
    for path in tracked():
        if path.suffix in {".xlsx", ".png", ".mo"}:
            continue
        content = path.read_text("utf-8", errors="replace")
        for word in REGISTRIES:
            assert word not in content, f"{path.relative_to(ROOT)} names {word}"
        assert not re.search(r"(?<![\w.])/(work|root|home)/\w", content), (
            f"{path.relative_to(ROOT)} names a path of one machine"
        )


def test_texts_for_people_are_translated():
    """Every text in the code has a Finnish, a Swedish and an English catalogue that knows it."""
    from babel.messages.extract import extract_from_dir
    from babel.messages.pofile import read_po

    found = extract_from_dir(
        ROOT,
        method_map=[("console/templates/**.html", "jinja2"), ("**.py", "python")],
        options_map={"console/templates/**.html": {"silent": "false"}},
        keywords={"_": None, "N_": None, "ngettext": (1, 2), "say": None, "Message": None, **dict.fromkeys(ERRORS)},
        directory_filter=lambda folder: Path(folder).name not in {".venv", "var", "tests", "bench", ".git"},
    )
    wanted = {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found if text}
    for language in ("fi", "sv"):
        with (ROOT / "locale" / language / "LC_MESSAGES" / "avain.po").open("rb") as file:
            catalogue = read_po(file)
        known = {
            message.id if isinstance(message.id, str) else message.id[0]
            for message in catalogue
            if message.string and message.id
        }
        missing = sorted(wanted - known - {""})
        assert not missing, f"{len(missing)} texts lack {language}: run `make locales` and fill them in: {missing[:5]}"


ERRORS = [
    "AvainError", "ConfigurationError", "InputError", "RefusedInput", "NotFound", "Transient", "Permanent", "AlreadyDone", "LeaseLost", "SealError", "Unclear",
]  # fmt: skip


def test_only_the_door_makes_xml_parsers():
    for path in CODE:
        if (
            path.relative_to(ROOT).as_posix() in {"documents/xml.py", "tests/test_architecture.py"}
            or path.relative_to(ROOT).parts[0] == "tests"
        ):
            continue
        names = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        assert not names & {"XMLParser", "iterparse", "fromstring", "XMLPullParser", "HTMLParser"}, (
            f"{path}: parse through documents/xml.py"
        )


def test_sql_never_asks_the_servers_calendar():
    for path in CODE:
        if path.relative_to(ROOT).parts[0] == "tests":
            continue
        assert not re.search(
            r"current_date|CURRENT_DATE|now\(\) *::date|func\.current_date", path.read_text("utf-8")
        ), f"{path}: days are Helsinki's; pass `today`"


def test_models_do_not_postpone_annotations():
    for path in tracked("models/*.py"):
        assert "from __future__ import annotations" not in path.read_text("utf-8"), (
            f"{path}: SQLModel needs the real types"
        )
