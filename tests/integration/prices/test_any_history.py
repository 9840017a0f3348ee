"""Whatever lists come, are approved and are rolled back: the noted budgets are all there is to calculate, and the past stays what it was.

Budgets are calculated from notes alone, so a note that a list failed to leave is a figure nobody puts right. Each seed is a history of its own.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from connectors.prices.row import PriceRow
from core.budget_settings import Budgets, ExtraRule
from core.errors import InputError
from services import prices
from services.budgets import dirty
from services.budgets.show import budgets_of_case
from tests.factories.case import make_case, make_choice, make_decision, make_plan_item
from tests.factories.provider import make_contract, make_provider
from tests.support.budgets import recompute_dirty
from tests.support.price_rows import NOW, Importing, row

SETTINGS = Budgets(extras=[ExtraRule(extra="travel", unit="KMT", for_unit="C62", quantity=Decimal(20))])
START, SPAN = date(2026, 11, 16), 200

#: Rows out: lines whose price is a copy, or whose figures are not those of the price they cite.
_CITED_WRONGLY = text(
    """
    SELECT budget_line.id FROM budget_line JOIN price ON price.id = budget_line.price_id
    WHERE price.original_id IS NOT NULL OR price.copied_by_list_id IS NOT NULL OR price.amount <> budget_line.amount
    """
)


def recompute(session, now):
    total = 0
    while (done := recompute_dirty(session, now=now, settings=SETTINGS)).recomputed:
        total += done.changed
    return total


def a_day(random):
    return START + timedelta(days=random.randrange(SPAN))


#: What a list may hold.
_WANTED: list[tuple[str, str, dict[str, Any]]] = [
    ("NEPSY-VALMENNUS", "C62", {}),
    ("NEPSY-VALMENNUS", "C62", {"minimum_quantity": Decimal(10)}),
    ("NEPSY-VALMENNUS", "H87", {}),
    ("NEPSY-VALMENNUS", "KMT", {"extra": "travel"}),
    ("TUKIHENKILO", "HUR", {}),
    ("TUKIHENKILO", "MIN", {"base_quantity": Decimal(45)}),
]


def some_rows(random: Random) -> Iterator[PriceRow]:
    """A list of both services in several units and minimum quantities; now and then one is missing."""
    for position, (service, unit, over) in enumerate(_WANTED, start=2):
        if random.random() < 0.3:
            continue
        first = a_day(random) if random.random() < 0.6 else date(2026, 1, 1)
        last = first + timedelta(days=random.randrange(90)) if random.random() < 0.3 else None
        yield row(
            service, str(random.choice([50, 51, 52])), str(position), unit=unit, first=first, valid_to=last, **over
        )


@pytest.mark.parametrize("seed", range(4))
def test_notes_name_every_budget_that_moves_and_nothing_said_before_changes(session, nepsy, support, seed):
    random = Random(seed)
    provider = make_provider(session, services=[nepsy, support])
    make_contract(session, provider, number="S-2", rule={"kind": "free"})
    bring = Importing(session, provider)
    cases = []
    for place in range(20):
        case = make_case(session)
        decision = make_decision(session, case, granted_amount=Decimal(1500), valid=None)
        service, unit = random.choice([(nepsy, "C62"), (nepsy, "ACT"), (support, "HUR"), (support, "MIN")])
        first = a_day(random)
        item = make_plan_item(
            session, decision, service, str(random.choice([3, 12])), unit=unit, first=first, last=first + timedelta(days=random.randrange(60))
        )  # fmt: skip
        if place % 5:
            make_choice(session, item, provider)
        cases.append(case.number)
    dirty.mark_all(session, "cases")
    known: list[Any] = []
    runs: list[int] = []
    happened: Counter[str] = Counter()
    now = NOW
    for _ in range(12):
        now += timedelta(days=1)
        if runs and random.random() < 0.4:
            try:
                runs.append(prices.rollback(session, random.choice(runs[-4:]), "cli:test", "oli väärin", now).run_id)
                happened["rolled back"] += 1
            except InputError:  # later lists changed the same prices, or it was rolled back before
                happened["not rolled back"] += 1
        else:
            done = bring(*some_rows(random), now=now)
            if done.outcome == "held":
                prices.approve(session, done.price_list_id, "cli:test", "sovittu", now)
                happened["approved"] += 1
            else:
                happened[done.outcome] += 1
            runs.append(bring.run)
        recompute(session, now)
        for number, at, said in known:
            assert budgets_of_case(session, number, at=at) == said
        known += [
            (number, now.date(), budgets_of_case(session, number, at=now.date())) for number in random.sample(cases, 5)
        ]
        dirty.mark_all(session, "asked")
        assert recompute(session, now) == 0, happened
        assert session.execute(_CITED_WRONGLY).all() == []
