"""Work whose effects are seen outside, while these are paused: neither enqueued nor claimed; all else goes on."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.embedded import Embedded
from core.errors import InputError, Message, Postponed
from core.settings import Settings
from models.audit import AuditEvent
from services import effects, numbers
from services.consistency.scope import Scope
from services.consistency.works import works
from services.effects.elsewhere import looked_into
from services.effects.releasing import Before, release
from services.work import EFFECTS, KINDS, NUMBERING, call, claim, claim_more, kind_of
from services.work.queueing import mark_enqueued, top_up
from tests.support.effects import copy_of, owner_of
from tests.support.in_process import in_process

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def pause(session: Session) -> None:
    effects.pause(session, actor="cli:anna", why="the mail server is moved", now=NOW)


def away(session: Session) -> None:
    effects.disown(session, Message("set back"), now=NOW)


def called(session: Session, kind: str) -> int:
    work_id = call(session, kind, f"{kind}:{datetime.now(UTC).isoformat()}", source="s")
    assert work_id is not None
    return work_id


def begins(session: Session, kind: str) -> set[str]:
    """By which ways a fresh Work of a kind is begun or offered."""
    queue, ways = kind_of(kind).queue, set()
    with session.begin_nested() as undone:
        work_id = called(session, kind)
        if mark_enqueued(session, [work_id]):
            ways.add("hinted")
        undone.rollback()
    with session.begin_nested() as undone:
        called(session, kind)
        if top_up(session, queue, 100):
            ways.add("enqueued")
        undone.rollback()
    with session.begin_nested() as undone:
        if claim(session, called(session, kind)):
            ways.add("claimed")
        undone.rollback()
    with session.begin_nested() as undone:
        called(session, kind)
        if claim_more(session, kind, 10):
            ways.add("claimed with others")
        undone.rollback()
    return ways


ALL = {"hinted", "enqueued", "claimed", "claimed with others"}


def test_every_kind_that_is_seen_outside_says_so() -> None:
    assert set(EFFECTS) == {
        "deliver_order", "tell_cancelled", "send_test_order", "send_digest", "send_letter", "put_away_files",
    }  # fmt: skip
    assert set(NUMBERING) == {"sync_cases", "generate_orders"}


@pytest.mark.parametrize(
    ("how", "held"), [(None, ()), (pause, EFFECTS), (away, EFFECTS + NUMBERING)], ids=["go", "paused", "restored"]
)
def test_what_is_held_begins_in_no_way_and_all_else_in_every(session, how, held) -> None:
    if how is not None:
        how(session)
    for kind in KINDS:
        assert begins(session, kind) == (set() if kind in held else ALL), kind


def test_what_was_held_goes_on_once_it_is_released(session) -> None:
    work_id = called(session, "send_letter")
    pause(session)
    assert claim(session, work_id) is None
    released = release(session, before=Before(), actor="cli:bo", now=NOW)
    assert [one.work_id for one in released.going] == [work_id]
    assert claim(session, work_id) is not None
    acts = session.query(AuditEvent).order_by(AuditEvent.id).all()
    assert [(one.action, one.actor, one.reason) for one in acts[-2:]] == [
        ("effects.paused", "cli:anna", "the mail server is moved"),
        ("effects.released", "cli:bo", ""),
    ]


def test_one_may_go_while_the_others_wait(session) -> None:
    first, second = called(session, "send_test_order"), called(session, "send_test_order")
    pause(session)
    (key,) = session.execute(text("SELECT key FROM work WHERE id = :id"), {"id": first}).scalars()
    session.execute(text("UPDATE work SET arguments = jsonb_build_object('number', key)"))
    with pytest.raises(InputError, match="nothing"):
        release(session, ["nothing"], before=Before(), actor="cli:bo", now=NOW)
    release(session, [key], before=Before(), actor="cli:bo", now=NOW)
    assert claim(session, second) is None
    assert claim(session, first) is not None
    assert effects.state(session).name == "paused"


def test_what_was_let_go_before_the_copy_was_made_is_not_let_go_in_it(session) -> None:
    work_id = called(session, "send_letter")
    pause(session)
    session.execute(text("INSERT INTO let_go (work_id, let_by) VALUES (:id, 'cli:bo')"), {"id": work_id})
    away(session)
    assert claim(session, work_id) is None
    other = called(session, "send_test_order")
    session.execute(text("UPDATE work SET arguments = jsonb_build_object('number', key) WHERE id = :id"), {"id": other})
    key = session.execute(text("SELECT key FROM work WHERE id = :id"), {"id": other}).scalar_one()
    release(session, [key], before=Before(incomplete=True), actor="cli:bo", now=NOW)
    assert claim(session, other) is not None
    assert claim(session, work_id) is None, "nor once another was"


def test_nothing_is_ordered_by_itself_while_providers_have_orders_that_nobody_here_knows(session) -> None:
    work_id = called(session, "generate_orders")
    session.execute(
        text(
            "INSERT INTO sent_elsewhere (key, kind, sent_at, sure) VALUES ('T-2026-000099', 'deliver_order', clock_timestamp(), true),"
            " ('<a@b>', 'send_digest', clock_timestamp(), true)"
        )
    )
    assert claim(session, work_id) is None
    assert begins(session, "sync_cases") == ALL
    assert works(Scope(session, NOW.date(), Settings().budgets)).broken == []
    looked_into(session, ["T-2026-000099"], actor="cli:bo")
    assert claim(session, work_id) is not None


def test_pausing_needs_a_reason_and_is_done_once(session) -> None:
    with pytest.raises(InputError, match="Say why"):
        effects.pause(session, actor="cli:anna", why=" ", now=NOW)
    pause(session)
    with pytest.raises(InputError, match="the mail server is moved"):
        pause(session)
    assert effects.disown(session, Message("set back"), now=NOW)
    assert not effects.disown(session, Message("once more"), now=NOW)
    assert "set back" in effects.state(session).words.text("en")


def test_two_who_release_do_it_once(session) -> None:
    with pytest.raises(InputError, match="Nothing is held"):
        release(session, before=Before(), actor="cli:bo", now=NOW)


def test_numbers_wait_in_a_restored_database_and_not_in_a_paused_one(session) -> None:
    pause(session)
    assert numbers.take(session, "T", 2026) == ["T-2026-000001"]
    away(session)
    with pytest.raises(Postponed, match="restored"):
        numbers.take(session, "T", 2026)
    with pytest.raises(Postponed, match="restored"):
        numbers.next_free(session, "HB", 2026)


def test_a_copy_of_a_database_is_known_for_one_by_itself(database: Embedded, tmp_path, monkeypatch) -> None:
    with in_process(database, tmp_path, monkeypatch) as here, here.transaction() as session:
        assert effects.state(session).name == "go"
    with copy_of(database) as copy, in_process(copy, tmp_path, monkeypatch) as there:
        with there.transaction() as session:
            assert effects.state(session).name == "restored"
            assert claim(session, called(session, "deliver_order")) is None
            assert claim(session, called(session, "import_prices")) is not None
        there.rows("UPDATE effects SET home = this_database() RETURNING 1")
        # as after the server was set back to an earlier point, or another took over: its history has another name
        there.rows("UPDATE effects SET home = left(home, -8) || '00000009' RETURNING 1")
        with there.transaction() as session:
            assert effects.state(session).name == "restored"


def test_without_its_row_a_database_is_taken_for_a_copy(database: Embedded, tmp_path, monkeypatch) -> None:
    with in_process(database, tmp_path, monkeypatch) as here:
        with psycopg.connect(owner_of(database)) as owner:
            owner.execute("DELETE FROM effects")
        with here.transaction() as session:
            assert effects.state(session).name == "restored"
            assert claim(session, called(session, "send_letter")) is None
        with here.transaction() as session:
            assert effects.disown(session, Message("restored from a file"), now=NOW)
            assert "restored from a file" in effects.state(session).words.text("en")
            release(session, before=Before(incomplete=True), actor="cli:bo", now=NOW)
            assert effects.state(session).name == "go"
