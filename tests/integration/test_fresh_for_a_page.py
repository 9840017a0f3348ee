"""Figures for somebody who waits at a page: as fresh as what is known, but nobody waits for long for somebody else's calculation."""

import time
from decimal import Decimal

import pytest
from sqlalchemy import text

from services.budgets import dirty
from services.statements.freshness import make_fresh_soon
from services.statements.reading import statements
from tests.factories.price import make_price
from tests.support.family import NOW, SETTINGS, Family, recompute
from tests.support.queries import recording


@pytest.fixture
def touched(here):
    """The number of a case whose plan grew from twelve visits to thirteen, which nobody has calculated yet."""
    with here.transaction() as session:
        family = Family(session)
        make_price(session, family.service, family.provider, "80.00")
        item = family.plan(session)
        recompute(session, family.decision)
        item.quantity = Decimal(13)
        session.flush()
        dirty.mark_decisions(session, [family.decision.id], "choice")
        return family.case.number


def planned(session, number):
    (found,) = statements(session, numbers=[number])
    return found.sections[0].planned


def test_what_was_touched_is_calculated_once_and_then_costs_one_query(here, touched):
    with here.transaction() as session:
        assert make_fresh_soon(session, touched, now=NOW, settings=SETTINGS)
        assert planned(session, touched) == 1040
        assert session.execute(text("SHOW lock_timeout")).scalar_one() == "0", "the patience ends with it"
    with here.transaction() as session, recording(session) as sent:
        assert make_fresh_soon(session, touched, now=NOW, settings=SETTINGS)
    assert len(sent) == 1


def test_nobody_waits_long_for_a_budget_somebody_else_has_in_hand(here, touched):
    with here.transaction() as other:
        other.execute(text("SELECT id FROM budget FOR NO KEY UPDATE"))
        begun = time.perf_counter()
        with here.transaction() as session:
            assert not make_fresh_soon(session, touched, now=NOW, settings=SETTINGS)
            assert planned(session, touched) == 960, "the figures from before, and the transaction goes on"
        assert time.perf_counter() - begun < 10
    with here.transaction() as session:
        assert make_fresh_soon(session, touched, now=NOW, settings=SETTINGS)
        assert planned(session, touched) == 1040
