"""`avain source`, `avain case`, `avain rejected` and the tasks behind them, over a database of their own, with the demo's file."""

import json
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

import workers.inline
import workers.queue
from cli import case, rejected, source
from connectors.cases.xml.client import XmlCases
from core.embedded import Embedded
from core.errors import InputError, Message, NotFound, Transient
from core.i18n import speaking
from core.settings import ROOT, settings
from services.case_sync import copying, staging
from services.sources import Step, call_fetch, find_source
from tests.factories.provider import make_provider
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.case_xml import case as case_xml
from tests.support.case_xml import export
from tests.support.in_process import InProcess, in_process
from workers.tasks.cases import fetch_cases, nightly_cases, sync_cases

DEMO = ROOT / "demo/data/cases/asiakkuudet-2026-11-16.xml"
TABLES = ("client_case", "client", "decision", "plan_item", "choice", "rejected_record", "case_staging")


class Avain:
    """Runs commands in this process."""

    def __init__(self, here: InProcess, exports: Path) -> None:
        self.here, self.exports = here, exports

    def run(self, *arguments: str) -> Result:
        app = {"source": source.app, "case": case.app, "rejected": rejected.app}[arguments[0]]
        result = CliRunner().invoke(app, [*arguments[1:]])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def put(self, content: bytes, name: str = "cases.xml") -> None:
        (self.exports / name).write_bytes(content)
        os.utime(self.exports / name, (0, 0))

    def value(self, sql: str) -> Any:
        return self.here.rows(sql)[0][0]

    def picture(self) -> dict[str, list[str]]:
        """Every row the sync writes, without ids of runs and moments."""
        hidden = "- 'id' - 'client_id' - 'case_id' - 'decision_id' - 'plan_item_id' - 'run_id' - 'synced_run_id' - 'recorded_at' - 'chosen_at' - 'gone_at' - 'settled_at'"
        return {
            name: [row[0] for row in self.here.rows(f"SELECT (to_jsonb({name}) {hidden})::text FROM {name} ORDER BY 1")]
            for name in TABLES
        }


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    """`--inline` sets up the process's logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def avain(
    database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_put_back: None
) -> Iterator[Avain]:
    exports = tmp_path / "exports"
    exports.mkdir()
    config = tmp_path / "avain.toml"
    config.write_text(f'[sources.cases.lifecare]\npath = "{exports}/*.xml"\nmax_rejected = 0.5\nmax_gone = 0.5\n')
    monkeypatch.setenv("AVAIN_CONFIG", str(config))
    monkeypatch.setattr(workers.queue, "publish", lambda _rows: 0)
    with in_process(database, tmp_path / "home", monkeypatch) as here, speaking("en"):
        with here.transaction() as session:
            for number in ("W-101", "W-102", "W-103"):
                make_worker(session, external_id=number)
            make_unit(session, code="U-1")
            services = [
                make_service(session, code=code)
                for code in ("PERHETYO", "ADHD-VALMENNUS", "NEPSY-VALMENNUS", "TUKIHENKILO", "MUSIIKKIPAJA", "NEPSY")
            ]
            make_provider(session, name="Tukipolku Oy (keksitty)", business_id="9999994-1", services=services)
            make_provider(session, name="Tukiranka Oy (keksitty)", business_id="9999993-3")
        shutil.copy(DEMO, exports)
        os.utime(exports / DEMO.name, (0, 0))
        yield Avain(here, exports)


def test_run_inline_reads_the_demo_and_says_so_in_figures(avain: Avain) -> None:
    result = avain.run("source", "run", "lifecare", "--inline", "--json")
    assert result.exit_code == 3, "one record is rejected"
    said = json.loads(result.stdout)
    assert {name: said[name] for name in ("source", "state", "read", "added", "changed", "unchanged", "gone", "rejected")} == {
        "source": "lifecare", "state": "partly", "read": 5, "added": 4, "changed": 0, "unchanged": 0, "gone": 0, "rejected": 1,
    }  # fmt: skip
    assert said["run"] == avain.value("SELECT max(id) FROM run WHERE kind = 'sync_cases'")
    assert said["seconds"] > 0
    assert not [path for path in (avain.exports.parent / "home/spool").rglob("*") if path.is_file()], (
        "the spool is empty again"
    )
    (group,) = avain.json("rejected", "list")
    assert (group["position"], group["external_id"], group["field"]) == ("85", "LC-1005", "plan_items")
    assert "ends (2026-12-01) before it starts (2027-02-28)" in group["reason"]


def test_run_says_it_to_people_too(avain: Avain) -> None:
    said = avain.run("source", "run", "lifecare", "--inline").output
    assert "lifecare done in part: read 5, added 4" in said
    assert "avain rejected list" in said
    assert "Rejected records" in avain.run("rejected", "list").output
    for command in (("source", "list"), ("source", "history", "lifecare"), ("case", "list")):
        assert avain.run(*command).exit_code == 0
    assert "sync_cases" in [one["kind"] for one in avain.json("source", "history", "lifecare")]
    assert avain.json("source", "list")[0]["outcome"] == "partly"


def test_run_inline_tells_no_worker_of_its_steps(avain: Avain, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(workers.queue, "publish", lambda rows: told.extend(kind for _, kind, _ in rows))
    assert avain.run("source", "run", "lifecare", "--inline").exit_code == 3
    assert not {"fetch_cases", "sync_cases"} & set(told)
    with pytest.raises(Transient):
        avain.run("source", "run", "lifecare", "--patience", "1")
    assert "fetch_cases" in told


def test_seconds_are_those_of_all_steps_and_a_refused_file_changed_nothing(
    avain: Avain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(kind: str, outcome: str, seconds: float, counts: dict[str, int]) -> Step:
        return Step(1, kind, True, False, False, 1, outcome, counts, None, None, seconds)

    counts = {"read": 9, "added": 3, "gone": 2, "rejected": 4}
    steps = [step("fetch_cases", "succeeded", 1.5, {}), step("sync_cases", "refused", 40, counts)]
    monkeypatch.setattr("services.sources.progress", lambda *_: steps)
    said = avain.json("source", "run", "lifecare")
    assert said["seconds"] == 41.5
    assert [said[name] for name in ("read", "added", "gone", "rejected")] == [9, 0, 0, 4]


def test_who_waits_for_a_source_that_is_down_is_told_so(avain: Avain, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again for days: nobody shall sit there for it, wondering."""
    away = Step(1, "fetch_cases", False, False, False, 1, "retry", {}, Message("The server is away."), None, 1.0)
    monkeypatch.setattr("services.sources.progress", lambda *_: [away])
    asked = ["run", "lifecare", "--patience", "1"]
    said, quiet = (CliRunner().invoke(source.app, arguments) for arguments in (asked, [*asked, "--json"]))
    assert " ".join(said.output.split()).count("The server is away. It is tried again by itself.") == 1
    assert "The server is away" not in quiet.output
    assert isinstance(said.exception, Transient)
    assert isinstance(quiet.exception, Transient)


def test_run_without_a_worker_says_what_to_do(avain: Avain) -> None:
    with pytest.raises(Transient, match="avain up"):
        avain.run("source", "run", "lifecare", "--patience", "1")


@pytest.mark.parametrize(
    ("content", "state", "words"),
    [
        (b"<cases xmlns='urn:avain:cases:1'><case>", "refused", "cases.xml"),
        (b"Kirjaudu", "refused", "put right at the source: avain source run lifecare"),
        (export(case_xml("A", status="asleep")), "held", "1 of 1 records were rejected"),
    ],
)
def test_run_ends_with_one_when_nothing_was_applied(avain: Avain, content: bytes, state: str, words: str) -> None:
    for old in avain.exports.iterdir():
        old.unlink()
    avain.put(content)
    result = avain.run("source", "run", "lifecare", "--inline")
    assert result.exit_code == 1
    assert words in result.output
    assert avain.value("SELECT outcome FROM run ORDER BY id DESC LIMIT 1") == state
    assert avain.value("SELECT count(*) FROM client_case") == 0


def hold_lane(avain: Avain, lease_seconds: int) -> None:
    avain.here.rows(
        """
        INSERT INTO work (kind, key, queue, arguments, lane, token, lease_until, deadline, claimed_generation)
        SELECT 'sync_cases', 'another', 'sync', '{"source": "lifecare"}', 'source:lifecare', gen_random_uuid(), at, at, 1
        FROM (SELECT clock_timestamp() + make_interval(secs => :seconds) AS at) AS until RETURNING id
        """,
        seconds=lease_seconds,
    )


def test_run_inline_waits_for_a_busy_source_no_longer_than_its_patience(
    avain: Avain, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_lane(avain, 3600)
    tried: list[object] = []
    really = workers.inline.do_now

    def counting(*work: Any) -> Any:
        tried.append(work)
        return really(*work)

    monkeypatch.setattr(workers.inline, "do_now", counting)
    with pytest.raises(Transient, match="another run holds the source"):
        avain.run("source", "run", "lifecare", "--inline", "--patience", "1")
    assert 1 < len(tried) < 10, "it looks now and then"


def test_run_inline_frees_what_a_dead_process_holds(avain: Avain) -> None:
    hold_lane(avain, -1)
    assert avain.run("source", "run", "lifecare", "--inline", "--patience", "60").exit_code == 3
    assert avain.value("SELECT count(*) FROM client_case") == 4


def test_who_called_for_a_run_or_a_retry_is_recorded(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline", "--as", "anna")
    (group,) = avain.json("rejected", "list")
    avain.run("rejected", "retry", str(group["id"]), "--inline", "--as", "olli")
    avain.run("rejected", "discard", str(avain.json("rejected", "list")[0]["id"]), "--note", "seen", "--as", "olli")
    assert [
        tuple(row) for row in avain.here.rows("SELECT actor, action, subject FROM audit_event ORDER BY id")
    ] == [
        ("cli:anna", "source.run_called", "source:lifecare"),
        ("cli:olli", "rejected.retried", f"rejected:{group['id']}"),
        ("cli:olli", "source.run_called", "source:lifecare"),
        ("cli:olli", "rejected.discarded", f"rejected:{group['id'] + 1}"),
    ]  # fmt: skip


def test_run_without_files_has_nothing_to_do(avain: Avain) -> None:
    for old in avain.exports.iterdir():
        old.unlink()
    assert avain.run("source", "run", "lifecare", "--inline").exit_code == 0
    assert avain.value("SELECT outcome FROM run") == "nothing_to_do"


def test_plan_shows_what_would_change_and_changes_nothing(avain: Avain) -> None:
    result = avain.run("source", "plan", "lifecare", "--json")
    assert result.exit_code == 4
    said = json.loads(result.stdout)
    assert (said["added"], said["rejected"], len(said["rejections"])) == (4, 1, 1)
    assert "✗ 1 × planned service: The planned service ends" in avain.run("source", "plan", "lifecare").output
    assert avain.value("SELECT count(*) FROM client_case") == 0
    assert avain.here.rows("SELECT DISTINCT kind FROM work")[0].kind == "look_at_source", "and nothing is called for"
    avain.run("source", "run", "lifecare", "--inline")
    again = avain.run("source", "plan", "lifecare")
    assert again.exit_code == 0, "nothing is left to change"
    assert "✗ 1 × planned service: The planned service ends" in again.output, (
        "what is still wrong is told, though it was met before"
    )
    avain.put(b"<no/>")
    assert avain.run("source", "plan", "lifecare").exit_code == 1


def test_an_unknown_source_is_named_with_what_there_is(avain: Avain) -> None:
    with pytest.raises(NotFound, match=r"There is no source lifecaer\. Configured are: lifecare"):
        avain.run("source", "run", "lifecaer")


def test_a_case_is_shown_and_looking_is_recorded(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline")
    assert [one["number"] for one in avain.json("case", "list", "--worker", "W-101")] == [
        "HB-2026-000001",
        "HB-2026-000004",
    ]
    shown = avain.json("case", "show", "HB-2026-000004", "--as", "W-101")
    assert (shown["kykyviisari_date"], shown["decisions"][0]["granted_amount"]) == ("2026-10-20", "900.00")
    assert (shown["items"][0]["name"], shown["items"][0]["last"]) == ("HB-2026-000004/I-1", "2027-02-28")
    assert "20 hours" in avain.run("case", "show", "HB-2026-000004").output
    assert (
        avain.value("SELECT count(*) FROM audit_event WHERE action = 'case.viewed' AND subject = 'case:HB-2026-000004'")
        == 2
    )
    with pytest.raises(NotFound):
        avain.run("case", "show", "HB-2026-999999")


def test_a_provider_is_chosen_by_its_name(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline")
    chosen = ("case", "choose", "HB-2026-000003", "--provider", "tukipolku", "--by", "child", "--as", "W-103")
    assert avain.run(*chosen, "--dry-run").exit_code == 0
    assert avain.value("SELECT count(*) FROM choice") == 0
    made = avain.json(*chosen)
    assert (made["item"], made["provider"], made["actor"]) == (
        "HB-2026-000003/I-1",
        "Tukipolku Oy (keksitty)",
        "cli:W-103",
    )
    assert avain.json("case", "show", "HB-2026-000003")["items"][0]["chosen_by"] == "child"
    for provider, error in (("tuki", InputError), ("nobody", NotFound)):
        with pytest.raises(error):
            avain.run("case", "choose", "HB-2026-000003", "--provider", provider, "--by", "child")
    with pytest.raises(NotFound):
        avain.run("case", "choose", "HB-2026-000003/I-9", "--provider", "tukipolku", "--by", "child")


def test_a_rejected_record_is_shown_discarded_and_retried(avain: Avain) -> None:
    avain.run("source", "run", "lifecare", "--inline")
    (group,) = avain.json("rejected", "list", "--source", "lifecare")
    (member,) = avain.json("rejected", "show", str(group["id"]))
    assert member["position"] == "85"
    assert avain.run("rejected", "show", str(group["id"])).exit_code == 0
    with pytest.raises(InputError):
        avain.run("rejected", "discard", str(group["id"]), "--note", " ")
    assert avain.run("rejected", "discard", str(group["id"]), "--note", "tested", "--dry-run").exit_code == 0
    assert len(avain.json("rejected", "list")) == 1
    assert avain.run("rejected", "discard", str(group["id"]), "--note", "tested", "--group").exit_code == 0
    assert avain.json("rejected", "list") == []
    with pytest.raises(NotFound):
        avain.run("rejected", "discard", str(group["id"]), "--note", "again")
    with pytest.raises(NotFound):
        avain.run("rejected", "show", "999999")
    assert avain.run("rejected", "retry", str(group["id"]), "--inline").exit_code == 3
    assert len(avain.json("rejected", "list")) == 1, "still wrong, so recorded anew"


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
