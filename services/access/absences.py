"""Who is away, and who stands in: what a deputy may see of another's cases hangs on it (`cases.py`). Every change is audited."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import local_date
from core.errors import InputError, Message, NotFound
from services import audit

#: Longer than any leave. What is further away is a slip of the pen, and would silence somebody for good.
_FURTHEST: Final = timedelta(days=5 * 366)

_KNOWN = text("SELECT id, active FROM worker WHERE external_id = :worker")
#: Two absences of one worker that are entered at once must see each other.
_LOCK = text("SELECT FROM worker WHERE id = :worker_id FOR NO KEY UPDATE")
#: Rows out: an absence of the worker, entered by people, that shares a day with the period.
_OVERLAPPING = text(
    """
    SELECT lower(period) AS first, upper(period) - 1 AS last FROM absence
    WHERE worker_id = :worker_id AND cancelled_at IS NULL AND source IS NULL AND period && daterange(:first, :last, '[]')
    ORDER BY period LIMIT 1
    """
)
_INSERT = text(
    """
    INSERT INTO absence (worker_id, deputy_id, period, actor)
    VALUES (:worker_id, :deputy_id, daterange(:first, :last, '[]'), :actor) RETURNING id
    """
)
#: Rows in: a worker and days. Rows out: absences told by a source that share a day with them, called off; what is left of them on other
#: days is entered anew, as that source's.
_REPLACE = text(
    """
    WITH old AS (
        UPDATE absence SET cancelled_at = clock_timestamp()
        WHERE worker_id = :worker_id AND cancelled_at IS NULL AND source IS NOT NULL AND period && daterange(:first, :last, '[]')
        RETURNING id, worker_id, deputy_id, period, actor, source),
    rest AS (
        INSERT INTO absence (worker_id, deputy_id, period, actor, source)
        SELECT worker_id, deputy_id, unnest(datemultirange(period) - datemultirange(daterange(:first, :last, '[]'))), actor, source FROM old)
    SELECT id FROM old
    """
)
#: Rows in: a worker, today, and an absence or NULL. Rows out: that absence, else the one that is on, else the next one.
_NEXT = text(
    """
    SELECT id, deputy_id, source, lower(period) AS first, upper(period) - 1 AS last FROM absence
    WHERE worker_id = :worker_id AND cancelled_at IS NULL AND upper(period) > :today
      AND (CAST(:absence AS bigint) IS NULL OR id = :absence)
    ORDER BY period LIMIT 1
    """
)
_CANCEL = text("UPDATE absence SET cancelled_at = clock_timestamp() WHERE id = :id")
#: Rows in: a deputy and days. Rows out: whether the deputy is away on every one of them.
_ALL_AWAY = text(
    """
    SELECT coalesce(range_agg(period) @> daterange(:first, :last, '[]'), false) FROM absence
    WHERE worker_id = :deputy_id AND cancelled_at IS NULL
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
    """An absence as people know it: workers by external id, first and last day. `deputy_away`: the deputy is away on all of those days,
    so that nobody stands in unless the deputy's own deputy does.
    """

    worker: str
    deputy: str | None
    first: date
    last: date
    deputy_away: bool = False

    @property
    def said(self) -> Message:
        """That it was entered."""
        known = {"worker": self.worker, "start": str(self.first), "end": str(self.last), "deputy": self.deputy}
        if self.deputy_away:
            return Message(
                "{worker} is away from {start} to {end}. But {deputy} is away on all of those days as well: name somebody else, or see to "
                "it that somebody stands in for {deputy}.",
                **known,
            )
        if self.deputy is None:
            return Message("{worker} is away from {start} to {end}; nobody stands in.", **known)
        return Message("{worker} is away from {start} to {end}; {deputy} stands in.", **known)


def go_away(
    session: Session, worker: str, *, first: date, last: date, deputy: str | None, now: datetime, actor: str
) -> Away:
    """Enter an absence; `deputy` sees and does the worker's cases on its days. It takes the place of what a source told of those days.

    Raises NotFound, InputError.
    """
    if last < first:
        raise InputError("The last day ({last}) is before the first ({first}).", first=str(first), last=str(last))
    today = local_date(now)
    if today - first > _FURTHEST or last - today > _FURTHEST:
        raise InputError("An absence begins and ends within five years of today; check its days.")
    if deputy == worker:
        raise InputError("Nobody stands in for themselves; name another worker as deputy.")
    worker_id = _known(session, worker)
    deputy_id = None if deputy is None else _known(session, deputy, must_be_active=True)
    session.execute(_LOCK, {"worker_id": worker_id})
    values = {"worker_id": worker_id, "first": first, "last": last}
    other = session.execute(_OVERLAPPING, values).one_or_none()
    if other is not None:
        raise InputError(
            "{worker} is away from {start} to {end} already; first end that absence.",
            worker=worker, start=str(other.first), end=str(other.last),
        )  # fmt: skip
    replaced = session.scalars(_REPLACE, values).all()
    id_ = session.execute(_INSERT, {**values, "deputy_id": deputy_id, "actor": actor}).scalar_one()
    details = {"absence": id_, "first": str(first), "last": str(last), "deputy": deputy}
    details |= {"replaced": list(replaced)} if replaced else {}
    audit.record(session, actor, "worker.away", f"worker:{worker}", now=now, **details)
    values = {"deputy_id": deputy_id, "first": first, "last": last}
    return Away(worker, deputy, first, last, deputy is not None and session.execute(_ALL_AWAY, values).scalar_one())


def come_back(
    session: Session, worker: str, *, today: date, now: datetime, actor: str, absence: int | None = None
) -> Away:
    """End the absence that is on, from today, or call the next one off; or do so with the `absence` of that id. Raises NotFound, InputError.

    Rows are kept as they were entered: what is past of it is entered anew, as an absence that ended yesterday.
    """
    worker_id = _known(session, worker)
    session.execute(_LOCK, {"worker_id": worker_id})
    row = session.execute(_NEXT, {"worker_id": worker_id, "today": today, "absence": absence}).one_or_none()
    if row is None and absence is not None:
        raise InputError("That absence is over already.")
    if row is None:
        raise InputError("{worker} is not away, and no absence is entered for later.", worker=worker)
    if row.source is not None:
        raise InputError("The source {source} tells of this absence; it must be ended there.", source=row.source)
    session.execute(_CANCEL, {"id": row.id})
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
