"""Counting all units by night, all subjects anew: what is wrong today is right tomorrow, whatever was purged, imported or corrected."""

import json
from collections.abc import Mapping
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from services.oversight.blocks import Block
from services.oversight.euros import count_euros, count_left_out
from services.oversight.exceptions import count_candidates
from services.oversight.months import AHEAD, months_on
from services.oversight.ratings import count_ratings_of_units
from services.oversight.results import count_results
from services.oversight.starts import count_starts
from services.oversight.workload import count_workload

#: Rows in: JSON of unit, subject and blocks. What was counted before is replaced.
_KEEP = text(
    """
    WITH counted AS (
        SELECT * FROM jsonb_to_recordset(CAST(:counted AS jsonb)) AS given(unit_id bigint, subject text, blocks jsonb)
    ), gone AS (
        DELETE FROM unit_count WHERE (unit_id, subject) NOT IN (SELECT unit_id, subject FROM counted)
    )
    INSERT INTO unit_count (unit_id, subject, blocks, counted_at)
    SELECT unit_id, subject, blocks, :now FROM counted
    ON CONFLICT (unit_id, subject) DO UPDATE SET blocks = excluded.blocks, counted_at = excluded.counted_at
    """
)
_UNITS = text("SELECT id FROM unit")


def count_units(session: Session, today: date, order_period: str = "whole") -> dict[str, int]:
    """Count what supervisors are shown of many cases. Returns how many units and blocks.

    `order_period`: how orders are made where the provider does not say, `whole` or `monthly`.
    """
    last = months_on(today, AHEAD + 1)
    subjects: Mapping[str, Mapping[int, list[Block]]] = {
        # the day before the first that is not told
        "euros": count_euros(session, date.fromordinal(last.toordinal() - 1)),
        "left_out": count_left_out(session, today),
        "starts": count_starts(session, today),
        "ratings": count_ratings_of_units(session, today),
        "results": count_results(session, today),
        "workload": count_workload(session, today, order_period),
        "exceptions": count_candidates(session, today),
    }
    units = list(session.scalars(_UNITS))
    counted = [
        {"unit_id": unit, "subject": subject, "blocks": [one.to_json() for one in blocks.get(unit, [])]}
        for subject, blocks in subjects.items()
        for unit in units
    ]
    session.execute(_KEEP, {"counted": json.dumps(counted), "now": business_now(session)})
    return {"units": len(units), "groups": sum(len(one["blocks"]) for one in counted)}
