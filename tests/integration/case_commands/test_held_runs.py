"""A held run of cases: approved exactly as it was read, discarded, or overtaken by a later one."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.database import transaction
from core.embedded import Embedded
from core.errors import InputError, NotFound, Transient
from core.identity import KeyRing, Sealer
from core.settings import settings
from services.case_sync.approving import approve_run
from services.sealing.indexing import index_anew
from tests.support.case_commands import Avain
from tests.support.case_world import NOW
from tests.support.case_xml import case, export

APPROVE, DISCARD = ("source", "approve"), ("source", "discard")
FOUR = [case(name) for name in "ABCD"]


def read(avain: Avain, *cases: str) -> dict[str, Any]:
    """Read an export of these cases alone."""
    for old in avain.exports.iterdir():
        old.unlink()
    avain.put(export(*cases))
    said: dict[str, Any] = json.loads(avain.run("source", "run", "lifecare", "--inline", "--json").stdout)
    return said


@pytest.fixture
def held(avain: Avain) -> str:
    """Four cases are known; a run waits in which three are gone, one is new and changed, and one is rejected."""
    assert read(avain, *FOUR)["added"] == 4
    said = read(avain, case("A", status="closed"), case("E"), case("F"), case("F"), case("G", worker="W-9"))
    assert (said["state"], said["gone"], said["rejected"]) == ("held", 3, 2)
    return str(said["run"])


def state(avain: Avain) -> list[tuple[str, str, bool]]:
    rows = avain.here.rows("SELECT external_id, status, gone_at IS NOT NULL FROM client_case ORDER BY external_id")
    return [tuple(row) for row in rows]


BEFORE = [(name, "open", False) for name in "ABCD"]


def test_an_approved_run_applies_exactly_what_it_staged(avain: Avain, held: str) -> None:
    for old in avain.exports.iterdir():
        old.unlink()  # the source has moved on: it is not asked
    word = (*APPROVE, held, "--note", "unit moved", "--as", "anna")
    assert avain.run(*word, "--dry-run").exit_code == 0
    assert state(avain) == BEFORE
    done = avain.json(*word)
    assert {name: done[name] for name in ("state", "read", "added", "changed", "gone", "rejected")} == {
        "state": "applied", "read": 5, "added": 2, "changed": 1, "gone": 3, "rejected": 2,
    }  # fmt: skip
    assert state(avain) == [
        ("A", "closed", False), ("B", "open", True), ("C", "open", True), ("D", "open", True), ("E", "open", False), ("F", "open", False),
    ]  # fmt: skip
    assert avain.value("SELECT count(*) FROM case_staging") == 0
    assert sum(group["count"] for group in avain.json("rejected", "list")) == 2, "not recorded a second time"
    event = avain.here.rows("SELECT actor, subject, reason FROM audit_event WHERE action = 'case_run.approved'")
    assert [tuple(row) for row in event] == [("cli:anna", f"run:{held}", "unit moved")]
    assert avain.json("source", "history", "lifecare")[0]["outcome"] == "partly"
    assert (
        avain.value("SELECT count(*) FROM work WHERE token IS NOT NULL OR kind = 'sync_cases' AND done_at IS NULL") == 0
    )
    for again in (word, (*DISCARD, held, "--note", "no")):
        with pytest.raises(InputError, match="does not wait any more"):
            avain.run(*again)


def test_while_a_held_run_is_applied_no_index_is_made_anew(avain: Avain, held: str) -> None:
    """What it staged has indexes of the key that was in force: they must not come in after the others have changed (docs/keys.md)."""
    newer = Sealer(KeyRing("k", {"k": b"s" * 32}), b"n" * 32, b"o" * 32)
    with transaction() as applying:
        approve_run(applying, int(held), "cli:anna", "yes", settings(), now=NOW)
        with pytest.raises(Transient, match="just being read"), transaction() as session:
            index_anew(session, newer, patience="100ms")


def test_a_discarded_run_changes_nothing(avain: Avain, held: str) -> None:
    word = (*DISCARD, held, "--note", "half an export", "--as", "anna")
    assert avain.run(*word, "--dry-run").exit_code == 0
    assert avain.json(*word)["state"] == "discarded"
    assert state(avain) == BEFORE
    assert avain.value("SELECT count(*) FROM case_staging") == 0
    assert avain.value("SELECT count(*) FROM audit_event WHERE action = 'case_run.discarded'") == 1
    with pytest.raises(InputError, match="does not wait any more"):
        avain.run(*APPROVE, held, "--note", "yes")


def test_an_applied_later_run_overtakes_it(avain: Avain, held: str) -> None:
    assert read(avain, *FOUR)["state"] == "succeeded"
    with pytest.raises(InputError, match="a later run took its place"):
        avain.run(*APPROVE, held, "--note", "yes")


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE client_case SET synced_run_id = (SELECT max(id) FROM run) WHERE external_id = 'B'",
        "UPDATE client_case SET gone_at = now() WHERE external_id = 'C'",
        "UPDATE worker SET external_id = 'W-777' WHERE external_id = 'W-101'",
        "DELETE FROM case_staging WHERE external_id = 'E'",
    ],
    ids=["a later run wrote a case", "a case went", "a code is not known any more", "a staged record is gone"],
)
def test_it_is_refused_when_something_else_would_be_done(avain: Avain, held: str, meanwhile: str) -> None:
    read(avain, case("Z", worker="W-9"))  # a later run, held too
    before = state(avain)
    avain.here.rows(f"WITH done AS ({meanwhile} RETURNING 1) SELECT count(*) FROM done")
    changed = state(avain)
    with pytest.raises(InputError, match="is not what it was held for"):
        avain.run(*APPROVE, held, "--note", "yes")
    assert state(avain) == changed
    assert before == BEFORE


def test_what_cannot_be_decided_says_why(avain: Avain, held: str) -> None:
    applied = str(avain.value("SELECT min(id) FROM run WHERE kind = 'sync_cases'"))
    for run, note, error, words in (
        (held, " ", InputError, "A note is needed"),
        (applied, "yes", InputError, "was not held"),
        ("999999", "yes", NotFound, "no run"),
    ):
        for word in (APPROVE, DISCARD):
            with pytest.raises(error, match=words):
                avain.run(*word, run, "--note", note)
    avain.here.rows("UPDATE work SET token = gen_random_uuid(), lease_until = now(), done_at = NULL WHERE id = (SELECT min(id) FROM work) RETURNING id")  # fmt: skip
    with pytest.raises(InputError, match="is being read right now"):
        avain.run(*APPROVE, held, "--note", "yes")
    assert state(avain) == BEFORE


def test_a_person_is_told_how_to_approve(avain: Avain, held: str) -> None:
    assert "avain source approve" in avain.run("source", "run", "lifecare", "--inline").output


def test_a_source_that_is_not_configured_any_more(avain: Avain, held: str, tmp_path: Path, database: Embedded) -> None:
    (tmp_path / "avain.toml").write_text("")
    avain.here.configure()
    with pytest.raises(InputError, match="not configured any more"):
        avain.run(*APPROVE, held, "--note", "yes")
