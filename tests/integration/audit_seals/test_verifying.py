"""Whatever is done to a sealed row is found and named; what nobody did is never reported."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from services import audit
from tests.support.audit_trail import NOW, Trail

#: What an intruder writes, in SQL, by the column of an event.
EVENT = {
    "recorded_at": ["recorded_at + interval '1 microsecond'", "'infinity'", "recorded_at - interval '40 days'"],
    "business_at": ["business_at + interval '1 hour'", "'-infinity'"],
    "actor": ["actor || ' '", "''", "'worker:W-2'"],
    "action": ["'case.compared'", "action || '\"'"],
    "subject": ["'case:HB-2026-999999'", "upper(subject) || 'x'"],
    "reason": ["reason || chr(8203)", "''"],
    "details": ["'{}'", "jsonb_set(details, '{hours}', '1.250')", "details || '{\"who\": \"null\"}'", "details - ''", "to_jsonb(details::text)"],
    "xid": ["xid + 1", "3"],
    "purged_by": ["1", "id", "9999999"],
    "id": ["id + 100000"],
}  # fmt: skip
SEAL = {
    "salt": ["NULL", "salt || '\\x00'", "sha256(salt)"],
    "payload_sha256": ["sha256(payload_sha256)", "''"],
    "hash": ["sha256(hash)", "''"],
    "event_id": ["event_id + 100000"],
    "position": ["position + 100000"],
    "month": ["'infinity'", "'-infinity'", "(month - interval '1 month')::date", "(month + interval '1 month')::date"],
}
ROWS = 12
TAMPERED = st.one_of(
    st.tuples(st.just("audit_event"), st.sampled_from([(column, to) for column, all_ in EVENT.items() for to in all_])),
    st.tuples(st.just("audit_seal"), st.sampled_from([(column, to) for column, all_ in SEAL.items() for to in all_])),
)


@pytest.fixture
def sealed(trail: Trail) -> Trail:
    """Twelve sealed events: some of last year, anchored in three goes."""
    trail.say_old(datetime(2025, 3, 31, 20, 0, tzinfo=UTC), 3)
    trail.seal()
    trail.say(5)
    trail.seal()
    trail.say(ROWS - 8)
    trail.seal()
    return trail


@given(TAMPERED, st.integers(1, ROWS), st.sampled_from([1, 5, 1000]))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_a_sealed_row_is_found_and_named(sealed, tampered, row, batch):
    table, (column, to) = tampered
    with sealed.intruder() as connection:
        event = connection.execute(
            text("SELECT event_id FROM audit_seal ORDER BY month, position OFFSET :row LIMIT 1"), {"row": row - 1}
        ).scalar_one()
        key = "id" if table == "audit_event" else "event_id"
        was = connection.execute(
            text(f"SELECT {column}::text, ({to})::text FROM {table} WHERE {key} = :event"), {"event": event}
        ).one()
        connection.execute(text(f"UPDATE {table} SET {column} = {to} WHERE {key} = :event"), {"event": event})
        found = sealed.check(connection, batch=batch)
    if was[0] == was[1]:
        assert found.broken is None
        return
    assert found.broken is not None, (table, column, to)
    assert found.events <= row, "the first broken row, not a later one"
    if (table, column) not in {("audit_seal", "position"), ("audit_seal", "month"), ("audit_seal", "event_id")}:
        assert found.broken.event_id == event, (found.broken.message.text(), column, to)
        assert found.events == row - 1
    if table == "audit_event" and column not in {"id", "purged_by"} and batch > 1:
        assert found.broken.kind == "changed"
    assert sealed.check().broken is None  # it was all undone


@given(st.integers(1, ROWS), st.sampled_from(["event", "seal", "both"]), st.sampled_from([1, 1000]))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_removed_is_missed(sealed, row, what, batch):
    with sealed.intruder() as connection:
        event = connection.execute(
            text("SELECT event_id FROM audit_seal ORDER BY month, position OFFSET :row LIMIT 1"), {"row": row - 1}
        ).scalar_one()
        if what in ("event", "both"):
            connection.execute(text("DELETE FROM audit_event WHERE id = :event"), {"event": event})
        if what in ("seal", "both"):
            connection.execute(text("DELETE FROM audit_seal WHERE event_id = :event"), {"event": event})
        found = sealed.check(connection, batch=batch)
    assert found.broken is not None
    assert found.broken.kind == "missing"
    assert found.events <= row


def broken(trail: Trail, **how: Any) -> Any:
    found = trail.check(**how).broken
    assert found is not None
    return found


INSERT = """
    INSERT INTO audit_event (business_at, actor, action, subject, reason, details, xid)
    SELECT business_at, 'worker:W-9', action, subject, '', '{}', xid FROM audit_event ORDER BY id LIMIT 1
"""


def test_an_event_slipped_in_under_an_old_transaction_is_found(sealed):
    sealed.tamper(INSERT)
    event = sealed.value("SELECT max(id) FROM audit_event")
    assert sealed.seal() == 0
    found = broken(sealed)
    assert (found.kind, found.event_id) == ("inserted", event)
    assert str(event) in found.message.text()
    assert broken(sealed, first=datetime(2026, 11, 1, tzinfo=UTC).date()).kind == "inserted"
    assert sealed.check(first=datetime(2025, 3, 1).date(), last=datetime(2025, 3, 1).date()).broken is None  # noqa: DTZ001


def test_two_events_that_changed_places_are_out_of_order(sealed):
    sealed.tamper(
        "UPDATE audit_seal SET position = -position WHERE month > '2026-01-01' AND position IN (3, 4)",
        "UPDATE audit_seal SET position = 7 + position WHERE position < 0",
    )
    found = broken(sealed)
    assert (found.kind, found.position) == ("order", 3)


def test_who_writes_the_whole_database_anew_is_found_by_the_anchors(sealed):
    """The intruder knows the form, has every right and seals everything again: the chain holds, the file outside says otherwise."""
    kept = sealed.file.read_bytes()
    sealed.tamper(
        "UPDATE audit_event SET actor = 'worker:W-9' WHERE id = (SELECT max(id) FROM audit_event)",
        "TRUNCATE audit_seal",
        "UPDATE audit_sealing SET snapshot = NULL, anchors = 0, anchored_month = NULL, anchored_position = NULL",
    )
    sealed.file.unlink()
    sealed.seal()
    assert sealed.check().broken is None  # to whom can write the file as well there is only its copy elsewhere
    sealed.file.write_bytes(kept)
    found = broken(sealed)
    assert found.kind == "anchor"
    sealed.tamper("TRUNCATE audit_seal", "TRUNCATE audit_event")
    found = broken(sealed)
    assert (found.kind, found.position) == ("missing", 3)


def test_the_end_of_the_trail_cannot_be_cut_off(sealed):
    sealed.tamper(
        "DELETE FROM audit_event WHERE id IN (SELECT max(id) FROM audit_event)",
        "DELETE FROM audit_seal WHERE event_id NOT IN (SELECT id FROM audit_event)",
    )
    assert broken(sealed).kind == "missing"
    assert broken(sealed, first=datetime(2026, 11, 1, tzinfo=UTC).date()).kind == "missing"


def test_without_the_row_that_says_how_far_nothing_is_called_whole(sealed):
    sealed.tamper("DELETE FROM audit_sealing")
    assert broken(sealed).kind == "state"


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_nobody_did_is_never_reported(trail, data):
    """Whoever writes, holds back, commits late, seals with or without an anchor: whenever somebody looks, all is well."""
    open_: list[Session] = []
    try:
        for _ in range(data.draw(st.integers(3, 10))):
            act = data.draw(st.sampled_from(["say", "begin", "commit", "roll back", "seal", "seal and die", "look"]))
            if act == "say":
                trail.say(data.draw(st.integers(1, 3)))
            elif act == "begin":
                open_.append(Session(trail.app))
                trail.say(1, open_[-1])
            elif act in ("commit", "roll back") and open_:
                one = open_.pop(data.draw(st.integers(0, len(open_) - 1)))
                one.commit() if act == "commit" else one.rollback()
                one.close()
            elif act.startswith("seal"):
                trail.seal(batch=data.draw(st.integers(1, 4)), anchored=act == "seal")
            found = trail.check(batch=data.draw(st.integers(1, 5)))
            assert found.broken is None, found.broken.message.text()
            assert found.events + found.waiting == trail.value("SELECT count(*) FROM audit_event")
    finally:
        for one in open_:
            one.close()
    trail.seal()
    assert trail.check().waiting == 0


def test_purging_keeps_the_chain_whole(trail):
    old = datetime(2012, 5, 1, tzinfo=UTC)
    trail.say_old(old, 4)
    trail.say_old(datetime(2016, 5, 1, tzinfo=UTC), 2)
    trail.say(2)
    trail.seal()
    hashes = trail.value("SELECT array_agg(hash ORDER BY month, position) FROM audit_seal")
    record = trail.purge(datetime(2014, 1, 1, tzinfo=UTC).date())
    found = trail.check()
    assert (found.broken, found.events, found.purged, found.waiting) == (None, 8, 4, 1)
    with trail.app.connect() as connection:
        rows = connection.execute(
            text("SELECT * FROM audit_event WHERE purged_by = :record ORDER BY id"), {"record": record}
        ).all()
    assert len(rows) == 4
    assert {(row.actor, row.subject, row.reason, row.action) for row in rows} == {("", "", "", "case.viewed")}
    assert trail.value("SELECT array_agg(hash ORDER BY month, position) FROM audit_seal") == hashes
    assert trail.value("SELECT count(*) FROM audit_seal WHERE salt IS NULL") == 4
    trail.seal()
    assert trail.check().broken is None
    # what records a purge is itself never purged
    with trail.owner.begin() as connection:
        assert connection.execute(text("SELECT audit_purge(clock_timestamp() - interval '3 years', 1)")).scalar() == 2
    assert broken(trail).kind == "purge"


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE audit_event SET actor = '', subject = '', reason = '', details = '{}', purged_by = :record WHERE id = (SELECT max(id) - 1 FROM audit_event)", "changed"),
        ("UPDATE audit_event SET purged_by = NULL WHERE purged_by = :record", "changed"),
        ("UPDATE audit_event SET subject = 'case:HB-1' WHERE purged_by = :record", "changed"),
        ("UPDATE audit_event SET purged_by = 1 WHERE purged_by = :record", "purge"),
        ("DELETE FROM audit_event WHERE id = :record", "missing"),
    ],
)  # fmt: skip
def test_a_purge_that_nobody_recorded_is_found(trail, statement, kind):
    trail.say_old(datetime(2012, 5, 1, tzinfo=UTC), 2)
    trail.say(2)
    trail.seal()
    record = trail.purge(datetime(2014, 1, 1, tzinfo=UTC).date())
    trail.seal()
    trail.tamper(statement, record=record)
    found = broken(trail)
    assert found.kind == kind or (kind == "missing" and found.kind == "purge")


def test_what_is_younger_than_the_record_says_was_not_purged_by_it(trail):
    """An intruder empties more than was recorded, salt and all, under a record that is there."""
    trail.say_old(datetime(2012, 5, 1, tzinfo=UTC), 2)
    trail.say_old(datetime(2013, 5, 1, tzinfo=UTC), 1)
    trail.seal()
    record = trail.purge(datetime(2013, 1, 1, tzinfo=UTC).date())
    trail.seal()
    with trail.owner.begin() as connection:
        connection.execute(text("SELECT audit_purge('2014-01-01', :record)"), {"record": record})
    assert broken(trail).kind == "purge"


def test_a_record_does_not_cover_what_nobody_may_purge_yet(trail):
    """An intruder empties events of these days past every trigger, under a record written for it that was sealed like any other event."""
    trail.say(3)
    trail.seal()
    emptied = "actor = '', subject = '', reason = '', details = '{}'"
    with Session(trail.app) as session, session.begin():
        audit.record(
            session, "cli:anna", "audit.purged", "audit:events", now=NOW, before="2999-01-01T00:00:00+00:00", count=1
        )
    trail.seal()
    trail.tamper(
        f"UPDATE audit_event SET {emptied}, purged_by = (SELECT max(id) FROM audit_event) WHERE id = (SELECT min(id) + 1 FROM audit_event)",
        "UPDATE audit_seal SET salt = NULL WHERE event_id = (SELECT min(id) + 1 FROM audit_event)",
    )
    assert broken(trail).kind == "purge"


@pytest.mark.parametrize("column", ["id", "recorded_at", "xid"])
def test_when_something_was_recorded_the_database_alone_says(trail, column):
    """The application may record what it likes, but as of now: an event of the past would be sealed like any that came late."""
    trail.say(1)
    statement = f"""
        INSERT INTO audit_event (business_at, actor, action, subject, reason, details, {column})
        SELECT business_at, 'worker:W-9', action, subject, '', '{{}}', {column} FROM audit_event LIMIT 1
    """
    with trail.app.begin() as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text(statement))
