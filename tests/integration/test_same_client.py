"""Two sources know one client: seen only where identity is sealed, and then by the blind index."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import case as case_command
from core.embedded import Embedded
from services.cases import case_view
from tests.support.case_xml import decision, export, item
from tests.support.queries import recording
from tests.support.sources import County
from tests.support.sources import county as a_county

KEYS = {"seal_keys": "k1:" + "A" * 43 + "=", "index_key": "B" * 43 + "="}


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        (tmp_path / "b").mkdir()
        made.configure(rest=f'[sources.cases.b]\npath = "{tmp_path}/b/*.xml"\n', **KEYS)
        yield made


def known(id_: str, client: str, henkilotunnus: str | None) -> str:
    who = f"<identity><henkilotunnus>{henkilotunnus}</henkilotunnus></identity>" if henkilotunnus else ""
    return (
        f'<case id="{id_}" status="open"><client id="{client}">{who}</client><responsibleWorker id="W-101"/>'
        f"{decision()}{item()}</case>"
    )


def read_both(county: County) -> None:
    county.put(
        export(known("A-1", "K-1", "131052-9074"), known("A-2", "K-2", None), known("A-3", "K-1", "131052-9074"))
    )
    county.put(export(known("B-1", "X-9", "131052-9074"), known("B-2", "K-1", None)), "../b/1.xml")
    for source in "ab":
        assert county.night(source)[-1] == ("sync_cases", "succeeded")


def others(county: County, external_id: str) -> list[str]:
    number = county.value("SELECT number FROM client_case WHERE external_id = :id", id=external_id)
    result = CliRunner().invoke(case_command.app, ["show", number, "--json"])
    said: list[dict[str, Any]] = json.loads(result.stdout)["other_cases"]
    numbers = [one["number"] for one in said]
    rows = county.here.rows("SELECT number, external_id FROM client_case")
    return [{row.number: row.external_id for row in rows}[one] for one in numbers]


def test_with_sealed_identity_the_client_is_known_again(county: County) -> None:
    county.here.configure(privacy__identity="sealed")
    read_both(county)
    assert others(county, "A-1") == ["A-3", "B-1"]
    assert others(county, "B-1") == ["A-1", "A-3"]
    assert others(county, "A-2") == others(county, "B-2") == []
    number = county.value("SELECT number FROM client_case WHERE external_id = 'A-1'")
    assert "Other cases of the same client" in CliRunner().invoke(case_command.app, ["show", number]).output
    with county.here.transaction() as session, recording(session) as statements:
        case_view(session, number)
    assert len(statements) == 4, "the case, its decisions, its services, the others"


def test_without_identity_nobody_is_matched_over_sources(county: County) -> None:
    read_both(county)
    assert others(county, "A-1") == ["A-3"], "the same reference in the same source"
    assert others(county, "B-1") == others(county, "B-2") == []
