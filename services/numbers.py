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
    return [f"{start.prefix}{value:06d}" for value in range(start.first, start.first + count)]


@dataclass(frozen=True)
class Start:
    """Where a range of numbers begins: `HB-2026-` and 7. A number has at least six digits."""

    prefix: str
    first: int


def take_range(session: Session, prefix: str, year: int, count: int) -> Start:
    """As `take`, for statements that write the numbers themselves."""
    series = f"{prefix}-{year}"
    if count <= 0:
        return Start(f"{series}-", 0)
    last = session.execute(_TAKE, {"series": series, "count": count}).scalar_one()
    return Start(f"{series}-", last - count + 1)
