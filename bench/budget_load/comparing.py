"""How many comparisons one connection makes in a second, in the county of bench/budget_load/world.py: 40 services, 200 providers, 20,000 prices.

Every service is sold by 150 providers there, more than in any real county, and every fourth may be replaced by one other, so that a comparison
shows 150 or 300 offers. Asked as the command asks: a session of its own each time, nothing kept from one to the next. Without a case
every service in turn, for a dozen units and three months; with one, a planned service of case after case.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.database import make_engine
from services.compare import Comparison, compare_case, compare_service

_EACH: Final = 100
_BEST_OF: Final = 3
_SETTINGS: Final = Budgets()
_ALTERNATIVES: Final = """
    INSERT INTO service_alternative (baseline_id, alternative_id)
    SELECT id, lead FROM (SELECT id, lead(id) OVER (ORDER BY id) FROM service) AS neighbour WHERE id % 4 = 0 AND lead IS NOT NULL
    ON CONFLICT DO NOTHING
"""


def measure(url: str, today: date | None = None) -> dict[str, float | int]:
    """`compare_per_s`, the slower way of the two; both by themselves; how many offers a comparison showed on average.

    `today` is the day the county was made on, by default the present one.
    """
    asked_on = today or datetime.now(UTC).date()
    engine = make_engine(url)
    with Session(engine) as session, session.begin():
        session.execute(text(_ALTERNATIVES))
        services = list(session.execute(text("SELECT code FROM service ORDER BY id")).scalars())
        plans = session.execute(
            text(
                "SELECT number, plan_item.external_id FROM plan_item JOIN client_case ON client_case.id = case_id"
                " WHERE plan_item.id % 7 = 0 ORDER BY plan_item.id LIMIT 1000"
            )
        ).all()
    turns = count()

    def without() -> Comparison:
        with Session(engine) as session:
            return compare_service(
                session,
                baseline=services[next(turns) % len(services)],
                quantity=Decimal(12),
                today=asked_on,
                settings=_SETTINGS,
            )

    def with_case() -> Comparison:
        case, item = plans[next(turns) % len(plans)]
        with Session(engine) as session:
            return compare_case(session, case, item=item, today=asked_on, settings=_SETTINGS)[0]

    try:
        (alone, offers), (of_cases, others) = _per_second(without), _per_second(with_case)
    finally:
        engine.dispose()
    return {
        "compare_per_s": min(alone, of_cases),
        "compare_without_case_per_s": alone,
        "compare_case_per_s": of_cases,
        "compare_offers": round((offers + others) / 2),
    }


def _per_second(compare: Callable[[], Comparison]) -> tuple[float, float]:
    """The best of three rounds, after a first try that counts for nothing; and the mean number of offers."""
    compare()
    best, offers = 0.0, 0
    for _ in range(_BEST_OF):
        started = time.perf_counter()
        for _ in range(_EACH):
            offers += len(compare().offers)
        best = max(best, _EACH / (time.perf_counter() - started))
    return best, offers / (_BEST_OF * _EACH)
