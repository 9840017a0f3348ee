"""`avain source test`, `sample` and `apply`: looking before anything is applied, and applying what was looked at."""

import gzip
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import source as source_command
from cli.common import ended_in_order
from cli.main import _sentence
from cli.source_trying import brought
from connectors.cases.base import RefusedFile
from core.embedded import Embedded
from core.errors import InputError, NotFound, RefusedInput
from core.settings import settings
from services.sources import call_fetch, find_source
from tests.support.case_xml import case, export
from tests.support.sources import BODIES, County
from tests.support.sources import county as a_county


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        made.put(export(case("LC-71"), case("LC-72", status="asleep"), case("LC-73")))
        yield made


def run(*arguments: str, typed: str | None = None) -> Result:
    result = CliRunner().invoke(source_command.app, [*arguments], input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def written(county: County) -> int:
    found: int = county.value("SELECT (SELECT count(*) FROM client_case) + (SELECT count(*) FROM rejected_record)")
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_copies_of_real_records_go_even_when_the_terminal_is_closed(county: County, number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_DFL)  # these tests may themselves be run under nohup
    met: list[Path] = []

    def look() -> None:
        with brought(find_source(settings().sources, "a"), now=False) as (_names, visit):
            met.extend(one.path for one in visit.files)
            assert met[0].is_file()
            os.kill(os.getpid(), number)
            time.sleep(10)

    with pytest.raises(SystemExit) as end:
        look()
    assert end.value.code == 128 + number
    assert settings().home.absolute() / "spool" / "a" in met[0].parents
    assert not met[0].parent.exists()
    assert signal.getsignal(number) == signal.SIG_DFL


def test_under_nohup_a_closed_terminal_is_no_matter() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_in_order():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


class TestTest:
    """Reach it, read a little, write nothing."""

    def test_figures_faults_and_empty_fields(self, county: County) -> None:
        result = run("test", "a", "--json")
        said = json.loads(result.stdout)
        assert result.exit_code == 3
        assert (said["found"], said["read"], said["valid"]) == (["1.xml"], 3, 2)
        assert [(one["count"], one["field"], one["position"]) for one in said["rejections"]] == [(1, "status", "3")]
        assert "goals" in said["empty"]
        words = run("test", "a").output
        assert "2 of 3 records are valid" in words
        assert "✗ 1 × status: asleep is not known; known are: open, closed (1.xml:3)" in words
        assert "Never filled: client: non-disclosure, co-worker" in words
        assert written(county) == 0

    def test_packed_files_are_unpacked(self, county: County) -> None:
        county.put(gzip.compress(export(case("LC-71"), case("LC-72"))))
        result = run("test", "a", "--json")
        assert (result.exit_code, json.loads(result.stdout)["valid"]) == (0, 2)
        assert len(re.findall("<case ", run("sample", "a", "--fake").stdout)) == 2

    def test_a_refused_file_is_named(self, county: County) -> None:
        county.put(b"<cases")
        with pytest.raises(RefusedFile) as error:
            run("test", "a")
        assert _sentence(error.value).startswith("1.xml: The XML file is not well-formed")

    def test_exit_codes(self, county: County) -> None:
        assert run("test", "a", "--records", "1").exit_code == 0
        county.put(export(case("A", status="asleep")))
        assert run("test", "a").exit_code == 1
        county.put(b"<no/>")
        with pytest.raises(RefusedInput):
            run("test", "a")
        (county.exports / "1.xml").unlink()
        with pytest.raises(NotFound, match="no files"):
            run("test", "a")

    def test_a_price_list_too(self, county: County, tmp_path: Path) -> None:
        prices = tmp_path / "prices.csv"
        prices.write_text(
            "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen\nNEPSY;h;49,00;1.1.2026\nNEPSY;h;kallis;1.1.2026\n"
        )
        county.configure(rest=f'[sources.prices.own]\nkind = "own"\npath = "{prices}"\nencoding = "utf-8"\n')
        said = json.loads(run("test", "own", "--json").stdout)
        assert (said["read"], said["valid"]) == (2, 1)


class TestSample:
    """Real records stay with who may see them."""

    def test_invented_records_to_stdout(self, county: County) -> None:
        result = run("sample", "a", "--fake", "--records", "2")
        assert result.exit_code == 0, result.output
        assert "LC-7" not in result.stdout
        assert "1 of 2 invented records are valid" in result.stderr, "as of the real ones: a status is wrong in both"

    def test_real_records_to_a_file_of_its_owners_alone(self, county: County, tmp_path: Path) -> None:
        target = tmp_path / "sample.xml"
        target.touch(0o644)  # one that was there before
        result = run("sample", "a", "--records", "1", "--output", str(target))
        assert b"LC-71" in target.read_bytes()
        assert b"LC-72" not in target.read_bytes()
        assert target.stat().st_mode & 0o777 == 0o600
        assert "hold data of clients" in result.stderr

    def test_real_records_to_no_terminal(self, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cli.source_sampling._is_terminal", lambda: True)
        with pytest.raises(InputError, match="hold data of clients"):
            run("sample", "a")
        assert "LC-71" in run("sample", "a", "--yes").stdout

    def test_several_files_into_a_folder(self, county: County, tmp_path: Path) -> None:
        county.put(export(case("LC-74")), "2.xml")
        run("sample", "a", "--fake", "--output", str(tmp_path / "made"))
        assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["1.xml", "2.xml"]


class TestApply:
    """What was shown is what is applied."""

    def test_after_a_yes(self, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cli.source_trying._can_ask", lambda: True)
        refused = run("apply", "a", typed="n\n")
        assert refused.exit_code == 1
        assert "added 2" in refused.output
        assert "✗ 1 × status: asleep is not known" in refused.output
        assert written(county) == 0
        applied = run("apply", "a", "--as", "anna", typed="y\n")
        assert applied.exit_code == 3
        assert county.cases() == {"LC-71": "open", "LC-73": "open"}
        assert county.value("SELECT count(*) FROM audit_event WHERE actor = 'cli:anna'") == 1
        assert county.value("SELECT count(*) FROM run WHERE kind = 'fetch_cases'") == 0, "it was fetched for the look"
        assert not [path for path in (county.exports.parent / "home/spool").rglob("*") if path.is_file()]

    def test_without_a_question(self, county: County) -> None:
        with pytest.raises(InputError, match="Say --yes"):
            run("apply", "a")
        with pytest.raises(InputError, match="Say --yes"):
            run("apply", "a", "--json")
        said: dict[str, Any] = json.loads(run("apply", "a", "--yes", "--json").stdout)
        assert (said["state"], said["added"], said["rejected"]) == ("partly", 2, 1)
        county.put(export(case("LC-71"), case("LC-73")))
        run("apply", "a", "--yes")
        assert county.night() == [("fetch_cases", "nothing_to_do")], "what was applied is remembered"

    def test_a_dry_run_is_a_plan(self, county: County) -> None:
        assert run("apply", "a", "--dry-run").exit_code == 4
        assert written(county) == 0

    def test_a_refused_file_is_not_asked_about(self, county: County) -> None:
        county.put(b"<no/>")
        assert run("apply", "a", "--yes").exit_code == 1

    def test_not_when_another_run_came_between(self, county: County, monkeypatch: pytest.MonkeyPatch) -> None:
        def meanwhile(*_: Any, **__: Any) -> bool:
            with county.here.transaction() as session:
                call_fetch(session, find_source(settings().sources, "a"), "x")
            for kind, body in BODIES.items():
                county.here.do_due(kind, body)
            return True

        monkeypatch.setattr("cli.source_trying._can_ask", lambda: True)
        monkeypatch.setattr("typer.confirm", meanwhile)
        with pytest.raises(InputError, match="Another run has applied something"):
            run("apply", "a")


def test_list_counts_open_rejected_records(county: County) -> None:
    county.night()
    (listed,) = json.loads(run("list", "--json").stdout)
    assert (listed["rejected"], listed["mode"], listed["left_alone_until"]) == (1, "snapshot", None)
    assert "may be asked" in run("list").output


def test_modules_are_there_for_a_terminal() -> None:
    from cli import source_sampling, source_trying

    assert source_sampling._is_terminal() == sys.stdout.isatty()
    assert source_trying._can_ask() == sys.stdin.isatty()
