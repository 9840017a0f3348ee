"""Numbers people see: `HB-2026-000001` for cases, `T-2026-000001` for orders. Without gaps, never used twice."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Rows in: a series and how many. Rows out: the last number taken. The row lock holds until the creating transaction ends,
#: so a rolled back creation returns its numbers.
_TAKE = text(
    """
    INSERT INTO counter AS series (series, value) VALUES (:series, :count)
    ON CONFLICT (series) DO UPDATE SET value = series.value + :count
    RETURNING value
    """
)


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
    """As `take`, for statements that write the numbers themselves."""
    series = f"{prefix}-{year}"
    if count <= 0:
        return Start(f"{series}-", 0)
    last = session.execute(_TAKE, {"series": series, "count": count}).scalar_one()
    return Start(f"{series}-", last - count + 1)


def next_free(session: Session, prefix: str, year: int) -> Start:
    """Where the next range begins, without taking any of it: nobody else takes a number until the transaction ends.

    For whoever has to know the numbers before it is known how many are used: take them with `take_range` then.
    """
    series = f"{prefix}-{year}"
    last = session.execute(_TAKE, {"series": series, "count": 0}).scalar_one()
    return Start(f"{series}-", last + 1)
