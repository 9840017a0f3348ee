"""Given-up work in groups, and what is done about a group: exactly what was shown, in one statement, one after the other."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from core.errors import InputError, Message, NotFound
from models.audit import AuditEvent
from services import dead_work
from services.dead_work import Chosen, Shown
from services.work import expire_leases, fail, kind_of
from services.work.poison import record_poison
from tests.support.console_runs import of_source
from tests.support.queries import recording
from tests.support.work import BOOM, called, claimed, lapse, make_due, state

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
AWAY = "The server {host} is away."


def dead(session, key, message=BOOM, kind="deliver_order"):
    """Work that was given up; its id."""
    work_id = called(session, key) if kind == "deliver_order" else of_source(session, kind, "p", key)
    fail(session, claimed(session, work_id), message, final=True)
    return work_id


def many(session, count, reason="boom", kind="deliver_order"):
    """So many works that were given up for one reason, without runs."""
    session.execute(
        text(
            """
            INSERT INTO work (kind, key, arguments, queue, dead_at, last_error, dead_reason)
            SELECT :kind, :kind || :reason || n, '{}', 'orders', clock_timestamp(),
                   jsonb_build_object('msgid', CAST(:reason AS text), 'params', '{}'::jsonb), :reason
            FROM generate_series(1, :count) AS n
            """
        ),
        {"kind": kind, "reason": reason, "count": count},
    )


def the_group(session):
    (found,) = dead_work.groups(session)
    return found


def acts(session):
    return session.query(AuditEvent).filter(AuditEvent.action.startswith("dead_work")).all()


def test_seven_thousand_equal_failures_are_one_line(session):
    many(session, 7000)
    for number, host in enumerate("abca"):
        dead(session, f"k{number}", Message(AWAY, host=host))
    with recording(session) as statements:
        first, second = dead_work.groups(session)
    assert len(statements) == 1
    assert (first.count, first.samples) == (7000, [Message("boom")])
    assert (second.count, str(second.sentence)) == (4, "The server … is away.")
    assert [str(one) for one in second.samples] == [f"The server {host} is away." for host in "acb"]
    assert len(second.runs) == 4
    assert second.since < second.last
    assert [one.id for one in dead_work.members(session, second, limit=3)] == sorted(
        (one.id for one in dead_work.members(session, second)), reverse=True
    )[:3]


def test_however_it_died_it_is_there(session):
    work_id = called(session, "silent")
    session.execute(text("UPDATE work SET attempts = :n"), {"n": kind_of("deliver_order").max_attempts - 1})
    claimed(session, work_id)
    lapse(session, work_id)
    expire_leases(session)
    record_poison(session, "abc", "body", size=3)
    found = {one.kind: one for one in dead_work.groups(session)}
    assert str(found["deliver_order"].sentence) == "The process doing this fell silent; it is tried again."
    assert not found["poison"].may_be_retried


def test_a_group_is_tried_again_one_after_the_other(session):
    many(session, 300)
    group = the_group(session)
    with recording(session) as statements:
        assert dead_work.retry(session, Chosen.of(group), group.shown, actor="cli:x", now=NOW) == 300
    assert len(statements) == 2, "one for all of it, one for the audit trail"
    assert dead_work.groups(session) == []
    due = session.execute(
        text("SELECT extract(epoch FROM max(next_at) - min(next_at)) AS s, count(DISTINCT next_at) AS n FROM work")
    ).one()
    assert round(due.s) == round(299 * 0.2)
    assert due.n == 300
    assert dead_work.minutes_of(300) == 1
    assert dead_work.minutes_of(7000) == 24
    (act,) = acts(session)
    assert (act.action, act.subject, act.details) == ("dead_work.retried", f"dead_work:{group.code}", {"count": 300})


def test_what_failed_meanwhile_is_not_swept_along(session):
    first = dead(session, "a")
    group = the_group(session)
    later = dead(session, "b")
    assert dead_work.discard(session, Chosen.of(group), group.shown, "moved", actor="cli:x", now=NOW) == 1
    assert (state(session, first).acknowledged, state(session, later).acknowledged) == ("moved", None)
    (act,) = acts(session)
    assert (act.reason, act.details["count"]) == ("moved", 1)


def test_where_something_of_it_is_gone_nothing_is_done(session):
    dead(session, "a"), dead(session, "b")
    group = the_group(session)
    session.execute(text("UPDATE work SET acknowledged = 'seen' WHERE key = 'a'"))
    for act in (
        lambda: dead_work.retry(session, Chosen.of(group), group.shown, actor="cli:x", now=NOW),
        lambda: dead_work.discard(session, Chosen(None), group.shown, "why", actor="cli:x", now=NOW),
    ):
        with pytest.raises(InputError, match="not as it was shown"):
            act()
    assert the_group(session).count == 1
    assert acts(session) == []


def test_died_again_it_is_another_than_was_shown(session):
    work_id = dead(session, "a")
    shown = the_group(session).shown
    session.execute(text("UPDATE work SET dead_at = NULL"))
    make_due(session, work_id)
    fail(session, claimed(session, work_id), BOOM, final=True)
    with pytest.raises(InputError):
        dead_work.retry(session, Chosen(None), shown, actor="cli:x", now=NOW)


def test_all_of_some_kinds(session):
    dead(session, "a"), dead(session, "b", Message("other")), dead(session, "c", kind="fetch_prices")
    record_poison(session, "abc", "body", size=3)
    prices = dead_work.everything(dead_work.groups(session, ["fetch_prices"]))
    assert prices is not None
    assert dead_work.discard(session, Chosen(frozenset({"fetch_prices"})), prices, "why", actor="w", now=NOW) == 1
    again = dead_work.everything(one for one in dead_work.groups(session) if one.may_be_retried)
    assert again is not None
    assert dead_work.retry(session, Chosen(None), again, actor="w", now=NOW) == 2
    assert the_group(session).kind == "poison"
    assert dead_work.everything([]) is None


def test_discarding_asks_for_a_reason(session):
    dead(session, "a")
    group = the_group(session)
    with pytest.raises(InputError, match="only with a reason"):
        dead_work.discard(session, Chosen.of(group), group.shown, "  ", actor="cli:x", now=NOW)


def test_groups_have_names_and_forms_are_read_with_care(session):
    dead(session, "a")
    group = the_group(session)
    assert dead_work.group_named(session, group.code) == group
    assert Shown.read(str(group.shown)) == group.shown
    for code in ("deliver_order-00000000", "x", "-"):
        with pytest.raises(NotFound):
            dead_work.group_named(session, code)
    for written in ("", "1/2/3", "1/2026-11-23T09:00:00/3", f"1/{NOW.isoformat()}/{2**70}", "a/b"):
        with pytest.raises(InputError):
            Shown.read(written)
