"""Who is away, and who stands in: what a deputy may see of another's cases hangs on it (`cases.py`). Every change is audited."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from services import audit

_KNOWN = text("SELECT id, active FROM worker WHERE external_id = :worker")
#: Two absences of one worker that are entered at once must see each other.
_LOCK = text("SELECT FROM worker WHERE id = :worker_id FOR NO KEY UPDATE")
#: Rows out: an absence of the worker that shares a day with the period.
_OVERLAPPING = text(
    """
    SELECT lower(period) AS first, upper(period) - 1 AS last FROM absence
    WHERE worker_id = :worker_id AND cancelled_at IS NULL AND period && daterange(:first, :last, '[]')
    ORDER BY period LIMIT 1
    """
)
_INSERT = text(
    """
    INSERT INTO absence (worker_id, deputy_id, period, actor)
    VALUES (:worker_id, :deputy_id, daterange(:first, :last, '[]'), :actor) RETURNING id
    """
)
#: Rows in: a worker and today. Rows out: the absence that is on, or the next one; it is cancelled.
_CANCEL = text(
    """
    UPDATE absence SET cancelled_at = clock_timestamp()
    WHERE id = (SELECT id FROM absence
                WHERE worker_id = :worker_id AND cancelled_at IS NULL AND upper(period) > :today ORDER BY period LIMIT 1)
    RETURNING id, deputy_id, lower(period) AS first, upper(period) - 1 AS last
    """
)
#: Rows out: absences that are on or still to come, by worker and day.
_AHEAD = text(
    """
    SELECT worker.external_id AS worker, deputy.external_id AS deputy, lower(period) AS first, upper(period) - 1 AS last
    FROM absence JOIN worker ON worker.id = worker_id LEFT JOIN worker AS deputy ON deputy.id = deputy_id
    WHERE cancelled_at IS NULL AND upper(period) > :today ORDER BY worker.external_id, period
    """
)


@dataclass(frozen=True)
class Away:
    """An absence as people know it: workers by external id, first and last day."""

    worker: str
    deputy: str | None
    first: date
    last: date


def go_away(
    session: Session, worker: str, *, first: date, last: date, deputy: str | None, now: datetime, actor: str
) -> Away:
    """Enter an absence; `deputy` sees and does the worker's cases on its days. Raises NotFound, InputError."""
    if last < first:
        raise InputError("The last day ({last}) is before the first ({first}).", first=str(first), last=str(last))
    if deputy == worker:
        raise InputError("Nobody stands in for themselves; name another worker as deputy.")
    worker_id = _known(session, worker)
    deputy_id = None if deputy is None else _known(session, deputy, must_be_active=True)
    session.execute(_LOCK, {"worker_id": worker_id})
    values = {"worker_id": worker_id, "first": first, "last": last}
    other = session.execute(_OVERLAPPING, values).one_or_none()
    if other is not None:
        raise InputError(
            "{worker} is away from {start} to {end} already; first end that with: avain worker back {worker}",
            worker=worker, start=str(other.first), end=str(other.last),
        )  # fmt: skip
    id_ = session.execute(_INSERT, {**values, "deputy_id": deputy_id, "actor": actor}).scalar_one()
    details = {"absence": id_, "first": str(first), "last": str(last), "deputy": deputy}
    audit.record(session, actor, "worker.away", f"worker:{worker}", now=now, **details)
    return Away(worker, deputy, first, last)


def come_back(session: Session, worker: str, *, today: date, now: datetime, actor: str) -> Away:
    """End the absence that is on, from today, or call the next one off. Raises NotFound, InputError.

    Rows are kept as they were entered: what is past of it is entered anew, as an absence that ended yesterday.
    """
    worker_id = _known(session, worker)
    session.execute(_LOCK, {"worker_id": worker_id})
    row = session.execute(_CANCEL, {"worker_id": worker_id, "today": today}).one_or_none()
    if row is None:
        raise InputError("{worker} is not away, and no absence is entered for later.", worker=worker)
    yesterday = today - timedelta(days=1)
    if row.first <= yesterday:
        values = {"worker_id": worker_id, "deputy_id": row.deputy_id, "first": row.first, "last": yesterday}
        session.execute(_INSERT, {**values, "actor": actor})
    audit.record(
        session,
        actor,
        "worker.back",
        f"worker:{worker}",
        now=now,
        absence=row.id,
        first=str(row.first),
        last=str(row.last),
    )
    return Away(worker, None, row.first, row.last)


def ahead(session: Session, today: date) -> list[Away]:
    """Absences that are on or still to come."""
    return [Away(row.worker, row.deputy, row.first, row.last) for row in session.execute(_AHEAD, {"today": today})]


def _known(session: Session, worker: str, *, must_be_active: bool = False) -> Any:
    row = session.execute(_KNOWN, {"worker": worker}).one_or_none()
    if row is None:
        raise NotFound("There is no worker {worker}.", worker=worker)
    if must_be_active and not row.active:
        raise InputError("The worker {worker} is not active and cannot stand in.", worker=worker)
    return row.id
