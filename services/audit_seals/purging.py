"""Purging: what events say (who, to what, why, details) is removed after the time it has to be kept. When something was done, and what, stays, and so
does the seal. Only the owner of the tables may do it, and it is an act of its own, recorded in the trail.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import years_before
from core.errors import AvainError, InputError
from core.i18n import HELSINKI
from services import audit

#: Rows in: a moment. Rows out: one, how many sealed events from before it have not been purged, and from when they are.
_OLD: Final = text(
    """
    SELECT count(*) AS counted, min(event.recorded_at) AS oldest, max(event.recorded_at) AS newest FROM audit_event AS event
    JOIN audit_seal ON audit_seal.event_id = event.id
    WHERE event.recorded_at < :before AND event.purged_by IS NULL AND event.action NOT IN ('audit.purged', 'audit.anchored_anew')
    """
)
_PURGE = text("SELECT audit_purge(:before, :record)")
_MAY = text("SELECT has_function_privilege('audit_purge(timestamptz, bigint)', 'execute')")


@dataclass(frozen=True)
class Purge:
    """What is purged: events recorded before the first moment of a day, Helsinki's; how many, and from when they are."""

    before: datetime
    count: int
    oldest: datetime | None
    newest: datetime | None


def plan(session: Session, before: date, *, today: date, keep_years: int) -> Purge:
    """What would be purged. Raises InputError when it has to be kept longer, or this role may not purge."""
    latest = years_before(today, keep_years)
    if before > latest:
        raise InputError(
            "What events say is kept for {years} years ([audit] keep_years): purge nothing later than before {date}.",
            years=keep_years,
            date=latest.isoformat(),
        )
    if not session.execute(_MAY).scalar_one():
        raise InputError("Only the owner of the tables may purge the audit trail: set AVAIN_DATABASE_OWNER_URL.")
    moment = datetime.combine(before, time(), HELSINKI).astimezone(UTC)
    found: Any = session.execute(_OLD, {"before": moment}).one()
    return Purge(moment, found.counted, found.oldest, found.newest)


def purge(session: Session, what: Purge, *, actor: str, reason: str, now: datetime) -> int:
    """Record the purge and do it, in one transaction; the id of the record. Raises InputError when there is nothing to purge.

    The transaction must be REPEATABLE READ, so that the record tells the very number that is gone.
    """
    if not what.count:
        raise InputError("There is nothing to purge.")
    audit.record(
        session, actor, "audit.purged", "audit:events", now=now, reason=reason,
        before=what.before.isoformat(), count=what.count,
    )  # fmt: skip
    record = session.execute(
        text("SELECT max(id) FROM audit_event WHERE xid = pg_current_xact_id()::text::bigint")
    ).scalar_one()
    if session.execute(_PURGE, {"before": what.before, "record": record}).scalar_one() != what.count:
        raise AvainError("Another number of events was purged than was counted; nothing was changed.")
    return int(record)
