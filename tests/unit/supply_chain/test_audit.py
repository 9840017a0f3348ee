"""`make audit` as it is run: real bandit over a file, real pip-audit over a lock, asked against invented advisories."""

import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.settings import ROOT
from deploy.supply_chain import audit, code
from deploy.supply_chain.advisories import Advisories
from deploy.supply_chain.known import understood

TODAY = date(2026, 11, 23)
HASH = "--hash=sha256:" + "a" * 64
REASON = "Invented, so that a test can see what an exception does."


def advisory(**changed) -> dict[str, Any]:
    return {
        "schema_version": "1.6.0",
        "id": "PYSEC-2026-9999",
        "aliases": ["CVE-2026-99999"],
        "modified": "2026-11-20T10:00:00Z",
        "summary": "invented",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "Invented_Package"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            }
        ],
    } | changed


class Place:
    """A project of one file and a lock of two packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "code").mkdir()
        self.write("code/quiet.py", "print(1)\n")
        self.write("lock.txt", f"invented-package==1.5 {HASH}\n    # via avain\nother==1.0 {HASH}\n")
        self.write("exceptions.toml", "")
        self.advise([advisory()])

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content, "utf-8")

    def advise(self, advisories: list[dict[str, Any]]) -> None:
        with zipfile.ZipFile(self.folder / "all.zip", "w") as archive:
            for number, one in enumerate(advisories):
                archive.writestr(f"{number}.json", json.dumps(one))

    def audit(self, *more: str, copy: bool = True, today: date = TODAY) -> int:
        named = {"--exceptions": "exceptions.toml", "--lock": "lock.txt", "--folder": "code"}
        words = [word for option, name in named.items() for word in (option, str(self.folder / name))]
        if copy:
            words += ["--advisories", str(self.folder / "all.zip")]
        return audit.main([*words, *more], today=today)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Place(tmp_path)


def test_a_known_vulnerability_fails_until_it_is_explained(place: Place, capsys: pytest.CaptureFixture[str]):
    assert place.audit() == 1
    said = capsys.readouterr().out
    assert "NOT EXPLAINED  invented-package 1.5: CVE-2026-99999, PYSEC-2026-9999; mended in 2.0" in said
    assert "2 packages of the locks" in said
    place.write(
        "exceptions.toml",
        f'[[package]]\ncheck = "CVE-2026-99999"\npackage = "invented-package"\nreason = "{REASON}"\n'
        "decided = 2026-11-23\nuntil = 2026-12-23\n",
    )
    assert place.audit() == 0
    assert place.audit(today=date(2026, 12, 24)) == 1, "its time is over"
    assert "has run out (2026-12-23): CVE-2026-99999" in capsys.readouterr().out
    place.advise([advisory(withdrawn="2026-11-21T10:00:00Z")])
    assert place.audit() == 1, "it covers nothing any more"
    assert "covers nothing: CVE-2026-99999" in capsys.readouterr().out


def test_a_dangerous_call_fails_until_it_is_explained(place: Place, capsys: pytest.CaptureFixture[str]):
    place.advise([advisory(affected=[])])
    assert place.audit() == 0
    place.write("code/loud.py", "eval(input())  # no" + "sec\n")
    assert place.audit() == 1
    assert "loud.py:1 B307" in capsys.readouterr().out
    place.write(
        "exceptions.toml",
        f'[[code]]\ncheck = "B307"\npaths = ["*/loud.py"]\nreason = "{REASON}"\ndecided = 2026-11-23\nuntil = 2026-12-23\n',
    )
    assert place.audit() == 0


def test_silence_is_no_good_news(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Where the service cannot be reached the build does not fail, and nobody can overlook that nothing was checked."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert place.audit(copy=False) == 0
    said = capsys.readouterr().out
    assert (
        "NOT CHECKED for known vulnerabilities: the index's vulnerability service does not answer here: it cannot be reached."
        in said
    )
    assert not re.search(r"Error|Exception|Traceback|://|object at 0x", said), "in words, not as Python says it"
    assert place.audit("--required", copy=False) == 2


def test_a_package_that_the_service_does_not_know_was_not_checked():
    """pip-audit passes it over and ends well; where an index has no such service, that is every package."""
    told = understood(
        [
            {"name": "invented-package", "skip_reason": "Dependency not found and could not be audited"},
            {"name": "other", "version": "1.0", "vulns": []},
            {"name": "other", "version": "1.0", "vulns": []},
        ]
    )
    assert (told.unanswered, told.checked, told.vulnerable) == (["invented-package"], 1, [])
    assert told.why == "it does not know them"


def test_what_is_no_copy_of_the_database_is_refused(place: Place):
    place.write("all.zip", "nothing of the kind")
    with pytest.raises(ValueError, match="no copy of OSV's database"):
        place.audit()


def test_an_old_copy_is_told_to_be_old(place: Place, capsys: pytest.CaptureFixture[str]):
    place.advise([advisory(affected=[], modified="2026-06-01T00:00:00Z")])
    assert place.audit() == 0
    assert "latest advisory is of 2026-06-01. It is old" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("events", "versions", "hit"),
    [
        ([{"introduced": "0"}], [], {"0.9", "1.5", "2.0"}),
        ([{"introduced": "1.0"}, {"fixed": "2.0"}], [], {"1.5"}),
        ([{"introduced": "1.0"}, {"last_affected": "2.0"}], [], {"1.5", "2.0"}),
        ([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}], [], {"0.9", "2.0"}),
        ([], ["1.5"], {"1.5"}),
    ],
)
def test_which_versions_an_advisory_is_about(
    place: Place, events: list[dict[str, str]], versions: list[str], hit: set[str]
):
    about = {
        "package": {"ecosystem": "PyPI", "name": "Invented_Package"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
        "versions": versions,
    }
    place.advise([advisory(affected=[about])])
    known = Advisories(place.folder / "all.zip", {"invented-package"})
    assert {version for version in ("0.9", "1.5", "2.0") if known.about("invented-package", version)} == hit


def test_every_build_audits():
    """.ci/run is `make check`, and that audits and installs without a network."""
    assert "make check" in (ROOT / ".ci" / "run").read_text("utf-8")
    (check,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"audit", "test-offline"} <= set(check.split())


def test_everything_that_is_delivered_is_looked_at():
    with_code = {path.parent.name for path in ROOT.glob("[!.]*/__init__.py")} | {"migrations"}
    assert set(code.FOLDERS) == with_code - {"tests", "bench", "var"}
