"""`avain unit`, and the night that counts, over a database of their own."""

import io
import json
from datetime import datetime
from random import Random
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from cli.main import app
from core.clock import move_business_clock
from core.errors import InputError, NotFound
from core.i18n import HELSINKI
from services.work import call
from tests.support import oversight_world as plain
from tests.support.in_process import InProcess
from tests.support.oversight_world import World
from workers.tasks.oversight import count


def run(*words: str) -> Any:
    result = CliRunner().invoke(app, ["unit", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_unit_on_the_command_line(here: InProcess, tmp_path, monkeypatch):
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    with here.transaction() as session:
        move_business_clock(session, datetime(2026, 11, 16, 9, tzinfo=HELSINKI))
        town = World(session, Random(11), units=1, cases=14)
        unit, facts = town.units[0], town.facts[town.units[0].id]
        code = unit.code
    before = json.loads(run("show", code, "--json").stdout)
    assert before["counted_at"] is None
    with here.transaction() as session:
        call(session, "count_units", "night")
    assert here.do_due("count_units", count) == 1
    (work,) = here.rows("SELECT outcome, counts FROM run WHERE kind = 'count_units'")
    assert work.counts["units"] == 1

    told = json.loads(
        run("show", code.lower(), "--from", "2026-01", "--to", "2027-11", "--json", "--as", "heli").stdout
    )
    cost = sum(one[2] for one in plain.euros(facts))
    assert told["euros"]["cost"] == str(cost)
    assert told["euros"]["judged"] in {"below", "within", "over"}
    assert sum(one["answers"] for one in told["ratings"]) == sum(one[4] for one in plain.ratings(facts))
    shown = run("show", code, "--from", "2026-01", "--to", "2027-11").stdout
    assert "ost-neutral" in shown
    assert "Groups of fewer than five cases are left out" in shown

    book = tmp_path / "unit.xlsx"
    run("report", code, "--from", "2026-01", "--output", str(book))
    assert "Euros" in load_workbook(io.BytesIO(book.read_bytes())).sheetnames
    assert book.stat().st_mode & 0o777 == 0o600
    as_json = tmp_path / "unit.json"
    run("report", code, "--from", "2026-01", "--to", "2027-11", "-o", str(as_json), "--dry-run")
    assert not as_json.exists()
    run("report", code, "--from", "2026-01", "--to", "2027-11", "-o", str(as_json))
    assert json.loads(as_json.read_text())["euros"] == told["euros"]
    audited = here.rows("SELECT actor, action, subject FROM audit_event WHERE action LIKE 'unit.%' ORDER BY id")
    assert ("cli:heli", "unit.viewed", f"unit:{code}") in [tuple(row) for row in audited]
    assert [row.action for row in audited].count("unit.reported") == 2

    for words, error in (
        (("show", "EI-OLE"), NotFound),
        (("show", code, "--from", "2026"), InputError),
        (("report", code, "-o", str(tmp_path / "unit.csv")), InputError),
        (("report", code, "-o", str(tmp_path / "none" / "unit.xlsx")), InputError),
        (("report", code, "--from", "2026-02", "-o", str(book)), InputError),
    ):
        with pytest.raises(error):
            run(*words)
