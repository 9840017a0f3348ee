"""Random lists, approvals and rollbacks: the plans and a day-by-day model in plain Python have the same prices in force every day."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from connectors.prices.row import PriceDocument, PriceRow, Removal
from core.errors import InputError
from core.source_settings import PriceListSource
from services import prices
from tests.factories.price import make_run
from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.support.price_oracle import HORIZON, Listed, Oracle, Says

DAY_ZERO = date(2026, 11, 1)
KEYS = ("A", "B", "C")


@st.composite
def lists(draw):
    rows = []
    for key in draw(st.sets(st.sampled_from(KEYS), max_size=3)):
        turns = sorted(draw(st.sets(st.integers(10, 50), min_size=1, max_size=3)))
        for position, turn in enumerate(turns):
            following = turns[position + 1] if position + 1 < len(turns) else None
            last = None if following is None else following - 1 - draw(st.sampled_from([0, 0, 3, -1]))
            if following is None and draw(st.booleans()):
                last = turn + draw(st.integers(0, 8))
            first = None if position == 0 and draw(st.integers(0, 3)) == 0 else turn
            rows.append(Says(key, draw(st.integers(40, 43)), first, last if last is None or last >= turn else turn))
    removes = draw(st.sets(st.sampled_from(KEYS), max_size=1)) if draw(st.integers(0, 3)) == 0 else set()
    return Listed(tuple(rows), frozenset(removes), draw(st.booleans()))


#: A list and what a person says to it if it is held, or which of the events so far is to be undone; then the days that pass.
steps = st.lists(
    st.tuples(
        lists() | st.integers(0, 9), st.sampled_from(["approve", "approve", "discard", "leave"]), st.integers(0, 4)
    ),
    min_size=1,
    max_size=9,
)


class Played:
    """The same story for the database and for the oracle."""

    def __init__(self, session):
        self.session, self.oracle, self.events, self.number = session, Oracle(), [], 0
        services = [make_service(session, code=f"ORACLE-{key}", unit="HUR") for key in KEYS]
        self.provider = make_provider(session, services=services)
        make_contract(session, self.provider, first=date(2020, 1, 1), last=date(2040, 1, 1))
        self.settings = PriceListSource(
            provider=self.provider.business_id, path="unused", alert_fall=Decimal(1), max_rejected=Decimal(1)
        )

    def bring(self, listed, answer, today):
        self.number += 1
        rows = [
            PriceRow(
                f"ORACLE-{one.key}",
                "HUR",
                Decimal(one.amount),
                str(number),
                valid_from=None if one.first is None else day(one.first),
                valid_to=None if one.last is None else day(one.last),
            )
            for number, one in enumerate(listed.rows)
        ]
        removals = [Removal(f"ORACLE-{key}", "x") for key in sorted(listed.removes)]
        document = PriceDocument(
            "lista.csv", f"{self.number:064d}", rows, [], complete=listed.complete, removals=removals
        )
        now = datetime.combine(day(today), time(12), UTC)
        run = make_run(self.session).id
        result = prices.import_price_list(self.session, "oracle", self.settings, document, run_id=run, now=now)
        told = tuple(one for one in listed.rows if not ended_before(one, today))
        spared = frozenset(one.key for one in listed.rows if ended_before(one, today))
        listed = replace(listed, rows=told, spared=spared)
        good, _ = self.oracle.usable(listed)
        if not good and not listed.removes:
            assert result.outcome == "refused"
            return
        after = self.oracle.plan(listed, today)
        if self.oracle.changes_past(after, today):
            assert result.outcome == "held"
            assert result.price_list_id is not None
            if answer == "approve":
                prices.approve(self.session, result.price_list_id, "cli:test", "Sovittu", now)
            elif answer == "discard":
                prices.discard(self.session, result.price_list_id, "cli:test", "Ei", now)
            if answer != "approve":
                return
        else:
            assert result.outcome in ("succeeded", "partly")
        self.events.append((run, self.oracle.apply(after)))

    def undo(self, number, today):
        if not self.events:
            return
        run, event = self.events[number % len(self.events)]
        now = datetime.combine(day(today), time(12), UTC)
        expected = self.oracle.undo(event)
        if expected is None:
            with pytest.raises(InputError):
                prices.rollback(self.session, run, "cli:test", "Pois", now)
        else:
            self.events.append((prices.rollback(self.session, run, "cli:test", "Pois", now).run_id, expected))

    def must_agree(self):
        rows = self.session.execute(
            text(
                "SELECT code, lower(valid) AS first, upper(valid) AS until, amount FROM price JOIN price_key ON price_key.id = price_key_id"
                " JOIN service ON service.id = service_id WHERE provider_id = :id AND superseded_at IS NULL"
            ),
            {"id": self.provider.id},
        )
        found = {}
        for row in rows:
            until = HORIZON + 1 if row.until is None else (row.until - DAY_ZERO).days
            for number in range((row.first - DAY_ZERO).days, until):
                found[row.code.removeprefix("ORACLE-"), number] = row.amount
        expected = {
            (key, number): amount for key, days in self.oracle.state.items() for number, (amount, _) in days.items()
        }
        assert found == expected


def ended_before(one, today):
    """A row without a first day whose last has passed says nothing of today: it is rejected."""
    return one.first is None and one.last is not None and one.last < today


def day(number):
    return DAY_ZERO + timedelta(days=number)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(story=steps)
def test_plans_and_the_oracle_agree_every_day(session, story):
    with session.begin_nested() as undone:
        played, today = Played(session), 15
        for step, answer, passing in story:
            if isinstance(step, Listed):
                played.bring(step, answer, today)
            else:
                played.undo(step, today)
            played.must_agree()
            today += passing
        undone.rollback()
        session.expire_all()
