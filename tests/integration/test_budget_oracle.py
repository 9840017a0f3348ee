"""Random decisions, plans, price histories, orders, invoices and deliveries: the SQL and the oracle agree to the cent, whatever happens when.

Each example is a batch of a hundred cases on one database, made from one seed: what fails can be made again by its seed, and what is
shown of it is the smallest budget that is wrong. `ORACLE_EXAMPLES` sets how many batches there are.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from core.money import quantity_until
from services.budgets.quantities import share
from tests.conftest import own_database
from tests.support.budget_play import Play, outcome
from tests.support.budget_worlds import START

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "6"))
CASES = 100
seeds = st.integers(0, 2**48)

#: Without shrinking: a smaller seed is no smaller batch.
_relaxed = settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def played(services: Embedded, seed: int) -> Iterator[Play]:
    """A play on a database of its own: one in which much was rolled back is counted as empty, and planned for as such."""
    with own_database(services) as database:
        engine = make_engine(database.database_url)
        with Session(engine) as session:
            yield Play(session, Random(seed))
        engine.dispose()


@given(seed=seeds)
@_relaxed
def test_budgets_agree_with_the_oracle_all_along(services, seed):
    with played(services, seed) as play:
        play.begin(range(seed, seed + CASES), settled=False)
        for share_of_what_is_left in (0.4, 0.4, 0.5, 1, 1):
            play.happen(share_of_what_is_left)
            if play.random.random() < 0.4:
                play.change_settings()
            if play.random.random() < 0.6:
                play.next_day()
            play.recompute()
            play.session.commit()
            play.check()
            play.remember(8)
        for _ in range(2):
            play.next_day()
            play.recompute()
            play.check()
        play.check_nothing_to_do()
        play.check_known()


@given(seed=seeds)
@settings(_relaxed, max_examples=max(1, EXAMPLES // 3))
def test_the_order_of_events_does_not_matter(services, seed):
    """The same cases twice: what happens in one order in these happens in another in those."""
    half = CASES // 2
    with played(services, seed) as play:
        for _ in range(2):
            play.begin(range(seed, seed + half))
        for share_of_what_is_left in (0.3, 0.5, 1):
            play.happen(share_of_what_is_left)
            play.recompute()
            play.session.commit()
        play.next_day()
        play.recompute()
        play.check()
        versions, lines = play.read()
        for one, other in zip(play.worlds[:half], play.worlds[half:], strict=True):
            assert outcome(one, versions, lines) == outcome(other, versions, lines), one


@given(
    quantity=st.integers(1, 4_000).map(lambda n: Decimal(n) / 100) | st.integers(1, 40).map(Decimal),
    days=st.integers(1, 400),
    cut=st.integers(0, 400),
    step=st.sampled_from([Decimal(1), Decimal("0.25"), Decimal("0.01")]),
)
@example(quantity=Decimal("2.6"), days=100, cut=99, step=Decimal(1))
@settings(_relaxed, max_examples=150)
def test_quantities_in_sql_and_python_agree_and_add_up(session, quantity, days, cut, step):
    cut = min(cut, days)
    whole = "daterange(:first, :first + :days)"
    head = share(":quantity", whole, "daterange(:first, :first + :cut)", ":step") if cut else "0"
    tail = share(":quantity", whole, "daterange(:first + :cut, :first + :days)", ":step") if cut < days else "0"
    statement = f"SELECT {head}, {tail}"
    for name, kind in (
        ("first", "date"),
        ("days", "int"),
        ("cut", "int"),
        ("quantity", "numeric"),
        ("step", "numeric"),
    ):
        statement = statement.replace(f":{name}", f"CAST(:{name} AS {kind})")
    values = {"first": START, "days": days, "cut": cut, "quantity": quantity, "step": step}
    before, after = session.execute(text(statement), values).one()
    assert before + after == quantity
    assert before == quantity_until(quantity, cut, days, step)
    assert before >= 0
    assert after >= 0
