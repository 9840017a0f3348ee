"""`avain audit verify`, `purge` and `anchor-anew`; the job's night; what the doctor says of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from cli.audit import app
from core import database
from core.embedded import Embedded
from core.errors import InputError, NotFound
from core.settings import settings
from services.health import Ground
from services.health.audit_trail import sealing
from services.work import call
from tests.support.audit_trail import Trail
from tests.support.in_process import InProcess
from workers.tasks.audit import check, seal


@pytest.fixture
def office(here: InProcess, database: Embedded, tmp_path: Path) -> Iterator[Trail]:
    """An installation whose sealing is a job's, with an operator who has an address."""
    from core.database import make_engine

    here.configure(database_owner_url=database.database_owner_url, mail__operator_email="yllapito@avain.test")
    trail = Trail(
        tmp_path / "audit-anchors.jsonl", make_engine(database.database_url), make_engine(database.database_owner_url)
    )
    yield trail
    trail.app.dispose()
    trail.owner.dispose()


def avain(*arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def do(here: InProcess, kind: str) -> None:
    with here.transaction() as session:
        number = session.execute(text("SELECT count(*) FROM work")).scalar_one()
        assert call(session, kind, f"{kind}@{number}")
    assert here.do_due(kind, {"seal_audit": seal, "verify_audit": check}[kind]) == 1
    assert here.rows("SELECT 1 FROM work WHERE done_at IS NULL AND kind = :kind", kind=kind) == []


def states(here: InProcess) -> list[tuple[str, str]]:
    return [(one.state, str(one.found)) for one in sealing(Ground(settings()))]


def test_a_whole_trail_a_broken_one_and_how_much_is_not_sealed_yet(here, office):
    office.say(3)
    do(here, "seal_audit")
    office.say(2)
    told = json.loads(avain("verify", "--json").stdout)
    assert (told["whole"], told["verified"], told["waiting"], told["anchors"]) == (True, 3, 2, 1)
    assert told["waiting_since"] is not None
    said = avain("verify").stdout
    assert "The audit trail is as it was sealed" in said
    month = office.value("SELECT to_char(max(month), 'YYYY-MM') FROM audit_seal")
    assert json.loads(avain("verify", "--month", month, "--json").stdout)["verified"] == 3
    with pytest.raises(NotFound, match="2019-01"):
        avain("verify", "--month", "2019-01")
    with pytest.raises(InputError, match="is not a month"):
        avain("verify", "--month", "November")

    event = office.value("SELECT event_id FROM audit_seal WHERE position = 2")
    office.tamper("UPDATE audit_event SET reason = 'other' WHERE id = :event", event=event)
    broken = avain("verify", "--json")
    assert broken.exit_code == 1
    found = json.loads(broken.stdout)
    assert (found["whole"], found["broken"]["event"], found["broken"]["kind"], found["verified"]) == (
        False,
        event,
        "changed",
        1,
    )
    assert f"Event {event} was changed" in found["broken"]["message"]
    spoken = avain("verify")
    assert spoken.exit_code == 1
    assert f"Event {event} was changed" in spoken.stderr


#: What somebody with every right in the database does to the third of six sealed rows, and what the command calls it.
_TAMPERED = {
    "a changed row": ("changed", "UPDATE audit_event SET actor = 'worker:W-9' WHERE id = :third"),
    "a removed row": ("missing", "DELETE FROM audit_event WHERE id = :third"),
    "a row removed with its seal": (
        "missing", "DELETE FROM audit_event WHERE id = :third", "DELETE FROM audit_seal WHERE event_id = :third",
    ),
    "two rows in each other's place": (
        "changed", "UPDATE audit_event SET id = -id WHERE id IN (:third, :third + 1)", "UPDATE audit_event SET id = 2 * :third + 1 + id WHERE id < 0",
    ),
    "two seals in each other's place": (
        "order", "UPDATE audit_seal SET position = -position WHERE position IN (3, 4)", "UPDATE audit_seal SET position = 7 + position WHERE position < 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("done", _TAMPERED)
def test_the_command_finds_a_changed_a_removed_and_a_reordered_row(here, office, done):
    kind, *statements = _TAMPERED[done]
    office.say(6)
    do(here, "seal_audit")
    assert avain("verify").exit_code == 0
    third = office.value("SELECT event_id FROM audit_seal WHERE position = 3")
    for statement in statements:
        office.tamper(statement, **({"third": third} if ":third" in statement else {}))
    told = avain("verify", "--json")
    found = json.loads(told.stdout)
    assert (told.exit_code, found["whole"], found["broken"]["kind"]) == (1, False, kind)
    assert found["verified"] == 2, "the first row that is not as it was sealed, not a later one"


def test_the_night_tells_the_operator_once_and_the_doctor_until_it_is_right(here, office):
    assert [state for state, _ in states(here)] == ["ok"]
    office.say(2)
    do(here, "seal_audit")
    do(here, "verify_audit")
    assert [state for state, _ in states(here)] == ["ok"]
    office.tamper("DELETE FROM audit_event WHERE id = (SELECT max(id) FROM audit_event)")
    do(here, "verify_audit")
    do(here, "verify_audit")
    (letter,) = here.rows("SELECT recipient, document FROM letter")
    assert letter.recipient == "yllapito@avain.test"
    assert "avain audit verify" in letter.document
    ((state, found),) = states(here)
    assert state == "broken"
    assert "is not in the trail any more" in found


def test_a_database_that_anchors_are_ahead_of_lets_nothing_leave(here, office):
    """A machine's snapshot that was set back: neither its name nor that of its server says so."""
    office.say(2)
    do(here, "seal_audit")
    office.tamper(
        "DELETE FROM audit_seal", "UPDATE audit_sealing SET anchors = 0, anchored_position = NULL, snapshot = NULL"
    )
    with here.transaction() as session:
        call(session, "seal_audit", "set back")
    assert here.do_due("seal_audit", seal) == 1
    assert here.rows("SELECT effects_state(), away_why ->> 'msgid' LIKE '%anchored further%' FROM effects") == [
        ("restored", True)
    ]


def test_the_doctor_says_that_sealing_or_verifying_is_late(here, office):
    office.say_old(datetime.now(UTC) - timedelta(hours=5))
    ((state, found),) = states(here)
    assert (state, found) == ("warning", "events that are not sealed: 1, the oldest for 5 h")
    do(here, "seal_audit")
    do(here, "verify_audit")
    assert [state for state, _ in states(here)] == ["ok"]
    office.tamper("UPDATE audit_sealing SET verified_at = verified_at - interval '4 days'")
    do(here, "seal_audit")
    assert [state for state, _ in states(here)] == ["warning"]
    office.tamper("DELETE FROM audit_sealing")
    assert [state for state, _ in states(here)] == ["broken"]


def test_old_payloads_are_purged_by_the_owner_and_the_chain_stays_whole(here, office):
    office.say_old(datetime(2012, 5, 1, tzinfo=UTC), 4)
    office.say(2)
    do(here, "seal_audit")
    rehearsed = json.loads(avain("purge", "--before", "2014-01-01", "--dry-run", "--json").stdout)
    assert (rehearsed["purged"], rehearsed["dry_run"], rehearsed["record"]) == (4, True, None)
    assert office.value("SELECT count(*) FROM audit_event WHERE purged_by IS NOT NULL") == 0
    purged = json.loads(
        avain("purge", "--before", "2014-01-01", "--reason", "säilytysaika", "--as", "anna", "--json").stdout
    )
    assert purged["purged"] == 4
    (record,) = here.rows("SELECT id, actor, reason, details FROM audit_event WHERE action = 'audit.purged'")
    assert (record.id, record.actor, record.reason, record.details["count"]) == (
        purged["record"],
        "cli:anna",
        "säilytysaika",
        4,
    )
    do(here, "seal_audit")
    told = json.loads(avain("verify", "--json").stdout)
    assert (told["whole"], told["verified"], told["purged"]) == (True, 7, 4)
    assert "Nothing that is old enough" in avain("purge", "--before", "2014-01-01").stdout


def test_what_must_be_kept_and_who_may_not_purge(here, office):
    office.say_old(datetime(2012, 5, 1, tzinfo=UTC))
    do(here, "seal_audit")
    with pytest.raises(InputError, match="kept for 12 years"):
        avain("purge", "--before", (datetime.now(UTC).date() - timedelta(days=300)).isoformat())
    with pytest.raises(InputError, match="is not a day"):
        avain("purge", "--before", "1.1.2014")
    here.monkeypatch.delenv("AVAIN_DATABASE_OWNER_URL")
    here.configure(audit__keep_years=3)
    database.database_owner_url.cache_clear()
    with pytest.raises(InputError, match="AVAIN_DATABASE_OWNER_URL"):
        avain("purge", "--before", "2014-01-01")
    assert office.value("SELECT count(*) FROM audit_event WHERE purged_by IS NOT NULL") == 0


def test_the_anchors_begin_anew_by_command(here, office):
    office.say(1)
    do(here, "seal_audit")
    office.file.unlink()
    assert avain("verify").exit_code == 1
    told = json.loads(avain("anchor-anew", "--reason", "levy hajosi", "--as", "anna", "--json").stdout)
    assert told["anchor"] == 2
    do(here, "seal_audit")
    told = json.loads(avain("verify", "--json").stdout)
    assert told["whole"] is True
    assert told["anchored_anew"] is not None
    assert "Anchored anew on" in avain("verify").stdout
