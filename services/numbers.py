"""Numbers people see: `HB-2026-000001` for cases, `T-2026-000001` for orders. Without gaps, never used twice."""

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
    if count <= 0:
        return []
    last = session.execute(_TAKE, {"series": f"{prefix}-{year}", "count": count}).scalar_one()
    return [f"{prefix}-{year}-{value:06d}" for value in range(last - count + 1, last + 1)]
