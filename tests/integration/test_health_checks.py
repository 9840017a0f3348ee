"""What Avain stands on, examined: whoever hangs holds up nobody, what is down is a finding, looking changes nothing, results are shared."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from connectors.transports.local import LocalFiles
from core.errors import Message
from core.i18n import speaking
from core.settings import Settings
from core.source_settings import CaseSource, Sources
from core.transport_settings import HttpsFile, SftpFiles
from services.health import Check, Examiner, Finding, Ground, Patience, checks, examining
from services.health.examining import examined
from tests.support.sftp_server import HOST_KEY


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    (tmp_path / "a.xml").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    web = {"kind": "https", "allow_private": True, "allow_http": True}
    shell: dict[str, Any] = {"kind": "sftp", "username": "avain", "password": "hush", "path": "/*.xml"}
    shell["host_key"] = HOST_KEY.export_public_key().decode()
    transports = {
        "web": HttpsFile(url=f"http://127.0.0.1:{port}/a.xml?key=hush", **web),
        "shell": SftpFiles(host="127.0.0.1", port=port, **shell),
        "inside": HttpsFile(url=f"https://127.0.0.1:{port}/a.xml", kind="https"),
    }
    cases = {name: CaseSource(transport=one) for name, one in transports.items()}
    cases |= {"files": CaseSource(path=f"{tmp_path}/*.xml"), "none": CaseSource(path=f"{tmp_path}/*.csv")}
    return Settings(home=tmp_path, sources=Sources(cases=cases))


@pytest.fixture
def ground(shared_engine: Engine, tmp_path: Path) -> Ground:
    """An installation whose database answers and whose Redis does not."""

    @contextmanager
    def transaction() -> Iterator[Session]:
        with Session(shared_engine) as session, session.begin():
            yield session

    return Ground(Settings(home=tmp_path), transaction, lambda: "redis://127.0.0.1:1/0")


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`only(check, …)`: there are no other checks than these."""
    return lambda *these: monkeypatch.setattr(examining, "checks", lambda _settings: list(these))


def fine(name: str) -> Check:
    return Check(Message(name), lambda _: [Finding(Message(name), "ok", "fine")])


def looked_at(configured: Settings) -> dict[str, Finding]:
    ground = Ground(configured)
    found = [
        one for check in checks(configured) if check.name.msgid == "Source {name}" for one in check.examine(ground)
    ]
    return {str(one.name).removeprefix("Source "): one for one in found}


def test_embedded_servers_that_do_not_answer_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVAIN_DATABASE_URL")
    monkeypatch.delenv("AVAIN_REDIS_URL")
    own = Settings(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    for configured, named in ((Settings(home=tmp_path), "PostgreSQL, Valkey"), (own, "Valkey")):
        findings = Examiner(Ground(configured, lambda: nullcontext(Session()))).latest().findings
        told = {str(one.name): (one.state, str(one.found)) for one in findings}
        assert told["Embedded services"] == ("broken", f"{named}: no answer")
        assert not told.keys() & {"Database", "Redis", "Beat"}


def test_a_source_that_is_down_is_a_finding(configured: Settings) -> None:
    found = looked_at(configured)
    assert (found["files"].state, found["files"].found) == ("ok", "a.xml")
    assert found["none"].state == "warning"
    for name in ("web", "shell"):
        assert found[name].state == "broken"
        assert "failed" in str(found[name].found)
        assert "may pass" in str(found[name].advice)
    assert "may not connect" in str(found["inside"].found)
    assert "Correct [sources]" in str(found["inside"].advice)
    assert "hush" not in str([one.to_json() for one in found.values()])


def test_without_sources_that_is_said(tmp_path: Path) -> None:
    last = checks(Settings(home=tmp_path))[-1]
    (finding,) = last.examine(Ground(Settings(home=tmp_path)))
    assert (finding.state, str(finding.found)) == ("warning", "none")


def test_who_hangs_holds_up_nobody_and_is_not_asked_again_meanwhile(
    configured: Settings, monkeypatch: pytest.MonkeyPatch, only: Callable[..., None]
) -> None:
    free, begun = threading.Event(), []

    def hang(_: LocalFiles) -> list[str]:
        begun.append(1)
        free.wait(30)
        return []

    monkeypatch.setattr(LocalFiles, "look", hang)
    only(*(one for one in checks(configured) if one.name.params.get("name") in {"files", "inside"}), fine("Python"))
    examiner = Examiner(Ground(configured), patience=Patience(0.2, 20), keep=0)
    for _ in range(2):
        before = time.monotonic()
        files, inside, python = examiner.latest().findings
        assert time.monotonic() - before < 5
        assert (str(files.name), files.state, str(files.found)) == ("Source files", "broken", "no answer within 0.2 s")
        assert "ask the source's owner" in str(files.advice)
        assert "may not connect" in str(inside.found)
        assert python.state == "ok"
    assert len(begun) == 1, "reloading piles up no threads"
    free.set()


def test_a_mistake_of_ours_in_one_check_hides_nothing(ground: Ground, only: Callable[..., None]) -> None:
    def mistake(_: Ground) -> list[Finding]:
        raise ZeroDivisionError

    only(Check(Message("Work"), mistake), fine("Python"))
    work, python = Examiner(ground).latest().findings
    assert (work.state, str(work.found), python.state) == ("broken", "could not be examined", "ok")
    assert "mistake in Avain" in str(work.advice)


def test_results_are_shared_for_some_seconds_in_every_language(ground: Ground, only: Callable[..., None]) -> None:
    asked, clock = [], [100.0]

    def ask(_: Ground) -> list[Finding]:
        asked.append(1)
        return [Finding(Message("Reminders"), "ok", "fine")]

    only(Check(Message("Reminders"), ask))
    examiner = Examiner(ground, keep=15, clock=lambda: clock[0])
    examiner.latest()
    clock[0] += 14
    with speaking("fi"):
        again = examiner.latest()
        assert (str(again.findings[0].name), again.age, len(asked)) == ("Muistutukset", 14, 1)
    clock[0] += 1
    assert (examiner.latest().age, len(asked)) == (0, 2)


def test_checks_can_only_look_and_give_way(ground: Ground) -> None:
    with pytest.raises(DBAPIError, match="read-only"), ground.looking() as session:
        session.execute(text("DELETE FROM heartbeat"))
    with ground.looking() as session:
        assert session.scalar(text("SHOW statement_timeout")) == "3s"
    with ground.transaction() as session:
        with Ground(ground.settings, lambda: nullcontext(session)).looking() as inner:
            inner.execute(text("SELECT 1"))
        assert session.scalar(text("SHOW transaction_read_only")) == "off", "what a check sets ends with it"


def test_what_is_down_is_said_and_the_rest_is_examined(ground: Ground) -> None:
    findings = {str(one.name): one for one in Examiner(ground).latest().findings}
    assert (findings["Redis"].state, str(findings["Redis"].found)) == ("broken", "does not answer")
    assert findings["Migrations"].state == "ok"
    assert findings["Beat"].state == "broken"
    without = Examiner(Ground(ground.settings)).latest().findings  # tests have no database of their own
    (database,) = [one for one in without if str(one.name) == "Database"]
    assert (database.state, str(database.found)) == ("broken", "does not answer")
    assert next(one for one in without if str(one.name) == "Python").state == "ok"


def test_a_database_without_tables(ground: Ground) -> None:
    def lacks(_: Ground) -> list[Finding]:
        with ground.transaction() as session:
            session.execute(text("SELECT FROM no_such_table"))
        return []

    (found,) = examined(Check(Message("Work"), lacks), ground)
    assert str(found.advice) == "Run: avain db upgrade"
