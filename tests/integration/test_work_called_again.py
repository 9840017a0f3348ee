"""Work called for under a key that was called for before: it gets its turn, once more, whatever became of the first."""

import pytest
from sqlalchemy import text

from services.work import call_again, claim, close, expire_leases, fail, history, kind_of
from tests.support.work import BOOM, called, claimed, lapse, state


def test_called_again_while_under_way_stays_due(session):
    work_id = called(session)
    mine = claimed(session, work_id)
    assert call_again(session, "deliver_order", "k", subject_id=9) == work_id
    close(session, mine)
    again = claimed(session, work_id)
    assert (again.subject_id, again.attempt) == (9, 1)
    close(session, again)
    assert claim(session, work_id) is None


def test_called_again_after_the_end_is_due_again(session):
    work_id = called(session)
    fail(session, claimed(session, work_id), BOOM, final=True)
    call_again(session, "deliver_order", "k")
    row = state(session, work_id)
    assert (row.dead_at, row.attempts, row.last_error) == (None, 0, None)
    close(session, claimed(session, work_id))
    call_again(session, "deliver_order", "k")
    assert claimed(session, work_id).attempt == 1


def test_called_again_while_failing_for_good_still_gets_its_turn(session):
    work_id = called(session)
    mine = claimed(session, work_id)
    call_again(session, "deliver_order", "k")
    assert fail(session, mine, BOOM, final=True) is None
    assert claimed(session, work_id).attempt == 1


@pytest.mark.parametrize("attempt", [1, 2, kind_of("deliver_order").max_attempts])
def test_called_again_under_a_lost_lease_is_due_with_fresh_attempts(session, attempt):
    """Also under the last attempt: what was asked for since has had none yet."""
    work_id = called(session)
    session.execute(text("UPDATE work SET attempts = :done"), {"done": attempt - 1})
    claimed(session, work_id)
    call_again(session, "deliver_order", "k")
    lapse(session, work_id)
    assert expire_leases(session) == (1, [])
    assert claimed(session, work_id).attempt == 1


@pytest.mark.parametrize("ended", [False, True])
def test_called_again_with_a_delay_waits_for_it(session, ended):
    """Budgets somebody holds are tried again in two seconds, not a hundred times until then."""
    work_id = called(session)
    mine = claimed(session, work_id)
    if ended:
        close(session, mine)
    call_again(session, "deliver_order", "k", delay=60)
    if not ended:
        close(session, mine)
    assert claim(session, work_id) is None
    call_again(session, "deliver_order", "k")
    assert claimed(session, work_id).attempt == 1


def test_called_again_it_is_done_with_what_was_said_last(session):
    work_id = called(session, file="monday.csv")
    call_again(session, "deliver_order", "k", subject_id=9, file="tuesday.csv")
    mine = claimed(session, work_id)
    assert (mine.arguments, mine.subject_id) == ({"file": "tuesday.csv"}, 9)


def test_called_again_it_is_never_put_off(session):
    work_id = called(session)
    call_again(session, "deliver_order", "k", delay=60)
    assert claimed(session, work_id).attempt == 1


def test_called_again_and_given_up_again_it_needs_somebody_again(session):
    work_id = called(session)
    first = claimed(session, work_id)
    fail(session, first, BOOM, final=True)
    history.acknowledge(session, first.run_id, "known")
    call_again(session, "deliver_order", "k")
    fail(session, claimed(session, work_id), BOOM, final=True)
    assert history.given_up_count(session) == 1
