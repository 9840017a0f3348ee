"""How far a run is, seen from outside while its transaction is open, and what a terminal shows of it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.embedded import Embedded
from core.i18n import speaking
from core.settings import settings
from services.case_sync import copying, running
from services.case_sync import merge as merging_function
from services.lanes import take_lane
from services.progress import in_words, state_of
from services.sources import Step, call_fetch, find_source, progress
from tests.support.case_xml import case, export
from tests.support.sources import County
from tests.support.sources import county as a_county
from workers import keeper as keeping
from workers.task import perform
from workers.tasks.cases import fetch_cases, sync_cases


@pytest.fixture
def county(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with a_county(database, tmp_path, monkeypatch) as made:
        made.put(export(*(case(f"C-{number}") for number in range(50))))
        yield made


def test_a_run_under_way_says_how_far_it_is(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "RENEW_SECONDS", 0.05)
    seen: list[Step] = []
    source = find_source(settings().sources, "a")
    with county.here.transaction() as session:
        call_fetch(session, source, "x")
    county.here.do_due("fetch_cases", fetch_cases)
    told = threading.Event()
    really = merging_function

    def merge(*arguments: Any, **options: Any) -> Any:
        def look() -> None:
            for _ in range(200):
                with county.here.transaction() as session:
                    steps = progress(session, "a", "x")
                if steps[-1].counts.get("read"):
                    seen.append(steps[-1])
                    break
                told.wait(0.05)

        looking = threading.Thread(target=look)
        looking.start()
        looking.join()
        return really(*arguments, **options)

    monkeypatch.setattr(running, "merge", merge)
    (work,) = county.here.rows("SELECT id FROM work WHERE kind = 'sync_cases'")
    perform(work.id, sync_cases)
    assert [(step.under_way, step.outcome, step.counts) for step in seen] == [(True, None, {"read": 50})]
    assert county.counts() == {
        "read": 50, "added": 50, "changed": 0, "unchanged": 0, "gone": 0, "rejected": 0, "conflicts": 0,
    }, "the last word replaces it"  # fmt: skip
    assert keeping.keeper().progress() == {}


def test_staging_tells_after_each_batch(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_WORTH_A_COPY", 0)
    monkeypatch.setattr("connectors.cases.xml.fast.cutting._PIECE", 2_000)
    told: list[int] = []
    from tests.support.case_xml import spooled

    files = spooled(county.exports.parent, export(*(case(f"C-{number}") for number in range(50))))
    with county.here.transaction() as session:
        from core.clock import business_now

        running.plan_source(session, "a", files, settings(), now=business_now(session))
        session.rollback()
    with county.here.transaction() as session:
        claimed = take_lane(session, "sync_cases", "a", "y")
        running.run_source(
            session, claimed.run_id, "a", files, settings(), now=business_now(session), check=told.append
        )
        session.rollback()
    assert told == sorted(told)
    assert told[-1] == 50
    assert len(told) > 3


def step(**over: Any) -> Step:
    values = {
        "work_id": 1, "kind": "sync_cases", "ended": False, "dead": False, "under_way": True, "run_id": 1, "outcome": None,
        "counts": {"read": 120_000}, "message": None, "reply": None, "seconds": 20.0, "running": 14.1, **over,
    }  # fmt: skip
    return Step(**values)


def test_counts_and_rate_in_words() -> None:
    with speaking("en"):
        assert state_of(step()) == "synchronising cases … read 120,000, 8,511/s, 14 s"
        assert state_of(step(under_way=False)) == "waiting for a worker"
        assert in_words("fetch_cases", {"requests": 12, "rows": 500, "bytes": 9}, 10) == (
            "fetching cases … requests 12, rows 500, bytes 9, 50/s, 10 s"
        )
        assert in_words("fetch_cases", {}, 0) == "fetching cases … 0 s"
