"""`avain source run` and `avain source plan`: what they say, and what they end with."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

import workers.inline
import workers.queue
from cli import source
from core.errors import Message, NotFound, Transient
from services.sources import Step
from tests.support.case_commands import Avain
from tests.support.case_xml import case as case_xml
from tests.support.case_xml import export


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
