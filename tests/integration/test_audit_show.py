"""`avain audit show`: the trail, what concerns a case, and the extract for its client."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.clock import business_now
from core.errors import InputError, NotFound
from core.i18n import speaking
from models.case import Client
from services import audit
from tests.factories.case import make_case
from tests.factories.worker import make_worker
from tests.support.in_process import in_process
from tests.support.pdf import words

CASE = "HB-2026-000001"


@pytest.fixture
def process(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with in_process(database, tmp_path, monkeypatch) as process:
        with process.transaction() as session:
            worker = make_worker(session, external_id="W-1", name="Aino Työntekijä")
            case = make_case(session, number=CASE, responsible_worker_id=worker.id)
            session.get_one(Client, case.client_id).non_disclosure = True
            audit.record(session, "worker:W-1", "case.viewed", f"case:{CASE}", now=business_now(session), how="own")
            audit.record(session, "worker:W-1", "case.viewed", "case:HB-2026-000002", now=business_now(session))
        yield process


def run(*arguments):
    result = CliRunner().invoke(app, ["audit", "show", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_case_and_its_extract(process):
    with speaking("en"):
        assert json.loads(run("--json").stdout)[0]["subject"] == "case:HB-2026-000002"
        (seen,) = json.loads(run("--case", CASE, "--json", "--as", "enni").stdout)
        assert (seen["who"], seen["role"], seen["action"]) == ("Aino Työntekijä", "responsible worker", "case.viewed")
        assert "Aino Työntekijä, responsible worker" in " ".join(run("--case", CASE).stdout.split())
        made = run("--case", CASE, "--extract", "ote.pdf", "--as", "enni")
        assert "in person only" in made.stderr
        assert not run("--case", CASE, "--extract", "ote.xlsx", "--dry-run").exit_code
    content = Path("ote.pdf").read_bytes()
    assert "Aino Työntekijä, omatyöntekijä" in words(content)
    assert stat.S_IMODE(Path("ote.pdf").stat().st_mode) == 0o600
    assert not Path("ote.xlsx").exists()
    rows = process.rows("SELECT actor, action FROM audit_event WHERE actor LIKE 'cli:%' ORDER BY id")
    assert [row.action for row in rows] == [
        "audit.listed",
        "audit.case_viewed",
        "audit.case_viewed",
        "audit.extract_made",
    ]
    assert rows[-1].actor == "cli:enni"


def test_what_cannot_be_made(process):
    Path("ote.pdf").write_text("something else")
    with pytest.raises(InputError, match="is there already"):
        run("--case", CASE, "--extract", "ote.pdf")
    with pytest.raises(InputError, match=r"\.pdf"):
        run("--case", CASE, "--extract", "ote.doc")
    with pytest.raises(NotFound):
        run("--case", "HB-2026-999999")
    assert run("--extract", "ote.pdf").exit_code == 2
    assert run("case:x", "--case", CASE).exit_code == 2
    assert not process.rows("SELECT id FROM audit_event WHERE actor LIKE 'cli:%'")
