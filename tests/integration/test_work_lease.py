"""Claim, renew, close, fail, expire, call again: each rule of services/work on the real database."""

import pytest
from sqlalchemy import text

from core.errors import InputError, LeaseLost
from services.dead_work import groups
from services.work import (
    call,
    check,
    claim,
    close,
    expire_leases,
    fail,
    give_back,
    history,
    holds,
    kind_of,
    renew_all,
)
from services.work.kinds import Kind
from services.work.lease import after_death, when_given_up
from services.work.poison import record_poison
from services.work.queueing import mark_enqueued, top_up
from tests.support.work import BOOM, called, claimed, lapse, make_due, outcomes, state


def test_a_key_is_called_for_once(session):
    assert call(session, "deliver_order", "k", subject_id=7) is not None
    assert call(session, "deliver_order", "k", subject_id=8) is None
    assert session.execute(text("SELECT count(*), min(subject_id) FROM work")).one() == (1, 7)


def test_claimed_work_cannot_be_claimed_again_until_it_is_let_go(session):
    work_id = called(session)
    first = claimed(session, work_id)
    assert claim(session, work_id) is None
    close(session, first, "succeeded", counts={"n": 1}, reply="250 ok")
    assert claim(session, work_id) is None
    assert outcomes(session, work_id) == ["succeeded"]
    assert state(session, work_id).done_at is not None


def test_unknown_work_is_nothing_to_do(session):
    assert claim(session, 123456789) is None


def test_work_that_is_not_due_waits(session):
    assert claim(session, called(session, delay=60)) is None


def test_an_unknown_kind_waits_in_default(session):
    work_id = call(session, "from_next_version", "k")
    assert work_id is not None
    assert state(session, work_id).queue == "default"
    assert kind_of("from_next_version").max_attempts == 5


def test_closing_twice_is_a_lost_lease(session):
    mine = claimed(session, called(session))
    close(session, mine)
    with pytest.raises(LeaseLost):
        close(session, mine)


def test_a_lost_lease_can_neither_close_nor_renew_nor_write(session):
    work_id = called(session)
    mine = claimed(session, work_id)
    lapse(session, work_id)
    assert not renew_all(session, [mine])
    assert expire_leases(session) == (1, [])
    for attempt in (lambda: close(session, mine), lambda: holds(session, mine), lambda: fail(session, mine, BOOM)):
        with pytest.raises(LeaseLost):
            attempt()
    assert outcomes(session, work_id) == ["lost"]


def test_who_lost_the_lease_neither_prolongs_nor_ends_the_next_ones(session):
    work_id = called(session)
    late = claimed(session, work_id)
    lapse(session, work_id)
    expire_leases(session)
    mine = claimed(session, work_id)
    lapses_at = state(session, work_id).lease_until
    assert not renew_all(session, [late])
    assert state(session, work_id).lease_until == lapses_at
    for attempt in (lambda: check(session, late), lambda: holds(session, late), lambda: close(session, late)):
        with pytest.raises(LeaseLost):
            attempt()
    check(session, mine)
    close(session, mine)
    assert outcomes(session, work_id) == ["lost", "succeeded"]


@pytest.mark.parametrize("lost", [False, True])
def test_work_let_go_is_offered_again_at_once_whatever_became_of_its_last_message(session, lost):
    work_id = called(session)
    assert top_up(session, "orders", 10) == [(work_id, "deliver_order")]
    mine = claimed(session, work_id)
    if lost:
        lapse(session, work_id)
        expire_leases(session)
    else:
        give_back(session, mine)
    assert top_up(session, "orders", 10) == [(work_id, "deliver_order")]


def test_a_lease_that_lapsed_but_was_not_expired_may_still_close(session):
    """Nobody else can have begun: only expiry lets another in."""
    work_id = called(session)
    mine = claimed(session, work_id)
    lapse(session, work_id)
    close(session, mine)
    assert expire_leases(session) == (0, [])
    assert outcomes(session, work_id) == ["succeeded"]


def test_renewal_prolongs_but_never_past_the_deadline(session):
    work_id = called(session)
    mine = claimed(session, work_id)
    assert renew_all(session, [mine])
    session.execute(
        text("UPDATE work SET deadline = clock_timestamp() + interval '1 second' WHERE id = :id"), {"id": work_id}
    )
    assert renew_all(session, [mine])
    row = state(session, work_id)
    assert row.lease_until == row.deadline
    session.execute(
        text("UPDATE work SET deadline = clock_timestamp() - interval '1 second' WHERE id = :id"), {"id": work_id}
    )
    assert not renew_all(session, [mine])


def test_after_the_first_loss_it_is_due_at_once_and_then_after_pauses(session):
    work_id = called(session)
    for attempt in (1, 2):
        claimed(session, work_id)
        lapse(session, work_id)
        expire_leases(session)
        wait = session.execute(
            text("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM work WHERE id = :id"), {"id": work_id}
        ).scalar()
        assert (wait <= 0) == (attempt == 1)
        make_due(session, work_id)


def test_work_that_loses_every_attempt_dies_and_says_so(session):
    work_id = called(session)
    for _ in range(kind_of("deliver_order").max_attempts):
        make_due(session, work_id)
        claimed(session, work_id)
        lapse(session, work_id)
        count, dead = expire_leases(session)
        assert count == 1
    assert [one.work_id for one in dead] == [work_id]
    make_due(session, work_id)
    assert claim(session, work_id) is None


def test_failing_waits_then_tries_again_and_at_last_gives_up(session):
    work_id = called(session)
    attempts = kind_of("deliver_order").max_attempts
    for attempt in range(1, attempts + 1):
        make_due(session, work_id)
        mine = claimed(session, work_id)
        assert mine.attempt == attempt
        ended = fail(session, mine, BOOM)
        assert (ended is not None) == (attempt == attempts)
        assert claim(session, work_id) is None
    assert outcomes(session, work_id) == ["retry"] * (attempts - 1) + ["failed"]
    assert state(session, work_id).last_error == BOOM.to_json()


def test_a_final_failure_gives_up_at_once_and_tells(session):
    told = []
    when_given_up("test_kind")(lambda _session, ended: told.append(ended.message))
    work_id = call(session, "test_kind", "k")
    assert work_id is not None
    after_death(session, fail(session, claimed(session, work_id), BOOM, final=True))
    assert told == [BOOM]


def test_the_other_sides_own_pause_is_respected(session):
    work_id = called(session)
    fail(session, claimed(session, work_id), BOOM, pause=5000)
    wait = session.execute(
        text("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM work WHERE id = :id"), {"id": work_id}
    ).scalar()
    assert wait > 4900


def test_the_other_side_cannot_hurry_us(session):
    work_id = called(session)
    fail(session, claimed(session, work_id), BOOM, pause=0.1)
    wait = session.scalar(text("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM work"))
    assert wait > kind_of("deliver_order").first_pause / 2


def test_pauses_double_up_to_the_longest_and_are_spread():
    kind = Kind("k", "default", first_pause=10, longest_pause=60)
    assert [kind.pause_after(attempts, chance=0.5) for attempts in range(1, 6)] == [10, 20, 40, 60, 60]
    assert [kind.pause_after(1, chance=chance) for chance in (0, 1)] == [7.5, 12.5]


def test_giving_back_does_not_count_as_an_attempt(session):
    work_id = called(session)
    give_back(session, claimed(session, work_id))
    assert claimed(session, work_id).attempt == 1
    assert outcomes(session, work_id) == ["retry", None]


def test_of_one_lane_only_one_runs(session):
    first, second = called(session, "a", lane="source:x"), called(session, "b", lane="source:x")
    mine = claimed(session, first)
    assert claim(session, second) is None
    assert top_up(session, "orders", 10) == []
    close(session, mine)
    assert top_up(session, "orders", 10) == [(second, "deliver_order")]
    claimed(session, second)


def test_topping_up_takes_the_oldest_one_per_lane_and_marks_them(session):
    a, b = called(session, "a", lane="l"), called(session, "b", lane="l")
    c = called(session, "c")
    later = called(session, "d", delay=60)
    assert {work_id for work_id, _ in top_up(session, "orders", 10)} == {a, c}
    assert top_up(session, "orders", 10) == []
    session.execute(
        text("UPDATE work SET enqueued_at = clock_timestamp() - interval '21 seconds' WHERE id = :id"), {"id": c}
    )
    assert top_up(session, "orders", 10) == [(c, "deliver_order")]
    assert top_up(session, "orders", 0) == []
    assert top_up(session, "budgets", 10) == []
    assert mark_enqueued(session, [a, b, later]) == [(b, "deliver_order", "orders")]


def test_retry_brings_given_up_work_back_and_nothing_else(session):
    work_id = called(session)
    mine = claimed(session, work_id)
    with pytest.raises(InputError):
        history.retry(session, mine.run_id)
    fail(session, mine, BOOM, final=True)
    assert history.given_up_count(session) == 1
    assert history.retry(session, mine.run_id) == "k"
    assert claimed(session, work_id).attempt == 1


def test_given_up_work_rests_with_a_note(session):
    mine = claimed(session, called(session))
    fail(session, mine, BOOM, final=True)
    with pytest.raises(InputError):
        history.acknowledge(session, mine.run_id, "  ")
    history.acknowledge(session, mine.run_id, "known")
    assert history.given_up_count(session) == 0


def test_a_queue_full_of_poison_is_one_line_that_counts(session):
    for content in ("abc", "abc", "xyz"):
        record_poison(session, content, "body", size=3)
    assert [(one.kind, one.count) for one in groups(session)] == [("poison", 1)]
    (run,) = session.execute(text("SELECT counts, reply, outcome FROM run WHERE kind = 'poison'")).all()
    assert (run.counts, run.reply, run.outcome) == ({"messages": 3, "bytes": 9}, "sha256 xyz", "failed")
    record_poison(session, "abc", "encoding", size=1)
    assert len(groups(session)) == 2


def test_a_hint_is_not_sent_into_a_busy_lane(session):
    first, second = called(session, "a", lane="source:x"), called(session, "b", lane="source:x")
    mine = claimed(session, first)
    assert mark_enqueued(session, [second]) == []
    close(session, mine)
    assert mark_enqueued(session, [second]) == [(second, "deliver_order", "orders")]
