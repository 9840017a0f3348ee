"""Budgets calculated once more: the third reading of the rules agrees with Avain's, whatever happens to random cases, and says so where it does not.

The cases and the way they live are those of tests/integration/test_budget_oracle.py, where Avain's figures are held against an oracle.
"""

from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from core.database import make_engine
from services.consistency.budgets import budgets
from services.consistency.findings import Looked
from services.consistency.scope import Scope
from tests.conftest import own_database
from tests.support.budget_play import Play

CASES = 60


def looked_at(play: Play, **over) -> Looked:
    return budgets(replace(Scope(play.session, play.today, play.settings, budgets=None), **over))


def sorts(looked: Looked) -> dict[str, int]:
    return {one.sort.name: one.count for one in looked.broken}


@given(seed=st.integers(0, 2**48))
@settings(
    max_examples=3,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_every_budget_is_what_its_rows_come_to(services, seed):
    with own_database(services) as database:
        engine = make_engine(database.database_url)
        with Session(engine) as session:
            play = Play(session, Random(seed))
            play.begin(range(seed, seed + CASES), settled=False)
            for share in (0.4, 0.5, 1):
                play.happen(share)
                if play.random.random() < 0.4:
                    play.change_settings()
                if play.random.random() < 0.6:
                    play.next_day()
                noted = looked_at(play)
                assert noted.left_out > 0
                assert noted.broken == [], f"seed {seed}, before: {noted.broken}"
                play.recompute()
                found = looked_at(play)
                assert (found.broken, found.left_out) == ([], 0), f"seed {seed}, {play.today}: {found.broken}"
                assert found.examined == len(play.decided())
        engine.dispose()
