"""Tables and views from their settings to the cases: fetched, read by their profile, merged, in the words of the commands."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workers.queue
from cli import rejected, source
from connectors.cases.contract import a_record
from core.embedded import Embedded
from core.i18n import speaking
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support import tables
from tests.support.client_system import PROFILE, QUERIES, client_system
from tests.support.in_process import InProcess, in_process

VIEW = "\n".join(
    ["[sources.cases.raportointi]", 'kind = "sql"', 'profile = "raportointi.toml"', "[sources.cases.raportointi.sql]"]
    + [f'{name} = "{query}"' for name, query in QUERIES.items()]
)


@pytest.fixture
def here(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    monkeypatch.setenv("AVAIN_CONFIG", str(tmp_path / "avain.toml"))
    monkeypatch.setattr(workers.queue, "publish", lambda _rows: 0)
    (tmp_path / "avain.toml").write_text(
        f'[sources.cases.vienti]\nkind = "table"\npath = "{tmp_path}/*.csv"\nprofile = "vienti.toml"\nmax_rejected = 0.5\n{VIEW}\n'
    )
    (tmp_path / "vienti.toml").write_text(tables.profile_text(own_files=True), "utf-8")
    (tmp_path / "raportointi.toml").write_text(PROFILE, "utf-8")
    monkeypatch.setenv("AVAIN_SOURCES__CASES__RAPORTOINTI__SQL__URL", "postgresql://nobody@127.0.0.1:1/none")
    with in_process(database, tmp_path / "home", monkeypatch) as here, speaking("en"):
        with here.transaction() as session:
            for number in ("W-101", "W-102", "W-103"):
                make_worker(session, external_id=number)
            make_unit(session, code="U-1")
            services = [make_service(session, code=code) for code in ("PERHETYO", "NEPSY")]
            make_provider(session, business_id="9999994-1", services=services)
        yield here


def run(app: Any, *arguments: str) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


def test_a_table_for_each_entity(here: InProcess, tmp_path: Path) -> None:
    names = {"cases": "asiakkuudet.csv", "decisions": "paatokset.csv", "plan_items": "palvelut.csv"}
    records = [a_record("C-1"), a_record("C-2", status="asleep"), a_record("C-3")]
    for group, rows in tables.own_tables(records).items():
        (tmp_path / names[group]).write_bytes(tables.as_csv(rows))
        os.utime(tmp_path / names[group], (0, 0))
    said = run(source.app, "run", "vienti", "--inline")
    assert said["state"] == "partly"
    assert {name: said[name] for name in ("read", "added", "rejected")} == {"read": 3, "added": 2, "rejected": 1}
    (group,) = run(rejected.app, "list")
    assert (group["position"], group["field"], group["external_id"]) == ("3", "status", "C-2")


def test_a_view(here: InProcess, database: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    with client_system(database) as system:
        monkeypatch.setenv("AVAIN_SOURCES__CASES__RAPORTOINTI__SQL__URL", system.url)
        here.configure()
        system.change(
            "INSERT INTO inside.person VALUES (1, NULL, NULL);"
            "INSERT INTO inside.client_case VALUES (1, 1, 'W-101', 'A', 'Arki sujuu', NULL, false, now());"
            "INSERT INTO inside.decision VALUES (1, 1, 'P1', '2026-11-09', 900);"
            "INSERT INTO inside.service VALUES (1, 1, 1, 'NEPSY', 10.5, 'HUR', '2026-11-23', '2027-02-22', '9999994-1')"
        )
        said = run(source.app, "run", "raportointi", "--inline")
        assert (said["state"], said["read"], said["added"]) == ("succeeded", 1, 1)
        assert here.rows("SELECT external_id FROM plan_item") == [("R-1",)]
        again = run(source.app, "run", "raportointi", "--inline")
        assert (again["state"], again["unchanged"]) == ("succeeded", 1)
