"""What is waited for after an order has gone out: its answer, and the tick that contact details were handed over."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.clock import local_date
from core.errors import InputError, NotFound
from core.settings import Settings
from services.follow_ups.planning import plan
from services.orders.closing import close_orders
from services.orders.replies import hand_over
from services.orders.replies.answer_values import Answer
from services.orders.replies.answers import take
from services.orders.sending.ending import cancel
from tests.support.answers import an_order, news_of
from tests.support.ordering import NOW

#: `NOW` is a Monday; Independence Day, 6 December, is a Sunday in 2026.
DAY = timedelta(days=1)
SETTINGS = Settings()


def planned(session, found, now=NOW):
    """The order's follow-ups after planning."""
    session.flush()
    plan(session, None, local_date(now), SETTINGS.follow_ups, SETTINGS.orders)
    rows = session.execute(
        text("SELECT kind, due, state FROM follow_up WHERE order_id = :id ORDER BY due, id"), {"id": found.id}
    )
    return [f"{row.kind} {row.due} {row.state}" for row in rows]


def test_an_order_without_an_answer_is_followed_up_after_five_working_days(session):
    found = an_order(session)
    assert planned(session, found) == ["order_unanswered 2026-11-23 open"]
    assert planned(session, found, NOW + DAY * 60) == ["order_unanswered 2026-11-23 open"]
    assert news_of(session, found) == []


def test_an_order_that_is_sent_again_is_waited_for_anew(session):
    found = an_order(session)
    planned(session, found)
    session.execute(text("UPDATE follow_up SET announced_on = due, announced_times = 1 WHERE order_id IS NOT NULL"))
    found.sent_at = NOW + DAY * 7
    assert planned(session, found, NOW + DAY * 8) == ["order_unanswered 2026-11-30 open"]
    times = "SELECT announced_times FROM follow_up WHERE order_id = :id"
    assert session.execute(text(times), {"id": found.id}).scalar_one() == 0


def test_a_silence_put_off_ends_with_the_next_sending(session):
    found = an_order(session)
    planned(session, found)
    session.execute(text("UPDATE follow_up SET state = 'snoozed', due = '2026-12-14' WHERE kind = 'order_unanswered'"))
    assert planned(session, found) == ["order_unanswered 2026-12-14 snoozed"]
    found.sent_at = NOW + DAY * 7
    assert planned(session, found, NOW + DAY * 8) == ["order_unanswered 2026-11-30 open"]


def test_an_old_silence_is_not_asked_about(session):
    """As of orders that a version without answers has sent: not thousands of them in one morning."""
    found = an_order(session)
    assert planned(session, found, NOW + DAY * 400) == []
    assert planned(session, found, NOW + DAY * 60) == ["order_unanswered 2026-11-23 open"], "while it runs"


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("AB", ["order_unanswered 2026-11-23 open"]),
        ("AP", ["order_unanswered 2026-11-23 dropped"]),
        ("RE", ["order_unanswered 2026-11-23 dropped"]),
    ],
)
def test_an_answer_ends_the_waiting_at_once(session, code, left):
    """That it has arrived is no answer."""
    found = an_order(session)
    planned(session, found)
    take(session, Answer(found.number, code), now=NOW)
    rows = session.execute(text("SELECT kind, due, state FROM follow_up WHERE order_id = :id"), {"id": found.id})
    assert [f"{row.kind} {row.due} {row.state}" for row in rows] == left
    again = planned(session, found)
    assert again == (["hand_over 2026-11-19 open"] if code == "AP" else []) + left


def test_the_day_an_order_was_sent_on_is_that_of_helsinki(session):
    found = an_order(session, sent_at=datetime(2026, 11, 15, 22, 30, tzinfo=UTC))  # Monday there
    assert planned(session, found) == ["order_unanswered 2026-11-23 open"]


def test_a_rejected_order_waits_for_a_decision_again(session):
    """Its approval is not waited for while it lives, and from its rejection on."""
    found = an_order(session)
    approvals = text("SELECT due, state FROM follow_up WHERE kind = 'approval'")
    planned(session, found)
    assert session.execute(approvals).all() == []
    later = NOW + DAY * 3
    take(session, Answer(found.number, "RE"), now=later)
    planned(session, found, later)
    assert [f"{row.due} {row.state}" for row in session.execute(approvals)] == ["2026-11-26 open"]


def test_a_cancelled_or_closed_order_waits_for_nothing(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP"), now=NOW)
    assert planned(session, found) == ["hand_over 2026-11-19 open"]
    cancel(session, found.number, actor="cli:aino", reason="perhe muutti", now=NOW)
    state = text("SELECT state FROM follow_up WHERE kind = 'hand_over'")
    assert session.execute(state).scalar_one() == "dropped"
    session.execute(text("UPDATE follow_up SET state = 'open'"))
    session.execute(text("UPDATE purchase_order SET state = 'accepted'"))
    assert close_orders(session, now=NOW + DAY * 600, settings=SETTINGS.budgets) == 1
    assert session.execute(state).scalar_one() == "dropped"


def test_a_ticked_hand_over_is_done_by_whoever_ticked_it(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP"), now=NOW)
    assert planned(session, found) == ["hand_over 2026-11-19 open"]
    assert hand_over.tick(session, found.number, actor="cli:aino", now=NOW) == found.id
    done = session.execute(text("SELECT state, settled_by, settled_at FROM follow_up WHERE kind = 'hand_over'")).one()
    assert tuple(done) == ("acknowledged", "cli:aino", NOW)
    event = session.execute(text("SELECT act, actor, at FROM follow_up_event")).one()
    assert tuple(event) == ("acknowledged", "cli:aino", NOW)
    assert planned(session, found, NOW + DAY * 30) == ["hand_over 2026-11-19 acknowledged"]
    session.refresh(found)
    assert (found.handed_over_at, found.handed_over_by) == (NOW, "cli:aino")
    assert (
        session.execute(text("SELECT actor FROM audit_event WHERE action = 'order.handed_over'")).scalar_one()
        == "cli:aino"
    )
    with pytest.raises(InputError, match="ticked before"):
        hand_over.tick(session, found.number, actor="cli:aino", now=NOW)


def test_a_hand_over_is_due_on_a_working_day(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP"), now=datetime(2026, 12, 3, 8, 0, tzinfo=UTC))
    assert planned(session, found) == ["hand_over 2026-12-07 open"], "three days later is Sunday, Independence Day"


def test_contact_details_go_to_nobody_who_has_no_order(session):
    found = an_order(session, state="approved")
    with pytest.raises(InputError, match="after the order has reached"):
        hand_over.tick(session, found.number, actor="a", now=NOW)
    for number in ("T-2026-0", "T\x00"):
        with pytest.raises(NotFound):
            hand_over.tick(session, number, actor="a", now=NOW)
