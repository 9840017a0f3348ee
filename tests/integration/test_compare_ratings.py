"""What families answered is told with an offer: of that provider's service, from five answers up, and never to sort by."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.i18n import speaking
from services.compare.words import known_of, rating_in_words
from services.follow_ups.ratings import count_ratings
from tests.factories.case import make_plan_item
from tests.support.market import Market, answer, ask, choice_on

BEFORE, AFTER = date(2026, 1, 1), date(2026, 9, 1)


@pytest.fixture
def market(session) -> Market:
    return Market(session)


def rating_of(session, provider):
    return next(one.rating for one in ask(session).offers if one.provider_id == provider.id)


def test_five_answers_of_one_family_tell_nothing(session, market):
    item = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, item, market.one, BEFORE)
    answer(session, item, 5, 4, 5, 4, 5, 5, one_family=True)
    assert rating_of(session, market.one) is None


def test_from_five_answers_on_the_average_is_told(session, market):
    item = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, item, market.one, BEFORE)
    answer(session, item, 5, 4, 5, 4)
    assert rating_of(session, market.one) is None, "four answers would tell about a family"
    another = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, another, market.one, BEFORE)
    answer(session, another, 5)
    assert rating_of(session, market.one) == (Decimal("4.6"), 5)
    assert rating_of(session, market.two) is None


def test_an_answer_is_about_who_was_chosen_when_it_was_given(session, market):
    item = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, item, market.one, BEFORE, AFTER)
    choice_on(session, item, market.two, AFTER)
    answer(session, item, 1, 1, 1, 1, 2, on=date(2026, 8, 31))
    assert rating_of(session, market.one) == (Decimal("1.2"), 5)
    assert rating_of(session, market.two) is None


def test_an_answer_about_another_service_is_not_counted(session, market):
    item = make_plan_item(session, market.decided(), market.support)
    choice_on(session, item, market.two, BEFORE)
    answer(session, item, 2, 2, 2, 2, 2)
    ratings = {one.service: one.rating for one in ask(session).offers if one.provider_id == market.two.id}
    assert ratings == {"ADHD-T": None, "TUKI-T": (Decimal(2), 5)}


def test_follow_ups_without_an_answer_are_not_counted(session, market):
    from tests.factories.follow_up import make_follow_up

    item = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, item, market.one, BEFORE)
    answer(session, item, 5, 5, 5, 5)
    make_follow_up(session, item, state="acknowledged")
    assert rating_of(session, market.one) is None


def test_nobody_is_sorted_by_what_was_answered(session, market):
    item = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, item, market.two, BEFORE)
    answer(session, item, 5, 5, 5, 5, 5)
    assert [one.provider_id for one in ask(session).offers][:2] == [market.one.id, market.two.id]


def test_a_rating_reads_in_each_language(session, market):
    item = make_plan_item(session, market.decided(), market.coaching)
    choice_on(session, item, market.one, BEFORE)
    answer(session, item, 5, 5, 5, 4, 4)
    offer = next(one for one in ask(session).offers if one.provider_id == market.one.id)
    assert known_of(offer) == "home visits, 4.6/5 (5 answers)"
    with speaking("fi"):
        assert offer.rating is not None
        assert rating_in_words(offer.rating).startswith("4,6/5 (5 ")


def kept(session) -> set[tuple[int, int, int, int]]:
    return {
        tuple(row)
        for row in session.execute(text("SELECT service_id, provider_id, answers, total FROM provider_rating"))
    }


def test_answers_are_counted_anew_each_time(session, market):
    first, second = (
        make_plan_item(session, market.decided(), service) for service in (market.coaching, market.support)
    )
    choice_on(session, first, market.one, BEFORE, AFTER)
    choice_on(session, first, market.two, AFTER)
    choice_on(session, second, market.two, BEFORE)
    answer(session, first, 5, 4, 3, on=date(2026, 5, 1))
    answer(session, second, 1, 2)
    coaching, support = market.coaching.id, market.support.id
    assert kept(session) == {(coaching, market.one.id, 3, 12), (support, market.two.id, 2, 3)}
    assert count_ratings(session) == 0
    session.execute(text("UPDATE follow_up SET rating = NULL, rated_by = NULL WHERE rating = 4"))
    session.execute(text("UPDATE follow_up SET settled_at = '2026-10-01' WHERE rating = 3"))
    session.execute(text("DELETE FROM follow_up WHERE rating < 3"))
    assert count_ratings(session) == 3
    assert kept(session) == {(coaching, market.one.id, 1, 5), (coaching, market.two.id, 1, 3)}
