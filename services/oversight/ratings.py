"""What families answered about each service and provider, in a unit's cases.

An answer is about the provider that was chosen when it was given, as in comparisons (services/follow_ups/ratings.py). These show every
provider's answers of the whole organisation: so that the two cannot be subtracted, a unit's latest blocks are held back where the rest
of the organisation's answers about a provider would be fewer than five.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.follow_ups.ratings import ANSWERED
from services.oversight.blocks import ENOUGH, Block, Cell, Group, blocks, folded
from services.oversight.units import UNIT_CASE

#: Rows in: the first day of this month. Rows out: for each unit, service, provider and month before then, how many answers there are and
#: their sum, of how many cases, and these where they are too few.
_COUNT = text(
    f"""
    WITH {UNIT_CASE}, answered AS (
        SELECT case_id, service_id, provider_id, rating,
               CAST(date_trunc('month', given_at AT TIME ZONE 'Europe/Helsinki') AS date) AS month
        FROM ({ANSWERED}) AS given
    )
    SELECT unit_id, service_id, provider_id, month, count(*) AS answers, sum(rating) AS total, count(DISTINCT case_id) AS cases,
           CASE WHEN count(DISTINCT case_id) < {ENOUGH} THEN array_agg(DISTINCT case_id) END AS few
    FROM answered JOIN unit_case USING (case_id)
    WHERE month < CAST(:this_month AS date)
    GROUP BY unit_id, service_id, provider_id, month
    """  # noqa: S608 - our own words
)

#: Rows out: how many answers of the whole organisation comparisons show, or may show tomorrow.
_EVERYWHERE = text("SELECT service_id, provider_id, answers FROM provider_rating")


def count_ratings_of_units(session: Session, today: date) -> dict[int, list[Block]]:
    """The blocks of every unit: groups (service, provider), ids; '' for those of too few cases together. Months that are over."""
    found: dict[int, dict[Group, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for row in session.execute(_COUNT, {"this_month": today.replace(day=1)}):
        few = None if row.few is None else frozenset(row.few)
        sums = {"answers": Decimal(row.answers), "total": Decimal(row.total)}
        found[row.unit_id][str(row.service_id), str(row.provider_id)].append(Cell(row.month, few, row.cases, sums))
    everywhere: dict[Group, int] = {
        (str(row.service_id), str(row.provider_id)): int(row.answers) for row in session.execute(_EVERYWHERE)
    }
    return {
        unit: [
            block
            for group, cells in folded(groups, _others).items()
            for block in beside_everybody(blocks(group, cells), everywhere.get(group))
        ]
        for unit, groups in found.items()
    }


def _others(group: Group) -> Group | None:
    """Providers of a service together, then services together."""
    service, provider = group
    if provider:
        return (service, "")
    return ("", "") if service else None


def beside_everybody(told: list[Block], everywhere: int | None) -> list[Block]:
    """The blocks that may be told beside the organisation's `everywhere` answers (None: not told anywhere): all, or all but the latest."""
    if everywhere is None:
        return told
    kept = list(told)
    while kept and 0 < everywhere - sum(int(one.sums["answers"]) for one in kept) < ENOUGH:
        kept.pop()
    return kept
