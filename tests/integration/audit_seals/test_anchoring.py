"""The file outside the database: written after the seals, forced to disk; lost, shortened or changed, it is found; a process that dies leaves
what can be verified.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, Permanent, Transient
from services.audit_seals.anchoring import anchor_anew, anchors, ends_as_noted
from tests.support.audit_trail import NOW, Trail
from tests.support.in_process import InProcess
from workers.tasks.audit import seal


@pytest.fixture
def anchored(trail: Trail) -> Trail:
    """Three anchors."""
    for _ in range(3):
        trail.say(2)
        trail.seal()
    return trail


def complaint(trail: Trail) -> str:
    found = trail.check().broken
    assert found is not None
    assert found.kind == "anchor"
    return found.message.text()


def test_an_anchor_is_a_line_of_json_and_nothing_is_written_twice(anchored):
    lines = [json.loads(line) for line in anchored.file.read_text("ascii").splitlines()]
    assert [(one["anchor"], one["position"]) for one in lines] == [(1, 2), (2, 4), (3, 6)]
    assert lines[2]["hash"] == anchored.value("SELECT encode(hash, 'hex') FROM audit_seal WHERE position = 6")
    assert anchored.anchor() == 0
    assert anchored.file.stat().st_mode & 0o777 == 0o640


def test_a_lost_file_is_found_and_not_begun_anew_by_itself(anchored):
    anchored.file.unlink()
    assert "is missing; 3 anchors" in complaint(anchored)
    anchored.say()
    with pytest.raises(Permanent, match="anchor-anew"):
        anchored.seal()
    assert not anchored.file.exists()


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (slice(0, 2), "was shortened: it ends with anchor 2, but 3"),
        (slice(1, 3), "Anchor 1 is missing"),
        (slice(0, 3, 2), "Anchor 2 is missing"),
    ],
)
def test_a_shortened_file_is_found(anchored, lines, says):
    kept = anchored.file.read_text("ascii").splitlines(keepends=True)
    anchored.file.write_text("".join(kept[lines]), "ascii")
    assert says in complaint(anchored)


def test_a_changed_anchor_is_found(anchored):
    whole = anchored.file.read_text("ascii")
    lines = whole.splitlines(keepends=True)
    anchored.file.write_text(lines[0] + "no anchor\n" + lines[2], "ascii")
    assert "Anchor 2 is missing" in complaint(anchored)
    changed = json.loads(lines[1])
    changed["hash"] = "00" * 32
    anchored.file.write_text(lines[0] + json.dumps(changed) + "\n" + lines[2], "ascii")
    assert "anchor 2 of" in complaint(anchored)


@pytest.mark.parametrize("rest", ["", '{"anchor": 4, "mon', "{}"])
def test_half_a_line_of_a_process_that_died_is_passed_over(anchored, rest):
    with anchored.file.open("a") as file:
        file.write(rest)
    assert anchored.check().broken is None
    anchored.say()
    anchored.seal()
    found = anchored.check()
    assert (found.broken, found.anchors) == (None, 4)
    assert [one.number for one in anchors(anchored.file)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("point", "anchors_after"), [("audit.sealed", 1), ("audit.anchoring", 1), ("audit.anchored", 2)]
)
def test_a_sealer_that_is_killed_leaves_what_can_be_verified(here: InProcess, tmp_path: Path, point, anchors_after):
    from services import audit
    from services.work import call
    from tests.support.audit_trail import Trail

    file = tmp_path / "audit-anchors.jsonl"

    def again() -> int:
        with here.transaction() as session:
            audit.record(session, "worker:W-1", "case.viewed", "case:HB-2026-000001", now=NOW)
            number = session.execute(text("SELECT count(*) FROM work")).scalar_one()
            called = call(session, "seal_audit", f"seal_audit@{number}")
        assert called is not None
        return called

    from core.database import engine

    trail = Trail(file, engine(), engine())
    again()
    assert here.do_due("seal_audit", seal) == 1
    here.die_doing(again(), "workers.tasks.audit.seal", point)
    found = trail.check()
    assert found.broken is None
    assert found.events + found.waiting == 2
    assert len(list(anchors(file))) == anchors_after
    assert here.do_due("seal_audit", seal) == 1
    found = trail.check()
    assert (found.broken, found.events, found.waiting, found.not_anchored) == (None, 2, 0, 0)
    assert [one.number for one in anchors(file)] == [1, 2]
    assert [one.position for one in anchors(file)] == [1, 2]


def test_after_a_restore_the_anchors_begin_anew_and_that_is_recorded(anchored):
    """Yesterday's copy of the database knows nothing of the last seals: the file is ahead, until a person says why."""
    anchored.tamper(
        "DELETE FROM audit_event WHERE id IN (SELECT event_id FROM audit_seal WHERE position > 4)",
        "DELETE FROM audit_seal WHERE position > 4",
        "UPDATE audit_sealing SET anchors = 2, anchored_position = 4, snapshot = NULL",
    )
    found = anchored.check().broken
    assert found is not None
    assert (found.kind, found.position) == ("missing", 6)
    anchored.say(3)
    with pytest.raises(Permanent, match="ends with anchor 3, but 2"):
        anchored.seal()
    with Session(anchored.app) as session, session.begin(), pytest.raises(InputError, match="why"):
        anchor_anew(session, anchored.file, actor="cli:anna", reason=" ", moment=NOW)
    with Session(anchored.app) as session, session.begin():
        begun = anchor_anew(
            session, anchored.file, actor="cli:anna", reason="restored from the copy of Sunday", moment=NOW
        )
    assert begun.number == 4
    anchored.seal()
    found_now = anchored.check()
    assert (found_now.broken, found_now.anchors, found_now.anchored_anew) == (None, 2, NOW.isoformat())
    assert (
        anchored.value("SELECT reason FROM audit_event WHERE action = 'audit.anchored_anew'")
        == "restored from the copy of Sunday"
    )
    # a line that says so, and nobody recorded it, is not believed
    lines = anchored.file.read_text("ascii").splitlines()
    forged = {**json.loads(lines[-1]), "anchor": 6, "anew": True}
    anchored.file.write_text("\n".join([*lines, json.dumps(forged)]) + "\n", "ascii")
    assert "nobody recorded" in complaint(anchored)


def test_nothing_sealed_is_nothing_to_anchor_anew(trail):
    with Session(trail.app) as session, session.begin(), pytest.raises(InputError, match="Nothing was sealed"):
        anchor_anew(session, trail.file, actor="cli:anna", reason="x", moment=NOW)


def test_a_file_that_cannot_be_written_is_tried_again(trail):
    trail.file.mkdir()
    trail.say()
    with pytest.raises((Transient, IsADirectoryError)):
        trail.seal()
    trail.file.rmdir()
    assert trail.anchor() == 1
    assert trail.check().broken is None


def test_whether_the_file_ends_where_the_database_says(anchored):
    """What a restore asks: is one of them older than the other?"""

    def ends() -> bool:
        with Session(anchored.app) as session:
            return ends_as_noted(session, anchored.file)

    assert ends()
    whole = anchored.file.read_text("ascii").splitlines(keepends=True)
    anchored.file.write_text("".join(whole[:2]), "ascii")
    assert not ends()
    anchored.file.unlink()
    assert not ends()


def test_years_of_anchors_are_compared_month_by_month(trail):
    for month in (7, 8, 9):
        trail.say_old(datetime(2026, month, 2, tzinfo=UTC), 3)
        trail.seal()
    found = trail.check(first=datetime(2026, 8, 1, tzinfo=UTC).date(), last=datetime(2026, 8, 1, tzinfo=UTC).date())
    assert (found.broken, found.events, found.anchors) == (None, 3, 1)
