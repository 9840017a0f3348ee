"""What is waited for after an order has gone out: its answer, and the tick that contact details were handed over."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.errors import InputError, NotFound
from core.settings import Settings
from services.orders.replies import hand_over, unanswered
from services.orders.replies.answer_values import Answer
from services.orders.replies.answers import take
from tests.support.answers import an_order, news_of
from tests.support.ordering import NOW

#: `NOW` is a Monday; Independence Day, 6 December, is a Sunday in 2026.
DAY = timedelta(days=1)
SETTINGS = Settings()


def test_an_order_without_an_answer_is_told_twice_in_all(session):
    found = an_order(session)
    told = [unanswered.tell(session, SETTINGS, NOW + DAY * days) for days in range(30)]
    assert [days for days, count in enumerate(told) if count] == [7, 14], "five working days, and five more"
    assert news_of(session, found) == ["order_unanswered"] * 2


def test_an_order_that_is_sent_again_is_waited_for_anew(session):
    found = an_order(session)
    assert unanswered.tell(session, SETTINGS, NOW + DAY * 7) == 1
    found.sent_at = NOW + DAY * 7
    session.flush()
    assert unanswered.tell(session, SETTINGS, NOW + DAY * 8) == 0
    assert unanswered.tell(session, SETTINGS, NOW + DAY * 14) == 1


def test_an_old_silence_is_no_news(session):
    """As of orders that a version without answers has sent: not thousands of them in one morning."""
    found = an_order(session)
    assert unanswered.tell(session, SETTINGS, NOW + DAY * 29) == 0
    assert unanswered.tell(session, SETTINGS, NOW + DAY * 28) == 1
    assert news_of(session, found) == ["order_unanswered"]


@pytest.mark.parametrize(("code", "told"), [("AB", 1), ("AP", 0), ("RE", 0)])
def test_that_it_has_arrived_is_no_answer(session, code, told):
    found = an_order(session)
    take(session, Answer(found.number, code), now=NOW)
    assert unanswered.tell(session, SETTINGS, NOW + DAY * 7) == told


def test_the_day_an_order_was_sent_on_is_that_of_helsinki(session):
    an_order(session, sent_at=datetime(2026, 11, 15, 22, 30, tzinfo=UTC))  # Monday there
    assert unanswered.tell(session, SETTINGS, datetime(2026, 11, 22, 21, 0, tzinfo=UTC)) == 0
    assert unanswered.tell(session, SETTINGS, datetime(2026, 11, 22, 22, 30, tzinfo=UTC)) == 1


def test_an_open_hand_over_is_reminded_of_as_follow_ups_are(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP"), now=NOW)
    told = [hand_over.remind(session, SETTINGS, NOW + DAY * days) for days in range(40)]
    assert [days for days, count in enumerate(told) if count] == [3, 8, 11], (
        "after three days, then every three working days, twice"
    )
    assert news_of(session, found) == ["order_accepted"] + ["hand_over_open"] * 3


def test_a_ticked_hand_over_is_not_reminded_of(session):
    found = an_order(session)
    take(session, Answer(found.number, "AP"), now=NOW)
    assert [one.number for one in hand_over.open_hand_overs(session, NOW.date())] == [found.number]
    assert hand_over.tick(session, found.number, actor="cli:aino", now=NOW) == found.id
    assert hand_over.open_hand_overs(session, NOW.date()) == []
    assert hand_over.remind(session, SETTINGS, NOW + DAY * 30) == 0
    session.refresh(found)
    assert (found.handed_over_at, found.handed_over_by) == (NOW, "cli:aino")
    assert (
        session.execute(text("SELECT actor FROM audit_event WHERE action = 'order.handed_over'")).scalar_one()
        == "cli:aino"
    )
    with pytest.raises(InputError, match="ticked before"):
        hand_over.tick(session, found.number, actor="cli:aino", now=NOW)


def test_contact_details_go_to_nobody_who_has_no_order(session):
    found = an_order(session, state="approved")
    with pytest.raises(InputError, match="after the order has reached"):
        hand_over.tick(session, found.number, actor="a", now=NOW)
    for number in ("T-2026-0", "T\x00"):
        with pytest.raises(NotFound):
            hand_over.tick(session, number, actor="a", now=NOW)
