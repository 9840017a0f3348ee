"""`avain run list --failed`, `retry` and `ack`: one run, a group, all; tried before it is done."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import core.database
import workers.queue
from cli import run
from core.database import make_engine
from core.errors import InputError, Message, NotFound
from core.i18n import speaking
from services.work.poison import record_poison
from tests.support.console_runs import gave_up


class Avain:
    """Runs `avain run …` and looks at what it left."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __call__(self, *arguments: str, as_json: bool = False) -> Any:
        result = CliRunner().invoke(run.app, [*arguments, *(["--json"] if as_json else [])])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else " ".join(result.output.split())

    def value(self, sql: str) -> Any:
        with Session(self.engine) as session:
            return session.execute(text(sql)).scalar()


@pytest.fixture
def avain(database, monkeypatch):
    """Works given up: three of cases for one reason, one of prices, one unreadable message."""
    engine = make_engine(database.database_url)
    monkeypatch.setattr(core.database, "engine", lambda: engine)
    monkeypatch.setattr(workers.queue, "hint", lambda _ids: None)
    with Session(engine) as session, session.begin():
        for number in range(3):
            gave_up(session, "sync_cases", f"s{number}", Message("The server {host} is away.", host=f"h{number}"))
        gave_up(session, "fetch_prices", "p")
        record_poison(session, "abc", "body", size=3)

    with speaking("en"):
        yield Avain(engine)
    engine.dispose()


def left(avain):
    return avain.value("SELECT count(*) FROM work WHERE dead_at IS NOT NULL AND acknowledged IS NULL")


def test_the_list_is_grouped(avain):
    assert "The server … is away." in avain("list", "--failed")
    first, *rest = avain("list", "--failed", as_json=True)
    assert (first["kind"], first["count"], first["reason"]) == ("sync_cases", 3, "The server {host} is away.")
    assert first["samples"] == [f"The server h{number} is away." for number in (2, 1, 0)]
    assert {one["kind"] for one in rest} == {"fetch_prices", "poison"}
    assert len(avain("list", "--failed", "--kind", "fetch_prices", as_json=True)) == 1


def test_a_group_is_tried_again_and_a_dry_run_changes_nothing(avain):
    group = avain("list", "--failed", as_json=True)[0]
    tried = avain("retry", "--group", group["group"], "--dry-run", as_json=True)
    assert tried == {"group": group["group"], "count": 3, "minutes": 1, "shown": group["shown"], "dry_run": True}
    assert left(avain) == 5
    told = avain("retry", "--group", group["group"], "--shown", tried["shown"])
    assert told == "Due again, with all its attempts: 3. The last of it is tried in about 1 min."
    assert left(avain) == 2
    with pytest.raises(NotFound):
        avain("retry", "--group", group["group"])


def test_all_of_it(avain):
    shown = avain("list", "--failed", "--kind", "fetch_prices", as_json=True)[0]["shown"]
    with pytest.raises(InputError, match="not as it was shown"):
        avain("ack", "--all", "--note", "moved", "--shown", shown)
    assert avain("retry", "--all", as_json=True)["count"] == 4
    assert avain("ack", "--all", "--note", "a tool of ours", as_json=True)["count"] == 1
    assert left(avain) == 0
    assert avain.value("SELECT string_agg(action, ' ' ORDER BY id) FROM audit_event") == (
        "dead_work.retried dead_work.discarded"
    )
    with pytest.raises(InputError, match="no given-up work"):
        avain("retry", "--all")


def test_one_run(avain):
    one = avain.value("SELECT id FROM run WHERE kind = 'fetch_prices'")
    assert avain("ack", str(one), "--note", "known", "--dry-run", as_json=True) == {"run": one, "dry_run": True}
    assert avain("retry", str(one), as_json=True)["key"] == "fetch_prices:p:r-1"
    assert left(avain) == 4


@pytest.mark.parametrize("arguments", [(), ("7", "--all"), ("--all", "--group", "x")])
def test_it_must_be_said_which(avain, arguments):
    for command in (("retry",), ("ack", "--note", "why")):
        with pytest.raises(InputError, match="Say which"):
            avain(*command, *arguments)
