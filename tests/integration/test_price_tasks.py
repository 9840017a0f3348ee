"""Price sources through their tasks and commands, on a database of the test's own: once, whatever dies in between."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from cli.common import CHANGES_PENDING, DONE, ERROR, SOME_REJECTED
from cli.main import app
from core.embedded import Embedded
from core.errors import AvainError, Message
from core.logging import configure_logging
from core.settings import ROOT, settings
from services.sources import call_fetch, find_source
from services.work import call
from tests.support.in_process import InProcess, in_process
from workers.task import perform
from workers.tasks.prices import fetch_prices, import_prices, nightly_prices

DATA = ROOT / "demo" / "data"
HEAD = "Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen\n"


@dataclass
class County:
    """An installation with the demo's reference data and one price source, `tukipolku`."""

    process: InProcess
    file: Path

    def write(self, content: str | bytes) -> None:
        """A list that lay there for a while, so that nobody waits for it to settle."""
        self.file.write_bytes(content if isinstance(content, bytes) else (HEAD + content).encode())
        os.utime(self.file, (1_700_000_000, 1_700_000_000))

    def avain(self, *words: str, code: int = DONE) -> Any:
        """A command's JSON."""
        result = CliRunner().invoke(app, [*words, "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def night(self) -> None:
        """One night's work."""
        with self.process.transaction() as session:
            session.connection().exec_driver_sql(
                "INSERT INTO work (kind, key, arguments, queue) VALUES ('nightly_prices', gen_random_uuid()::text, '{}', 'default')"
            )
        self.process.do_due("nightly_prices", nightly_prices)
        self.process.do_due("fetch_prices", fetch_prices)
        self.process.do_due("import_prices", import_prices)

    def runs(self, kind: str = "import_prices") -> list[str]:
        return [
            row.outcome
            for row in self.process.rows("SELECT outcome FROM run WHERE kind = :kind ORDER BY id", kind=kind)
        ]

    def amounts(self) -> list[str]:
        return [row["amount"] for row in self.avain("price", "list")]


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    configuration, file = tmp_path / "avain.toml", tmp_path / "tukipolku.csv"
    configuration.write_text(f'[sources.prices.tukipolku]\nprovider = "9999997-6"\npath = "{file}"\n', "utf-8")
    monkeypatch.setenv("AVAIN_CONFIG", str(configuration))
    configure_logging("console", "WARNING", stream=sys.__stderr__)  # the streams of a command under test come and go
    with in_process(database, tmp_path / "home", monkeypatch) as process:
        made = County(process, file)
        made.avain("service", "import", str(DATA / "services.toml"))
        made.avain("provider", "import", str(DATA / "providers.toml"))
        yield made
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


def test_a_night_brings_prices_and_the_next_one_nothing_new(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nNEPSY-VALMENNUS;krt;95;1.1.2026\n")
    county.night()
    assert county.amounts() == ["95.0000", "49.0000"]
    county.night()
    assert county.runs() == ["succeeded"], "it is not even read again"
    assert county.runs("fetch_prices") == ["succeeded", "nothing_to_do"]
    assert not list((Path(os.environ["AVAIN_HOME"]) / "spool").rglob("*.csv"))


@pytest.mark.parametrize("fault", ["prices.parsed", "prices.applied"])
def test_a_worker_that_dies_applies_a_list_once(county, fault):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    with county.process.transaction() as session:
        call_fetch(session, find_source(settings().sources, "tukipolku"), "test")
    county.process.do_due("fetch_prices", fetch_prices)
    (work,) = county.process.rows("SELECT id FROM work WHERE kind = 'import_prices'")
    county.process.die_doing(work.id, "workers.tasks.prices.import_prices", fault)
    assert county.amounts() == []
    county.process.do_due("import_prices", import_prices)
    assert county.runs() == ["lost", "succeeded"]
    assert county.process.rows("SELECT count(*) AS n FROM price")[0].n == 1


def test_a_list_that_waited_is_not_applied_over_a_newer_one(county):
    work = []
    for price in ("61,50", "62,00"):
        county.write(f"NEPSY-VALMENNUS;krt;{price};1.1.2026\n")
        with county.process.transaction() as session:
            call_fetch(session, find_source(settings().sources, "tukipolku"), price)
        county.process.do_due("fetch_prices", fetch_prices)
        work.append(county.process.rows("SELECT max(id) AS id FROM work WHERE kind = 'import_prices'")[0].id)
    for one in reversed(work):
        perform(one, import_prices)
    assert county.runs() == ["succeeded", "nothing_to_do"]
    assert county.amounts() == ["62.0000"]


def test_a_file_that_is_no_list_is_refused_and_the_prices_stay(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write(b"<!doctype html><title>503</title>")
    county.night()
    assert county.runs() == ["succeeded", "refused"]
    assert county.amounts() == ["49.0000"]


def spooled_files() -> list[Path]:
    return [path for path in (Path(os.environ["AVAIN_HOME"]) / "spool").rglob("*") if path.is_file()]


def test_a_list_that_is_refused_or_failed_for_good_leaves_no_copy(county, tmp_path):
    county.write(b"<!doctype html><title>503</title>")
    county.night()
    assert county.runs() == ["refused"]
    assert spooled_files() == []
    configuration = tmp_path / "avain.toml"
    configuration.write_text(configuration.read_text().replace("9999997-6", "9999993-3"), "utf-8")
    county.process.configure()
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    assert county.runs() == ["refused", "failed"]
    assert spooled_files() == []


def test_a_copy_nobody_came_back_for_goes_after_a_week(county):
    forgotten = Path(os.environ["AVAIN_HOME"]) / "spool/another/7"
    forgotten.mkdir(parents=True)
    (forgotten / "list.csv").touch()
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    assert spooled_files() == [forgotten / "list.csv"]
    os.utime(forgotten, (0, 0))
    county.night()
    assert spooled_files() == []


def test_nothing_outside_the_spool_is_ever_removed(county, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "list.csv").write_text(HEAD + "TUKIHENKILO;h;49,00;1.1.2026\n")
    with county.process.transaction() as session:
        file = {"path": str(elsewhere / "list.csv"), "name": "list.csv", "sha256": "", "size": 1}
        call(session, "import_prices", "k", source="tukipolku", request="r", files=[file])
    county.process.do_due("import_prices", import_prices)
    assert county.runs() == ["succeeded"]
    assert (elsewhere / "list.csv").exists()


def test_a_source_without_its_file_or_copy_says_so(county):
    county.night()
    assert county.runs("fetch_prices") == ["failed"]
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    with county.process.transaction() as session:
        file = {"path": "/nowhere/list.csv", "name": "list.csv", "sha256": "", "size": 1}
        call(session, "import_prices", "k", source="tukipolku", request="r", files=[file])
    county.process.do_due("import_prices", import_prices)
    assert county.runs() == ["failed"]


def test_a_pattern_that_matches_nothing_is_nothing_to_do(county, tmp_path):
    (tmp_path / "avain.toml").write_text(
        f'[sources.prices.tukipolku]\nprovider = "9999997-6"\npath = "{tmp_path}/*.xlsx"\n', "utf-8"
    )
    county.process.configure()
    county.night()
    assert county.runs("fetch_prices") == ["nothing_to_do"]


def test_plan_shows_and_changes_nothing(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nTUKIHENKILÖ;h;1;\n")
    plan = county.avain("source", "plan", "tukipolku", code=CHANGES_PENDING)
    assert (plan["added"], plan["rejected"]) == (1, 1)
    assert plan["changes"][0]["new"] == "49"
    assert plan["rejections"][0]["position"] == "3"
    assert county.amounts() == []
    shown = CliRunner().invoke(app, ["source", "plan", "tukipolku"]).output
    assert "TUKIHENKILO" in shown
    assert "✗" in shown


def test_a_plan_and_the_prices_in_force_tell_like_prices_apart(county):
    county.write(
        "Palvelu;Yksikkö;Hinta;Yöhinta;Matkakorvaus €/km;Taksa X\n"
        "TUKIHENKILO;h;49,00;60,00;0,57;\nTUKIHENKILO;45 min;40,00;;;1\n".encode()
    )
    plan = county.avain("source", "plan", "tukipolku", code=CHANGES_PENDING)
    assert [(one["base_quantity"], one["time_class"], one["extra"]) for one in plan["changes"]] == [
        ("1", "weekday", ""), ("1", "night", ""), ("1", "weekday", "travel"), ("0.75", "weekday", ""),
    ]  # fmt: skip
    assert plan["unknown_columns"] == ["Taksa X"]
    wide = {"COLUMNS": "200"}
    shown = CliRunner().invoke(app, ["source", "plan", "tukipolku"], env=wide).output
    county.avain("source", "run", "tukipolku", "--inline")
    for said in (shown, CliRunner().invoke(app, ["price", "list"], env=wide).output):
        assert "0.75 hours" in said
        assert "hour, night" in said
        assert "TUKIHENKILO (travel)" in said
    assert "Columns that were passed over: Taksa X" in shown
    assert 'avain price columns 9999997-6 --set "…=price"' in shown


def test_a_held_list_is_listed_and_approved_from_the_command_line(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    assert county.avain("source", "run", "tukipolku", "--inline")["added"] == 1
    county.write("TUKIHENKILO;h;60,00;1.12.2026\nMUU;h;1;\n")
    county.night()
    (held,) = county.avain("price", "held")
    assert "22" in held["reasons"][0]
    county.avain("price", "approve", str(held["id"]), "--note", "Sovittu", "--dry-run")
    county.avain("price", "approve", str(held["id"]), "--note", "Sovittu", "--as", "testi")
    (price,) = county.avain(
        "price", "list", "--at", "2026-12-01", "--service", "TUKIHENKILO", "--provider", "9999997-6"
    )
    assert (price["amount"], price["source"], price["position"], price["valid_from"]) == (
        "60.0000",
        "tukipolku",
        "2",
        "2026-12-01",
    )
    assert county.avain("price", "held") == []
    with pytest.raises(AvainError):
        county.avain("price", "discard", str(held["id"]), "--note", "Ei")
    assert (
        county.process.rows("SELECT actor FROM audit_event WHERE action = 'price_list.approved'")[0].actor
        == "cli:testi"
    )


def test_a_held_list_is_discarded_from_the_command_line(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;60,00;1.12.2026\n")
    county.night()
    (held,) = county.avain("price", "held")
    assert county.avain("price", "discard", str(held["id"]), "--note", "Ei sovittu")["state"] == "discarded"
    assert county.amounts() == ["49.0000"]


def test_a_held_list_is_decided_by_its_run_too(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;60,00;1.12.2026\n")
    county.night()
    county.night()  # the same content again: the list keeps its place, each run names it
    held = [row.id for row in county.process.rows("SELECT id FROM run WHERE outcome = 'held' ORDER BY id")]
    assert len(held) == 2
    county.avain("source", "approve", str(held[1]), "--note", "Sovittu", "--dry-run")
    assert county.avain("source", "approve", str(held[1]), "--note", "Sovittu")["changed"] == 1
    with pytest.raises(AvainError, match="does not wait any more"):
        county.avain("source", "approve", str(held[0]), "--note", "Sovittu")
    county.write("TUKIHENKILO;h;90,00;1.12.2026\n")
    county.night()
    (last,) = county.process.rows("SELECT max(id) AS id FROM run WHERE outcome = 'held'")
    assert county.avain("source", "discard", str(last.id), "--note", "Ei")["state"] == "discarded"
    assert county.avain("price", "held") == []


def test_exit_code_of_a_list_with_rejected_rows(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nMUU;h;1;\n")
    assert county.avain("source", "run", "tukipolku", "--inline", code=SOME_REJECTED)["state"] == "partly"


def test_the_lists_are_printed_for_people(county):
    county.avain("worker", "import", str(DATA / "workers.toml"))
    county.write(
        "Palvelukoodi;Yksikkö;Hinta;Aikaluokka\nTUKIHENKILO;45 min;49,1250;lauantai\nNEPSY-VALMENNUS;käynti;95;\n".encode()
    )
    county.night()
    for words, expected in (
        (("service", "list"), "ADHD-VALMENNUS"),
        (("provider", "list"), "SOP-2026-12"),
        (("worker", "list"), "W-900"),
        (("price", "list"), "49.125"),
        (("price", "held"), ""),
    ):
        result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        assert expected in result.output
    result = CliRunner().invoke(app, ["service", "import", str(DATA / "services.toml"), "--dry-run"])
    assert result.exit_code == 0


def test_a_saved_plan_is_applied_exactly(county, tmp_path):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nMUU;h;1;\n")
    saved = tmp_path / "plan.json"
    shown = county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    assert (shown["state"], shown["effect"]["budgets"]) == ("applied", 0)
    county.write("TUKIHENKILO;h;99,00;1.1.2026\n")  # what lies there by then does not matter
    county.avain("source", "apply", str(saved), "--dry-run", code=SOME_REJECTED)
    assert county.amounts() == []
    assert county.avain("source", "apply", str(saved), code=SOME_REJECTED)["added"] == 1
    assert county.amounts() == ["49.0000"]
    assert county.runs() == ["partly"]
    assert county.process.rows("SELECT count(*) AS n FROM rejected_record WHERE settled_at IS NULL")[0].n == 1
    with pytest.raises(AvainError, match="another list of tukipolku was applied"):
        county.avain("source", "apply", str(saved))
    county.write("TUKIHENKILO;h;49,00;1.1.2026\nMUU;h;1;\n")
    assert county.avain("source", "plan", "tukipolku")["unchanged"] == 1


def test_a_saved_plan_that_must_wait_needs_a_persons_word(county, tmp_path):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;60,00;1.12.2026\n")
    saved = tmp_path / "plan.json"
    shown = county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    assert shown["state"] == "held"
    assert "contract SOP" in shown["changes"][0]["rule"]
    with pytest.raises(AvainError, match="--note"):
        county.avain("source", "apply", str(saved))
    assert county.avain("source", "apply", str(saved), "--note", "Sovittu", "--as", "testi")["changed"] == 1
    assert county.process.rows("SELECT actor, reason FROM audit_event WHERE action = 'price_list.approved'") == [
        ("cli:testi", "Sovittu")
    ]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text.replace('"49"', '"9"'), "changed after it was saved"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "another version"),
        (lambda _: "[]", "not a saved plan"),
        (lambda _: "\x00", "not a saved plan"),
    ],
)
def test_a_saved_plan_that_was_touched_is_refused(county, tmp_path, spoil, said):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    saved = tmp_path / "plan.json"
    county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    saved.write_text(spoil(saved.read_text("utf-8")), "utf-8")
    with pytest.raises(AvainError, match=said):
        county.avain("source", "apply", str(saved))


def test_a_plan_that_began_on_a_day_that_has_passed_is_refused(county, tmp_path):
    county.write("TUKIHENKILO;h;49,00;\n")
    saved = tmp_path / "plan.json"
    county.avain("source", "plan", "tukipolku", "-o", str(saved), code=CHANGES_PENDING)
    with county.process.transaction() as session:
        session.connection().exec_driver_sql("UPDATE business_clock SET offset_seconds = 2 * 86400")
    with pytest.raises(AvainError, match="which was the day it was made"):
        county.avain("source", "apply", str(saved))


def test_files_that_cannot_be_plans(county, tmp_path):
    with pytest.raises(AvainError, match="cannot be read"):
        county.avain("source", "apply", str(tmp_path / "nowhere.json"))
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe")
    with pytest.raises(AvainError, match="not a saved plan"):
        county.avain("source", "apply", str(tmp_path / "plan.json"))
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    with pytest.raises(AvainError, match="cannot be written"):
        county.avain("source", "plan", "tukipolku", "-o", str(tmp_path / "no" / "plan.json"))


def test_a_list_is_rolled_back_from_the_command_line(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;48,00;1.12.2026\n")
    county.night()
    (run,) = county.process.rows("SELECT max(id) AS id FROM run WHERE kind = 'import_prices'")
    assert county.avain("source", "rollback", str(run.id), "--note", "Väärä", "--dry-run")["dry_run"]
    undone = county.avain("source", "rollback", str(run.id), "--note", "Väärä")
    assert (undone["state"], undone["ended"], undone["restored"]) == ("rolled_back", 2, 1)
    (price,) = county.avain("price", "list", "--at", "2027-01-01")
    assert (price["amount"], price["valid_to"]) == ("49.0000", None)
    with pytest.raises(AvainError, match="rolled back already"):
        county.avain("source", "rollback", str(run.id), "--note", "Väärä")
    county.night()  # the file still lies there
    (held,) = county.avain("price", "held")
    assert "rolled back" in held["reasons"][0]
    shown = county.avain("price", "show", str(held["id"]))
    assert (shown["changes"][0]["new"], shown["effect"]["orders"]) == ("48", 0)
    printed = CliRunner().invoke(app, ["price", "show", str(held["id"])])
    assert "! This very list was applied before and rolled back." in printed.output
    history = county.avain("source", "history", "tukipolku")
    assert any(one["run_id"] == undone["by_run"] for one in history)


def test_the_list_of_another_shape_is_refused_by_plan_too(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.write("TUKIHENKILO;h;sop.mukaan;\n")
    plan = county.avain("source", "plan", "tukipolku", code=ERROR)
    assert (plan["state"], plan["reason"]) == ("refused", "No row of the price list could be used.")
    assert (plan["changes"], plan["ended"], plan["rejected"]) == ([], 0, 1)
    assert "✗" in CliRunner().invoke(app, ["source", "plan", "tukipolku"]).output


def test_a_list_that_was_decided_says_so_in_the_readers_language(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    (found,) = county.process.rows("SELECT id FROM price_list")
    for words in (("price", "show", str(found.id)), ("price", "approve", str(found.id), "--note", "x")):
        with pytest.raises(AvainError) as error:
            county.avain(*words)
        assert error.value.message.params["state"] == Message("applied")


def test_a_night_whose_last_list_is_refused_ends_with_its_recomputation_too(county):
    county.write("TUKIHENKILO;h;49,00;1.1.2026\n")
    county.night()
    county.process.rows("DELETE FROM work WHERE kind = 'recompute_budgets' RETURNING id")
    county.process.rows("INSERT INTO budget_dirty (cause, run_id) SELECT 'prices', max(id) FROM run RETURNING cause")
    county.write(b"<!doctype html><title>503</title>")
    county.night()
    assert county.runs()[-1] == "refused"
    assert county.process.rows("SELECT 1 FROM work WHERE kind = 'recompute_budgets'")
