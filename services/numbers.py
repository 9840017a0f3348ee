"""Numbers people see: `HB-2026-000001` for cases, `T-2026-000001` for orders. Without gaps, never used twice."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message, Postponed
from core.i18n import N_

#: Rows in: a series and how many. Rows out: the last number taken. The row lock holds until the creating transaction ends,
#: so a rolled back creation returns its numbers. None out in a restored database: which numbers were given out after its copy was made is not known.
_TAKE = text(
    """
    INSERT INTO counter AS series (series, value) SELECT :series, :count WHERE effects_state() <> 'restored'
    ON CONFLICT (series) DO UPDATE SET value = series.value + :count
    RETURNING value
    """
)

#: Rows in: series and the highest number of each that was given out anywhere. Rows changed: the counters that are behind. Rows out: what
#: was passed over, which is kept.
_PASS_OVER = text(
    """
    WITH wanted AS (
        SELECT series, highest, coalesce(value, 0) AS value
        FROM unnest(CAST(:series AS text[]), CAST(:values AS bigint[])) AS given(series, highest) LEFT JOIN counter USING (series)
        WHERE highest > coalesce(value, 0)
    ), moved AS (
        INSERT INTO counter (series, value) SELECT series, highest FROM wanted
        ON CONFLICT (series) DO UPDATE SET value = greatest(counter.value, excluded.value)
    )
    INSERT INTO number_gap (series, first, last, reason) SELECT series, value + 1, highest, :reason FROM wanted ORDER BY series
    RETURNING series, first, last
    """
)

_RESTORED = N_(
    "No new numbers are given out: the database of this Avain was restored from a backup or moved to another server, and whoever runs it has to release it first."
)
_LOOK_AGAIN_SECONDS = 60.0


def take(session: Session, prefix: str, year: int, count: int = 1) -> list[str]:
    """The next `count` numbers of a series, in order: `take(s, "T", 2026, 2)` → `["T-2026-000007", "T-2026-000008"]`."""
    start = take_range(session, prefix, year, count)
    return [start.number(place) for place in range(count)]


@dataclass(frozen=True)
class Start:
    """Where a range of numbers begins: `HB-2026-` and 7. A number has at least six digits."""

    prefix: str
    first: int

    def number(self, place: int) -> str:
        """The number at a place of the range, from 0."""
        return f"{self.prefix}{self.first + place:06d}"


def take_range(session: Session, prefix: str, year: int, count: int) -> Start:
    """As `take`, for statements that write the numbers themselves. Raises Postponed in a database that was restored."""
    series = f"{prefix}-{year}"
    if count <= 0:
        return Start(f"{series}-", 0)
    return Start(f"{series}-", _taken(session, series, count) - count + 1)


def next_free(session: Session, prefix: str, year: int) -> Start:
    """Where the next range begins, without taking any of it: nobody else takes a number until the transaction ends.

    For whoever has to know the numbers before it is known how many are used: take them with `take_range` then.
    """
    series = f"{prefix}-{year}"
    return Start(f"{series}-", _taken(session, series, 0) + 1)


def _taken(session: Session, series: str, count: int) -> int:
    last: int | None = session.execute(_TAKE, {"series": series, "count": count}).scalar_one_or_none()
    if last is None:
        raise Postponed(Message(_RESTORED), retry_after=_LOOK_AGAIN_SECONDS)
    return last


@dataclass(frozen=True)
class Gap:
    """Numbers of a series that nobody here has, from `first` to `last`."""

    series: str
    first: int
    last: int


def pass_over(session: Session, highest: Mapping[str, int], *, reason: str) -> list[Gap]:
    """Go on after these numbers (`{"T-2026": 151}`), which were given out elsewhere; what is passed over is kept, with the reason."""
    values = {"series": list(highest), "values": list(highest.values()), "reason": reason}
    return [Gap(row.series, row.first, row.last) for row in session.execute(_PASS_OVER, values)]
