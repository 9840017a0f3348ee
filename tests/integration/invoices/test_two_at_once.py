"""Two files of one seller at the same moment: the second waits for the first and knows of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.orm import Session

from core.database import make_engine
from services.invoices.taking import Outcome
from tests.support.billing import Billing
from tests.support.invoices import Row


@pytest.mark.parametrize(
    ("second", "state"),
    [
        ({"number": "L-1", "rows": [Row("968.00", "11")]}, "repeated"),
        ({"number": "L-2", "rows": [Row("176.00", "2")]}, "held"),
    ],
)
def test_the_second_waits_for_the_first(database, second, state):
    engine = make_engine(database.database_url)
    with Session(engine, expire_on_commit=False) as session:
        billing = Billing(session)
        session.commit()

    def take(session: Session, **over) -> Outcome:
        billing.session = session
        return billing.take(**over)

    def other() -> Outcome:
        with Session(engine, expire_on_commit=False) as later:
            outcome = take(later, **second)
            later.commit()
            return outcome

    with ThreadPoolExecutor(1) as pool, Session(engine, expire_on_commit=False) as first:
        assert take(first, number="L-1", rows=[Row("968.00", "11")]).state == "applied"
        waiting = pool.submit(other)
        first.commit()
        assert waiting.result(timeout=60).state == state
    engine.dispose()
