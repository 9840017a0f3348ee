"""Is the database behind its own journal? Then it was set back to an earlier point in place, where its name alone does not tell.

What the journal says of this very instance was in the database before it was written: the attempt that had an effect, and the numbers that were
given out. A database that knows nothing of it has lost it since.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import N_
from services.effects.journal import Line

#: Rows in: ends of the journal. Rows out: one: the instance, whether an attempt of its own is unknown, and whether one of its series is short.
_BEHIND: Final = text(
    """
    WITH said AS (
        SELECT run, token, numbers
        FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line(instance text, run bigint, token uuid, numbers jsonb)
        WHERE instance = (SELECT instance FROM effects)
    )
    SELECT (SELECT instance FROM effects) AS instance,
           EXISTS (SELECT FROM said WHERE run > 0 AND NOT EXISTS (SELECT FROM run WHERE run.id = said.run AND run.token = said.token))
               AS attempt,
           EXISTS (SELECT FROM said, jsonb_each_text(numbers) AS one(series, value)
                   WHERE NOT EXISTS (SELECT FROM counter WHERE counter.series = one.series AND counter.value >= one.value::bigint)) AS numbers
    """
)
_NUMBERS: Final = text("SELECT series, value FROM counter ORDER BY series")

ATTEMPT: Final = N_(
    "The database was set back to an earlier point: something left Avain in an attempt that it knows nothing of."
)
NUMBERS: Final = N_("The database was set back to an earlier point: numbers were given out that it knows nothing of.")


def instance_and_doubt(session: Session, latest: Sequence[Line]) -> tuple[str, Message | None]:
    """The name of this instance, and why its database must have been set back; None when the journal says nothing of that kind."""
    lines = [
        {"instance": one.instance, "run": one.run, "token": one.token or None, "numbers": dict(one.numbers)}
        for one in latest
    ]
    row = session.execute(_BEHIND, {"lines": json.dumps(lines)}).one()
    if row.attempt:
        return row.instance, Message(ATTEMPT)
    return row.instance, Message(NUMBERS) if row.numbers else None


def numbers(session: Session) -> Mapping[str, int]:
    """How far each series of numbers is."""
    return {row.series: row.value for row in session.execute(_NUMBERS)}
