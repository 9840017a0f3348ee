"""`avain budget statement`: for one case as a file, for many as Work."""

import hashlib
import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from cli.main import app
from core.embedded import Embedded
from core.errors import InputError, NotFound, Permanent, Transient
from services.budgets import dirty
from services.statements import bulk
from services.statements.printing import print_statement
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.price import make_price
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.in_process import InProcess, in_process
from tests.support.installation import installation
from tests.support.pdf import root, words
from workers.tasks.statements import plan_statements, write_statements

CASES = 5
HIDDEN = "HB-2026-000002"
WITHOUT = "HB-2026-000003"


@dataclass
class Avain:
    """Five families: the second under non-disclosure, the third without a decision, the last in a unit and with a worker of its own."""

    process: InProcess
    home: Path

    def run(self, *words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, ["budget", "statement", *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.home.rglob("*.pdf"))}

    def audited(self) -> list[tuple[str, str, str]]:
        rows = self.process.rows("SELECT actor, action, subject FROM audit_event ORDER BY id")
        return [tuple(row) for row in rows]


@pytest.fixture
def avain(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Avain]:
    home = tmp_path / "home"
    here = tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    with in_process(database, home, monkeypatch) as process:
        with process.transaction() as session:
            families(session)
            session.flush()
            dirty.mark_all(session, "asked")
        assert CliRunner().invoke(app, ["budget", "recompute"]).exit_code == 0
        yield Avain(process, home)


@pytest.mark.slow
def test_real_workers_write_them_though_one_is_killed_on_the_way(database, tmp_path):
    with installation(database, tmp_path) as running:
        with Session(running.engine) as session, session.begin():
            families(session)
            dirty.mark_all(session, "asked")
        assert running.run("budget", "recompute").returncode == 0
        fault = {"FAULT_POINT": "statements.written", "FAULT_ONCE": str(tmp_path / "died")}
        running.start("worker", "--group", "inside", **fault)
        running.start("beat")
        with ThreadPoolExecutor(1) as aside:
            asked = aside.submit(running.run, "budget", "statement", "--all", "--json", "--patience", "100")
            running.wait((tmp_path / "died").exists)
            running.execute("UPDATE work SET lease_until = clock_timestamp() WHERE token IS NOT NULL")  # 20 s, skipped
            done = asked.result()
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["written"] == 3
        assert (tmp_path / "died").exists()
        assert len(list((tmp_path / "statements").rglob("HB-*-fi.pdf"))) == 3
        outcomes = running.rows("SELECT outcome FROM run WHERE kind = 'write_statements' ORDER BY id")
        assert [row.outcome for row in outcomes] == ["lost", "succeeded"]


def families(session) -> None:
    coaching = make_service(
        session, code="ADHD", name_fi="ADHD-valmennus", name_sv="ADHD-coachning", free_of_charge=True
    )
    provider = make_provider(session, name="Esimerkkivalmennus Oy (keksitty)")
    make_price(session, coaching, provider, "88.00")
    unit = make_unit(session, code="U-ITA")
    worker, other = (
        make_worker(session, external_id="W-1"),
        make_worker(session, external_id="W-2", name="Enni Keksitty"),
    )
    for number in range(1, CASES + 1):
        last = number == CASES
        case = make_case(
            session,
            number=f"HB-2026-{number:06}",
            responsible_worker_id=(other if last else worker).id,
            unit_id=unit.id if last else None,
        )
        if case.number == HIDDEN:
            session.execute(text("UPDATE client SET non_disclosure = true WHERE id = :id"), {"id": case.client_id})
        if case.number != WITHOUT:
            decision = make_decision(session, case, granted_amount=Decimal(1100))
            make_choice(session, make_plan_item(session, decision, coaching), provider)


def here() -> list[str]:
    """What lies in the present folder."""
    return sorted(path.name for path in Path().iterdir())


def test_one_statement_is_a_private_file_and_recorded(avain):
    data = avain.json("HB-2026-000001", "--lang", "sv", "--as", "enni")
    target = Path("HB-2026-000001-sv.pdf")
    content = target.read_bytes()
    assert data == {
        "case": "HB-2026-000001",
        "language": "sv",
        "path": str(target),
        "sha256": hashlib.sha256(content).hexdigest(),
        "pages": 2,
        "figures_of": data["figures_of"],
        "non_disclosure": False,
    }
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert root(content)["/Lang"] == "sv"
    assert "ADHD-coachning" in words(content)
    assert "12 besök kvar av 12 (1 056 €)" in words(content)
    assert avain.audited()[1:] == [("cli:enni", "budget.statement_made", "case:HB-2026-000001")]
    (event,) = avain.process.rows("SELECT details FROM audit_event WHERE action = 'budget.statement_made'")
    assert event.details == {"language": "sv", "sha256": data["sha256"]}


def test_the_same_again_is_no_trouble_and_another_file_is_never_replaced_silently(avain):
    avain.run("HB-2026-000001")
    target = Path("HB-2026-000001-fi.pdf")
    before = target.stat().st_ino
    avain.run("HB-2026-000001")
    assert target.stat().st_ino == before, "the same statement was there"
    target.write_bytes(b"something else")
    with pytest.raises(InputError, match="--force"):
        avain.run("HB-2026-000001")
    assert target.read_bytes() == b"something else"
    target.chmod(0o644)
    avain.run("HB-2026-000001", "--force")
    assert target.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert here() == [target.name]


def test_where_it_can_be_put(avain):
    Path("folder").mkdir()
    assert avain.json("HB-2026-000001", "-o", "folder")["path"] == "folder/HB-2026-000001-fi.pdf"
    assert avain.json("HB-2026-000001", "-o", "oma.pdf")["path"] == "oma.pdf"
    assert "oma.pdf" in avain.run("HB-2026-000001", "-o", "oma.pdf").stdout
    for impossible in ("nowhere/oma.pdf", "/dev/null"):
        with pytest.raises(InputError):
            avain.run("HB-2026-000001", "-o", impossible)
    made = [row for row in avain.audited() if row[1] == "budget.statement_made"]
    assert len(made) == 3, "what could not be written was not recorded"


def test_what_cannot_be_written_is_said(avain, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="disk is full"):
        avain.run("HB-2026-000001")
    with pytest.raises(InputError, match="disk is full"):
        avain.run("HB-2026-000001", "--force")
    assert here() == []


def test_a_dry_run_makes_nothing(avain):
    before = avain.audited()
    data = avain.json("HB-2026-000001", "--dry-run")
    assert data["dry_run"]
    assert data["pages"] == 2
    data = avain.json("--all", "--dry-run")
    assert (data["cases"], data["written"], data["non_disclosure"], data["without_budget"]) == (3, 0, 1, 1)
    assert avain.audited() == before
    assert here() == []
    assert not avain.process.rows("SELECT id FROM work WHERE kind = 'plan_statements'")


def test_no_case_no_budget_and_words_that_do_not_go_together(avain):
    with pytest.raises(NotFound):
        avain.run("HB-0")
    with pytest.raises(NotFound, match="no budget yet"):
        avain.run(WITHOUT)
    for wrong in (
        (),
        ("HB-2026-000001", "--all"),
        ("HB-2026-000001", "--inline"),
        ("HB-2026-000001", "--unit", "U-ITA"),
        ("--all", "-o", "x.pdf"),
        ("--all", "--force"),
        ("HB-2026-000001", "--lang", "de"),
    ):
        avain.run(*wrong, code=2)
    for wrong in (("--all", "--unit", "U-X"), ("--all", "--worker", "W-X")):
        with pytest.raises(NotFound):
            avain.run(*wrong)
    assert here() == []


def test_non_disclosure_is_said_and_allowed_singly(avain):
    assert avain.json(HIDDEN)["non_disclosure"] is True
    result = avain.run(HIDDEN)
    assert "non-disclosure" in result.stderr
    assert Path(f"{HIDDEN}-fi.pdf").exists()


def test_all_are_written_but_those_under_non_disclosure(avain):
    data = avain.json("--all", "--inline", "--as", "enni")
    figures = {
        name: data[name] for name in ("cases", "written", "skipped", "failed", "non_disclosure", "without_budget")
    }
    assert figures == {"cases": 3, "written": 3, "skipped": 0, "failed": 0, "non_disclosure": 1, "without_budget": 1}
    assert list(avain.files()) == ["HB-2026-000001-fi.pdf", "HB-2026-000004-fi.pdf", "HB-2026-000005-fi.pdf"]
    folder = Path(data["folder"])
    assert folder == avain.home / "statements" / data["figures_of"]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for one in (folder, folder.parent):
        assert stat.S_IMODE(one.stat().st_mode) == 0o700
    assert avain.audited()[1:] == [
        ("cli:enni", "budget.statements_asked", "budgets"),
        ("cli:enni", "budget.statement_made", "case:HB-2026-000001"),
        ("cli:enni", "budget.statement_made", "case:HB-2026-000004"),
        ("cli:enni", "budget.statement_made", "case:HB-2026-000005"),
    ]
    first = avain.files()
    avain.run("--all", "--inline")
    assert avain.files() == first, "the same figures on the same day are the same files"
    assert avain.json("HB-2026-000001")["sha256"] == hashlib.sha256(first["HB-2026-000001-fi.pdf"]).hexdigest()


def test_a_unit_a_worker_and_a_language(avain):
    assert avain.json("--all", "--inline", "--unit", "U-ITA", "--lang", "sv")["written"] == 1
    assert avain.json("--all", "--inline", "--worker", "W-2")["written"] == 1
    assert list(avain.files()) == ["HB-2026-000005-fi.pdf", "HB-2026-000005-sv.pdf"]
    text = avain.run("--all", "--inline", "--worker", "W-1").stdout
    assert "written 2" in text
    assert "statements" in text


def test_each_chunk_is_a_work_of_its_own_and_somebody_else_may_do_it(avain, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)
    with pytest.raises(Transient, match="worker"):
        avain.run("--all", "--patience", "1")
    avain.process.do_due("plan_statements", plan_statements)
    works = avain.process.rows("SELECT key, queue, arguments FROM work WHERE kind = 'write_statements' ORDER BY id")
    assert [len(work.arguments["cases"]) for work in works] == [2, 1]
    assert {work.queue for work in works} == {"default"}
    assert avain.process.do_due("write_statements", write_statements) == 2
    assert len(avain.files()) == 3
    runs = avain.process.rows("SELECT kind, outcome, counts FROM run WHERE kind LIKE '%_statements' ORDER BY id")
    assert [(run.kind, run.outcome) for run in runs] == [
        ("plan_statements", "succeeded"),
        ("write_statements", "succeeded"),
        ("write_statements", "succeeded"),
    ]
    assert runs[1].counts == {"written": 2, "skipped": 0, "failed": 0}


@pytest.mark.parametrize("point", ["statements.recorded", "statements.written", "work.before_close"])
def test_killed_at_any_point_it_is_done_again_to_the_same_files_and_recorded_once(avain, point):
    with pytest.raises(Transient):
        avain.run("--all", "--patience", "1")
    avain.process.do_due("plan_statements", plan_statements)
    (work,) = avain.process.rows("SELECT id FROM work WHERE kind = 'write_statements'")
    avain.process.die_doing(work.id, "workers.tasks.statements.write_statements", point)
    before = avain.files()
    assert len(before) == (0 if point == "statements.recorded" else 3)
    avain.process.do_due("write_statements", write_statements)
    after = avain.files()
    assert len(after) == 3
    assert before.items() <= after.items()
    assert len([row for row in avain.audited() if row[1] == "budget.statement_made"]) == 3
    (done,) = avain.process.rows("SELECT done_at FROM work WHERE id = :id", id=work.id)
    assert done.done_at is not None


def test_what_changed_since_it_was_planned_is_skipped(avain):
    with pytest.raises(Transient):
        avain.run("--all", "--patience", "1")
    avain.process.do_due("plan_statements", plan_statements)
    avain.process.rows("UPDATE client_case SET status = 'closed' WHERE number = 'HB-2026-000001' RETURNING id")
    avain.process.rows(
        "UPDATE client SET non_disclosure = true FROM client_case WHERE client_id = client.id AND number = 'HB-2026-000004' RETURNING client.id"
    )
    avain.process.do_due("write_statements", write_statements)
    assert list(avain.files()) == ["HB-2026-000005-fi.pdf"]
    (run,) = avain.process.rows("SELECT counts FROM run WHERE kind = 'write_statements'")
    assert run.counts == {"written": 1, "skipped": 2, "failed": 0}


def test_a_folder_that_cannot_be_written_is_tried_again(avain):
    (avain.home / "statements").write_text("in the way", "utf-8")
    with pytest.raises(Transient):
        avain.run("--all", "--inline", "--patience", "1")
    (run,) = avain.process.rows("SELECT outcome, message FROM run WHERE kind = 'write_statements' ORDER BY id LIMIT 1")
    assert run.outcome == "retry"
    assert "could not be written" in run.message["msgid"]
    (avain.home / "statements").unlink()
    avain.process.do_due("write_statements", write_statements)
    assert len(avain.files()) == 3


def test_one_that_cannot_be_printed_stops_no_other(avain, monkeypatch):
    real = print_statement

    def sometimes(statement: Any, on: Any) -> Any:
        if statement.case == "HB-2026-000004":
            raise Permanent("The PDF could not be made: {error}", error="odd")
        return real(statement, on)

    monkeypatch.setattr(bulk, "print_statement", sometimes)
    data = avain.json("--all", "--inline", code=1)
    assert (data["written"], data["failed"]) == (2, 1)
    result = avain.run("--all", "--inline", code=1)
    assert "HB-2026-000004: The PDF could not be made: odd" in result.stderr
    (run, _) = avain.process.rows("SELECT outcome FROM run WHERE kind = 'write_statements'")
    assert run.outcome == "partly"


def test_nobody_to_write_to_is_no_failure(avain):
    avain.process.rows("UPDATE client_case SET status = 'closed' RETURNING id")
    data = avain.json("--all", "--inline")
    assert (data["cases"], data["written"]) == (0, 0)
    (run,) = avain.process.rows("SELECT outcome FROM run WHERE kind = 'plan_statements'")
    assert run.outcome == "nothing_to_do"


def test_the_organisations_contact_is_printed(avain):
    avain.process.configure(statements__contact=json.dumps({"fi": "Puhelin 000 000 0000, arkisin."}))
    avain.run("HB-2026-000001")
    for language in ("fi", "en"):  # better in Finnish than not at all
        avain.run("HB-2026-000001", "--lang", language)
        assert "Puhelin 000 000 0000, arkisin." in words(Path(f"HB-2026-000001-{language}.pdf").read_bytes())


def test_what_somebody_touched_is_calculated_before_it_is_printed(avain):
    avain.process.rows("UPDATE plan_item SET quantity = 11 RETURNING id")
    with avain.process.transaction() as session:
        dirty.mark_all(session, "cases")
    avain.run("HB-2026-000001")
    assert "Jäljellä on 11 käyntiä (968 €)" in words(Path("HB-2026-000001-fi.pdf").read_bytes())
    avain.json("--all", "--inline")
    (written,) = [content for name, content in avain.files().items() if name.startswith("HB-2026-000005")]
    assert "Jäljellä on 11 käyntiä (968 €)" in words(written)
    causes = avain.process.rows(
        "SELECT DISTINCT cause FROM budget_version WHERE superseded_at IS NULL AND planned = 968"
    )
    assert [row.cause for row in causes] == ["cases"]


def test_a_closed_case_is_told_so(avain):
    avain.process.rows("UPDATE client_case SET status = 'closed' WHERE number = 'HB-2026-000001' RETURNING id")
    avain.run("HB-2026-000001", "--lang", "en")
    assert "Your case with us has been closed." in words(Path("HB-2026-000001-en.pdf").read_bytes())
