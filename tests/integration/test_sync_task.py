"""The task that synchronises a source: it stops as soon as it is no longer the one that does it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.cases.xml.client import XmlCases
from core.embedded import Embedded
from core.settings import settings
from services.case_sync import running
from services.sources import call_fetch, find_source
from tests.support.case_xml import case, export
from tests.support.sources import County
from tests.support.sources import county as a_county
from workers.task import perform
from workers.tasks.cases import fetch_cases, sync_cases


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize("way", ["read_rows", "read"])
def test_a_lease_that_is_lost_while_it_reads_ends_it_before_anything_is_compared(
    county: County, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    read, merged = getattr(XmlCases, way), []

    def lose(*arguments: Any, **more: Any) -> Iterator[Any]:
        county.here.rows("UPDATE work SET token = gen_random_uuid() WHERE token IS NOT NULL RETURNING id")
        yield from read(*arguments, **more)

    monkeypatch.setattr(XmlCases, "can_read_rows", lambda *_: way == "read_rows")
    monkeypatch.setattr(XmlCases, way, lose)
    monkeypatch.setattr(running, "merge", lambda *_, **__: merged.append(1))
    county.put(export(case("A")))
    with county.here.transaction() as session:
        call_fetch(session, find_source(settings().sources, "a"), "x")
    county.here.do_due("fetch_cases", fetch_cases)
    perform(county.value("SELECT id FROM work WHERE kind = 'sync_cases'"), sync_cases)
    assert not merged
    assert county.cases() == {}
    assert county.value("SELECT done_at IS NULL FROM work WHERE kind = 'sync_cases'")
    spool = county.exports.parent / "home/spool"
    assert [path for path in spool.rglob("*") if path.is_file()], "whoever does it now needs the copies"


def copies(county: County) -> list[str]:
    spool = county.exports.parent / "home/spool"
    return sorted(path.name.rpartition("-")[2] for path in spool.rglob("*") if path.is_file())


def called(county: County, kind: str) -> int:
    number: int = county.value("SELECT id FROM work WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind)
    return number


def test_copies_of_a_process_that_was_killed_when_all_was_done_go_with_the_next_fetch(county: County) -> None:
    county.put(export(case("A")))
    with county.here.transaction() as session:
        call_fetch(session, find_source(settings().sources, "a"), "x")
    county.here.do_due("fetch_cases", fetch_cases)
    county.here.die_doing(called(county, "sync_cases"), "workers.tasks.cases.sync_cases", "work.after_close")
    assert county.value("SELECT done_at IS NOT NULL FROM work WHERE kind = 'sync_cases'")
    assert copies(county) == ["1.xml"]
    assert county.night() == [("fetch_cases", "nothing_to_do")]
    assert copies(county) == []


def test_copies_that_are_still_to_be_read_stay(county: County) -> None:
    county.configure(mode="delta")
    for number in ("1", "2"):
        county.put(export(case(number)), f"{number}.xml")
        with county.here.transaction() as session:
            call_fetch(session, find_source(settings().sources, "a"), f"request-{number}")
        county.here.do_due("fetch_cases", fetch_cases)
    assert copies(county) == ["1.xml", "1.xml", "2.xml"], "nothing was applied yet"
    assert county.here.do_due("sync_cases", sync_cases) == 2
    assert county.cases() == {"1": "open", "2": "open"}
    assert copies(county) == []
