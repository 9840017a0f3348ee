"""The tasks behind a visit to a source: the nightly job, deaths at every step, leases that are lost, files still being written."""

import threading

import pytest

from connectors.cases.xml.client import XmlCases
from core.settings import settings
from services.case_sync import copying, staging
from services.sources import call_fetch, find_source
from tests.support.case_commands import Avain
from workers.tasks.cases import fetch_cases, nightly_cases, sync_cases


def test_the_nightly_job_calls_for_each_source_and_a_second_time_changes_nothing(avain: Avain) -> None:
    for night in ("nightly_cases@2026-11-17T01:10Z", "nightly_cases@2026-11-18T01:10Z"):
        avain.here.rows(
            "INSERT INTO work (kind, key, arguments, queue) VALUES ('nightly_cases', :key, '{}', 'default') RETURNING id",
            key=night,
        )
        for kind, body in (("nightly_cases", nightly_cases), ("fetch_cases", fetch_cases), ("sync_cases", sync_cases)):
            assert avain.here.do_due(kind, body) == 1
    counts = [row[0] for row in avain.here.rows("SELECT counts FROM run WHERE kind = 'sync_cases' ORDER BY id")]
    assert [(one["added"], one["unchanged"]) for one in counts] == [(4, 0), (0, 4)]


def test_a_run_killed_at_any_step_ends_in_the_same_tables(avain: Avain) -> None:
    undisturbed: dict[str, list[str]] | None = None
    for step in (None, "sync.parsed", "sync.staged", "sync.merged", "work.before_close", "work.after_close"):
        avain.here.empty(
            "work", "counter", "client_case", "client", "decision", "plan_item", "processed_file", "source_memory"
        )
        with avain.here.transaction() as session:
            call_fetch(session, find_source(settings().sources, "lifecare"), "test")
        avain.here.do_due("fetch_cases", fetch_cases)
        work_id = avain.value("SELECT id FROM work WHERE kind = 'sync_cases'")
        if step:
            avain.here.die_doing(work_id, "workers.tasks.cases.sync_cases", step)
        avain.here.do_due("sync_cases", sync_cases)
        assert avain.value("SELECT done_at IS NOT NULL FROM work WHERE kind = 'sync_cases'"), step
        undisturbed = undisturbed or avain.picture()
        assert avain.picture() == undisturbed, step


@pytest.mark.parametrize("fast", [True, False])
def test_a_run_whose_lease_is_lost_stops_at_the_next_batch(
    avain: Avain, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(staging, "_BATCH", 1)
    monkeypatch.setattr(copying, "_WORTH_A_COPY", 0)
    monkeypatch.setattr("connectors.cases.xml.fast.cutting._PIECE", 500)
    monkeypatch.setattr(XmlCases, "can_read_rows", lambda *_: fast)
    begun = 0
    copy = copying.Copier.copy

    def copy_and_lose_the_lease(self: copying.Copier) -> None:
        nonlocal begun
        begun += 1
        copy(self)
        avain.here.rows("UPDATE work SET token = gen_random_uuid() WHERE kind = 'sync_cases' RETURNING id")

    monkeypatch.setattr(copying.Copier, "copy", copy_and_lose_the_lease)
    with avain.here.transaction() as session:
        call_fetch(session, find_source(settings().sources, "lifecare"), "test")
    avain.here.do_due("fetch_cases", fetch_cases)
    avain.here.do_due("sync_cases", sync_cases)
    assert begun == 1, "four more records were waiting"
    assert avain.value("SELECT count(*) FROM client_case") == 0
    assert list((avain.exports.parent / "home/spool").rglob("*.xml")), "the next attempt wants the copy"


def test_a_file_still_being_written_is_tried_again_later(avain: Avain) -> None:
    done = threading.Event()

    def write() -> None:
        with (avain.exports / "growing.xml").open("ab", buffering=0) as file:
            while not done.wait(0.05):
                file.write(b" ")

    (avain.exports / "growing.xml").touch()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert avain.run("source", "run", "lifecare", "--inline").exit_code == 1
    finally:
        done.set()
        writer.join()
    outcome, message = avain.here.rows("SELECT outcome, message FROM run")[0]
    assert (outcome, message["params"]) == ("retry", {"names": "growing.xml"})
    assert avain.value("SELECT count(*) FROM work WHERE done_at IS NULL AND dead_at IS NULL") == 1
