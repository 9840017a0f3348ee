"""`avain retention …`, `avain case hold|unhold|export`, the doctor and the case's page."""

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

import core.database
import core.settings
import workers.queue
from cli.main import app
from core.errors import InputError, NotFound
from models.case import Case
from services.health.findings import Ground
from services.health.retention import waiting
from tests.support.aged import HASHER, NOW, TODAY, count, sweep, whole_case
from tests.support.browsing import settings_for

Run = Callable[..., Result]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = settings_for().model_copy(update={"hash_key": _Key("h" * 32)})
    monkeypatch.setattr(core.settings, "settings", lambda: found)
    return found


class _Key(str):
    """A hash key, as settings hold it."""

    __slots__ = ()

    def get_secret_value(self) -> str:
        return str(self)


@pytest.fixture
def run(session: Session, configured: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands in this process, whose transactions are parts of the test's."""

    @contextmanager
    def within(*, dry_run: bool = False) -> Iterator[Session]:
        with session.begin_nested() as part:
            yield session
            if dry_run:
                part.rollback()

    monkeypatch.setattr(core.database, "transaction", within)
    monkeypatch.setattr("cli.case_keeping.transaction", within)
    monkeypatch.setattr(workers.queue, "hint", lambda _ids: None)
    for module in ("retention", "case_keeping"):
        monkeypatch.setattr(f"cli.{module}.business_now", lambda _session: NOW)
    monkeypatch.setattr("cli.retention.business_today", lambda _session: TODAY)

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def test_a_report_first_then_it_goes(session: Session, run: Run) -> None:
    old, held = whole_case(session, "vanhentunut"), whole_case(session, "pidetty")
    number, external_id = old.case.number, old.case.external_id
    assert json.loads(run("case", "hold", held.case.number, "--reason", "kantelu", "--as", "enni", "--json").stdout)[
        "held"
    ]
    told = json.loads(run("retention", "report", "--list", "5", "--json").stdout)
    classes = {one["name"]: one for one in told["classes"]}
    assert (classes["family"]["due"], classes["family"]["kept"], classes["vouchers"]["due"]) == (1, {"held": 1}, 1)
    assert (told["cases"], told["automatic"], told["holds"][0]["reason"]) == ([number], False, "kantelu")
    shown = run("retention", "report", "--list", "5").stdout
    for said in (number, "held by a person: 1", "kantelu", "cli:enni", "Nothing is removed by itself"):
        assert said in shown
    assert "Would be removed" in run("retention", "run", "--dry-run").stdout
    would = json.loads(run("retention", "run", "--dry-run", "--json").stdout)
    assert (would["family"], would["dry_run"], count(session, Case)) == (1, True, 2)
    done = json.loads(run("retention", "run", "--json").stdout)
    assert (done["family"], done["vouchers"], done["rows"]["client_case"]) == (1, 0, 1)
    assert json.loads(run("retention", "find", "lifecare", external_id, "--json").stdout) == [number]
    for asked in (
        ("hold", number, "--reason", "x"),
        ("export", number, "--to", "x.zip", "--asked-by", "adult", "--reason", "x"),
    ):
        with pytest.raises(
            NotFound, match=f"was removed on .*, when its time was up.*avain audit show --case {number}"
        ):
            run("case", *asked)
    assert "No case was removed" in run("retention", "find", "lifecare", "LC-nobody").stdout
    assert json.loads(run("case", "unhold", held.case.number, "--reason", "ratkaistu", "--json").stdout) == {
        "case": held.case.number, "held": False,
    }  # fmt: skip
    assert "families" in run("retention", "run").stdout
    assert count(session, Case) == 0


def test_the_case_says_that_it_is_held(session: Session, run: Run) -> None:
    made = whole_case(session, "pidetty")
    assert "Kept until further notice" not in run("case", "show", made.case.number).stdout
    run("case", "hold", made.case.number, "--reason", "kantelu")
    assert "Kept until further notice since" in run("case", "show", made.case.number).stdout
    assert json.loads(run("case", "show", made.case.number, "--json").stdout)["held_at"]


def test_a_copy_is_put_where_it_was_asked_for(session: Session, run: Run, tmp_path: Path) -> None:
    made = whole_case(session, "xqoma")
    session.execute(text("UPDATE family_wish SET sealed_words = NULL"))
    target = tmp_path / "kopio.zip"
    asked = ("case", "export", made.case.number, "--to", str(target), "--asked-by", "child", "--reason", "pyyntö")
    assert run(*asked, "--dry-run").exit_code == 0
    assert not target.exists()
    assert session.execute(text("SELECT count(*) FROM audit_event")).scalar_one() == 0
    told = json.loads(run(*asked, "--json").stdout)
    assert (told["cases"], told["file"], told["bytes"]) == ([made.case.number], str(target), target.stat().st_size)
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
    session.execute(text("UPDATE client_case SET goals = '{muu}'"))
    with pytest.raises(InputError, match="--force"):
        run(*asked)
    assert run(*asked, "--force").exit_code == 0
    with pytest.raises(InputError, match=r"\.zip"):
        run("case", "export", made.case.number, "--to", "x.pdf", "--asked-by", "child", "--reason", "pyyntö")


def test_the_doctor_says_what_waits(session: Session, configured: Any) -> None:
    @contextmanager
    def within() -> Iterator[Session]:
        yield session

    def found(**retention: Any) -> list[tuple[str, str]]:
        settings = configured.model_copy(update={"retention": configured.retention.model_copy(update=retention)})
        return [(one.state, str(one.found)) for one in waiting(Ground(settings, within))]

    assert found() == [("ok", "nothing waits to be removed")]
    session.execute(
        text(
            "WITH work AS (INSERT INTO work (kind, key, queue, arguments) VALUES ('retention', 'retention@test', 'default', '{}') RETURNING id)"
            " INSERT INTO run (work_id, kind, attempt, token, host, finished_at, outcome, counts)"
            " SELECT id, 'retention', 1, gen_random_uuid(), 'test', now(), 'succeeded', '{\"due\": 7}' FROM work"
        )
    )
    whole_case(session, "vanhentunut")
    assert found() == [("warning", "over their time and still here: 7")]
    assert found(automatic=True, working_age_units=("EI",)) == [("warning", "units that are not known: EI")]
    sweep(session)
    assert found(automatic=True) == [("ok", "nothing waits to be removed")]
    assert HASHER.key_id != ""
    configured = configured.model_copy(update={"hash_key": _Key("x" * 32)})
    assert found(automatic=True) == [("warning", "removed cases that are not known any more: 1")]
