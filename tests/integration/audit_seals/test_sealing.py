"""Chaining what was committed: nothing twice, nothing left out, whatever is committed late; one chain a month."""

import threading
from datetime import UTC, date, datetime

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from core.settings import ROOT
from services.audit_seals.sealing import look, note, seal_some
from tests.support.audit_trail import Trail


def sealed_events(trail: Trail) -> list[int]:
    with trail.app.connect() as connection:
        return list(connection.execute(text("SELECT event_id FROM audit_seal ORDER BY month, position")).scalars())


def test_events_are_sealed_once_in_batches_of_a_transaction_each(trail):
    trail.say(7)
    assert trail.seal(batch=3) == 7
    assert trail.seal() == 0
    trail.say(2)
    assert trail.seal(batch=2) == 2
    assert sealed_events(trail) == sorted(sealed_events(trail))
    found = trail.check(batch=4)
    assert (found.broken, found.events, found.waiting, found.anchors, found.not_anchored) == (None, 9, 0, 2, 0)


def test_an_empty_trail_is_whole(trail):
    assert trail.seal() == 0
    found = trail.check()
    assert (found.broken, found.events, found.anchors) == (None, 0, 0)
    assert not trail.file.exists()


def test_what_is_committed_late_with_lower_ids_neither_breaks_nor_escapes_the_chain(trail):
    """One connection holds its transaction open over several sealings, another begins before it and writes after."""
    with Session(trail.app) as early, Session(trail.app) as late:
        late.execute(text("SELECT pg_current_xact_id()"))  # a number from before every event
        trail.say(2, early)
        trail.say(3)
        assert trail.seal() == 3
        trail.say(1, late)
        trail.say(1)
        assert trail.seal() == 1
        assert trail.seal() == 0
        found = trail.check()
        assert (found.broken, found.events, found.waiting) == (None, 4, 0)  # those of open transactions nobody can see
        early.commit()
        found = trail.check()
        assert (found.broken, found.events, found.waiting) == (None, 4, 2)
        assert found.waiting_since is not None
        assert trail.seal() == 2
        trail.say(1)
        assert trail.seal() == 1
        late.commit()
        assert trail.seal() == 1
    found = trail.check()
    assert (found.broken, found.events, found.waiting) == (None, 8, 0)
    assert sealed_events(trail) != sorted(sealed_events(trail))


def test_what_is_rolled_back_was_never_there(trail):
    with Session(trail.app) as session:
        trail.say(2, session)
        trail.say(1)
        trail.seal()
        session.rollback()
    assert trail.seal() == 0
    assert trail.check().events == 1


def test_one_chain_a_month_and_each_cites_the_month_before(trail):
    trail.say_old(datetime(2026, 8, 31, 20, 59, tzinfo=UTC), 2)  # two seconds before midnight in Helsinki
    trail.say_old(datetime(2026, 8, 31, 21, 0, tzinfo=UTC), 2)
    trail.say_old(datetime(2026, 10, 5, tzinfo=UTC), 1)
    trail.seal(batch=2)
    with trail.app.connect() as connection:
        months = connection.execute(
            text("SELECT month, count(*), max(position) FROM audit_seal GROUP BY 1 ORDER BY 1")
        ).all()
    assert [tuple(row) for row in months] == [
        (date(2026, 8, 1), 2, 2),
        (date(2026, 9, 1), 2, 2),
        (date(2026, 10, 1), 1, 1),
    ]
    # one of September that is committed when October has begun goes on where the chain is
    trail.say_old(datetime(2026, 9, 30, tzinfo=UTC), 1)
    trail.seal()
    assert trail.value("SELECT max(position) FROM audit_seal WHERE month = '2026-10-01'") == 2
    assert trail.check().broken is None
    alone = trail.check(first=date(2026, 9, 1), last=date(2026, 9, 1))
    assert (alone.broken, alone.events) == (None, 2)
    # of a month that is cut off from the one before, the first seal does not hold
    trail.tamper("UPDATE audit_seal SET hash = sha256(hash) WHERE month = '2026-08-01' AND position = 2")
    cut = trail.check(first=date(2026, 9, 1)).broken
    assert cut is not None
    assert (cut.month, cut.position) == (date(2026, 9, 1), 1)


def test_what_claims_to_be_recorded_in_the_future_is_of_this_month(trail):
    trail.say_old(datetime(2190, 1, 1, tzinfo=UTC))
    trail.say()
    trail.tamper("UPDATE audit_event SET recorded_at = 'infinity' WHERE id = (SELECT max(id) FROM audit_event)")
    trail.say()
    trail.seal()
    assert trail.value("SELECT max(month) < '2190-01-01' FROM audit_seal")
    assert trail.check().broken is None


def test_two_sealers_at_once_make_one_chain(trail):
    trail.say(60)
    sealed: list[int] = []
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait()
        sealed.append(trail.seal(batch=7))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sealed) == 60
    found = trail.check()
    assert (found.broken, found.events, found.waiting) == (None, 60, 0)


def test_a_sealer_that_was_overtaken_turns_nothing_back(trail):
    trail.say(3)
    with Session(trail.app) as slow:
        what = look(slow)
        slow.commit()
        trail.say(1)
        assert trail.seal() == 4
        before = trail.value("SELECT snapshot FROM audit_sealing")
        assert seal_some(slow, what, None).count == 0
        note(slow, what)
        slow.commit()
    assert trail.value("SELECT snapshot FROM audit_sealing") == before
    assert trail.check().broken is None


def test_writing_events_never_waits_for_sealing(trail):
    trail.say(2)
    with Session(trail.app) as sealer:
        seal_some(sealer, look(sealer), None)
        with Session(trail.app) as writer, writer.begin():
            writer.execute(text("SET LOCAL lock_timeout = '100ms'"))
            trail.say(2, writer)
        sealer.rollback()
    assert trail.seal() == 4


def test_a_trail_restored_on_another_server_is_looked_through_anew(trail):
    """There transactions are counted anew: the numbers that were kept mean nothing, and whatever has no seal gets one."""
    trail.say(2)
    trail.seal()
    trail.say(1)
    trail.tamper("UPDATE audit_sealing SET snapshot = '900000000:900000000:', cluster = 'another'")
    found = trail.check()
    assert (found.broken, found.events, found.waiting) == (None, 2, 1)
    assert trail.seal() == 1
    # and where the server cannot say who it is: counted backwards
    trail.say(1)
    trail.tamper("UPDATE audit_sealing SET snapshot = '900000000:900000000:'")
    assert trail.seal() == 1
    assert trail.check().broken is None


@pytest.mark.parametrize("table", ["audit_seal", "audit_event"])
def test_seals_are_insert_only_and_only_the_owner_may_purge(trail, table):
    trail.say()
    trail.seal()
    with trail.app.connect() as app:
        with pytest.raises(ProgrammingError, match="permission denied"), app.begin():
            app.execute(text(f"DELETE FROM {table}"))
        with pytest.raises(ProgrammingError, match="permission denied"), app.begin():
            app.execute(text("SELECT audit_purge(clock_timestamp(), 1)"))
        with app.begin():
            app.execute(text("SELECT set_config('avain.audit_purge', 'on', false)"))
        with pytest.raises(ProgrammingError, match="permission denied"), app.begin():
            app.execute(text("UPDATE audit_event SET actor = ''"))
    with trail.owner.connect() as owner:
        for statement in (
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"UPDATE {table} SET {'salt = NULL' if table == 'audit_seal' else 'id = id'}",
        ):
            with pytest.raises(DBAPIError, match="insert-only"), owner.begin():
                owner.execute(text(statement))
    with trail.owner.connect() as thrown:
        with thrown.begin():
            thrown.execute(text("SELECT set_config('avain.audit_purge', 'on', false)"))
        # even where the switch is thrown by hand, rows may only become what a purge makes of them
        for statement in (
            "UPDATE audit_seal SET hash = ''",
            "UPDATE audit_event SET actor = 'x', purged_by = 1",
            "UPDATE audit_event SET purged_by = 1",
        ):
            with pytest.raises(DBAPIError, match=r"insert-only|may not be purged"), thrown.begin():
                thrown.execute(text(statement))


def test_events_from_before_there_were_seals_are_sealed(trail):
    """What stood in the trail when the version with seals was installed."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = trail.owner.url.render_as_string(hide_password=False)
    command.downgrade(config, "0029")
    trail.say_old(datetime(2024, 2, 29, 23, tzinfo=UTC), 3)
    trail.say_old(datetime(2026, 6, 1, tzinfo=UTC), 2)
    command.upgrade(config, "head")
    trail.say()
    found = trail.check()
    assert (found.broken, found.events, found.waiting) == (None, 0, 6)
    assert trail.seal(batch=2) == 6
    found = trail.check()
    assert (found.broken, found.events, found.waiting) == (None, 6, 0)
    assert trail.value("SELECT count(DISTINCT month) FROM audit_seal") == 3
    trail.tamper("UPDATE audit_event SET actor = 'x' WHERE recorded_at < '2025-01-01'")
    assert trail.check().broken is not None
