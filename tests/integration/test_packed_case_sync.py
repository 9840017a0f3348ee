"""Packed exports go the whole way: an archive is read, said where in it something is wrong, and refused when it must be."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.xml.client import XmlCases
from core.errors import Message
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from services.case_sync import SyncResult, run_source
from tests.factories.price import make_run
from tests.factories.service import make_service
from tests.factories.worker import make_worker
from tests.support import attacks
from tests.support.case_xml import case, export, spooled

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


@pytest.fixture
def run_id(session: Session) -> int:
    make_worker(session, external_id="W-101")
    make_service(session, code="NEPSY")
    make_service(session, code="PERHETYO")
    run = make_run(session, kind="sync_cases")
    session.execute(
        text('UPDATE work SET arguments = CAST(\'{"source": "x"}\' AS jsonb) WHERE id = :id'), {"id": run.work_id}
    )
    return int(run.id)


def read(session: Session, run_id: int, directory: Path, *contents: bytes) -> SyncResult:
    source = CaseSource(path="unused", max_gone=1, max_rejected=1)
    configured = Settings(home=directory / "home", hash_key="h" * 32, sources=Sources(cases={"x": source}))
    return run_source(session, run_id, "x", spooled(directory, *contents), configured, now=NOW)


def test_archives_are_read_like_the_files_in_them(session: Session, run_id: int, tmp_path: Path) -> None:
    zipped = attacks.zip_of(("1.xml", export(case("A"))), ("2.xml", export(case("B", status="asleep"))))
    result = read(session, run_id, tmp_path, zipped, gzip.compress(export(case("C"))))
    assert (result.state, result.counts["read"], result.counts["added"]) == ("partly", 3, 2)
    rejected = session.execute(text("SELECT * FROM rejected_record")).one()
    assert any(str(value).startswith("1.xml/2.xml") for value in rejected), "the file as it is called in the archive"


def test_a_bomb_refuses_the_run_under_its_own_name(session: Session, run_id: int, tmp_path: Path) -> None:
    result = read(session, run_id, tmp_path, export(case("A")), attacks.zip_bomb())
    assert (result.state, result.file) == ("refused", "2.xml")
    assert session.execute(text("SELECT count(*) FROM client_case")).scalar() == 0


@pytest.mark.parametrize("fast", [True, False])
def test_what_only_the_database_finds_is_told_with_its_own_file(
    session: Session, run_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(XmlCases, "can_read_rows", lambda *_: fast)
    second = export(case("B"), case("B", status="closed"), case("C", worker="W-9"), case("D", worker="W-9"))
    zipped = attacks.zip_of(("1.xml", export(case("A"))), ("2.xml", second))
    result = read(session, run_id, tmp_path, zipped, export(case("E", worker="W-8")))
    assert (result.read, result.added, result.rejected) == (6, 2, 4)
    rows = session.execute(text("SELECT * FROM rejected_record ORDER BY id")).all()
    assert [(row.file_name, row.external_id, row.field) for row in rows] == [
        ("1.xml/2.xml", "B", None),
        ("1.xml/2.xml", "C", "responsible_worker"),
        ("1.xml/2.xml", "D", "responsible_worker"),
        ("2.xml", "E", "responsible_worker"),
    ]
    assert [Message.from_json(row.reason).text("en") for row in rows[:2]] == [
        f"The case stands in the file again (at {int(rows[0].position) + 1}); the later one is used.",
        "The worker W-9 is not known to Avain.",
    ]


def test_so_many_codes_that_nothing_like_them_is_looked_for(session: Session, run_id: int, tmp_path: Path) -> None:
    """A million cases may name a million unknown codes; what is said of them is still one sentence each."""
    result = read(session, run_id, tmp_path, export(*(case(f"A-{n}", worker=f"W-1{n:03}") for n in range(201))))
    assert (result.rejected, result.added) == (201, 0)
    said = session.execute(text("SELECT DISTINCT reason ->> 'msgid' FROM rejected_record")).scalars().all()
    assert said == ["The worker {code} is not known to Avain."]
