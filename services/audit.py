"""The audit trail: who did what, to what, why. Rows are only ever inserted (models/audit.py)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEvent


def record(
    session: Session, actor: str, action: str, subject: str, *, now: datetime, reason: str = "", **details: Any
) -> None:
    """Note one act in the caller's transaction: it is recorded if and only if it happened.

    `actor` is `cli:<user>`, `worker:<external id>` or `avain`; `action` a dotted word such as `order.approved`; `subject` a
    reference such as `case:HB-2026-000001`. Details are ids, numbers and dates, never names or free text about a client.
    """
    session.add(
        AuditEvent(business_at=now, actor=actor, action=action, subject=subject, reason=reason, details=details)
    )
    session.flush()  # one insert a human act: the event must not wait behind later statements of the same transaction


@dataclass(frozen=True)
class Event:
    """One act of many that are recorded together; as the arguments of `record`."""

    actor: str
    action: str
    subject: str
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def record_many(session: Session, events: Sequence[Event], *, now: datetime) -> None:
    """Note many acts of one moment in one statement, in their order."""
    if events:
        session.add_all(AuditEvent(business_at=now, **vars(one)) for one in events)
        session.flush()  # as one human act each (`record`)


#: So many are read at once.
PAGE: Final = 100


@dataclass(frozen=True)
class Wanted:
    """What a list of events is narrowed to. `day`: of the business clock, as the events are shown; its first moment and the next day's."""

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    day: tuple[datetime, datetime] | None = None


def listed(session: Session, wanted: Wanted, *, before: int | None = None, limit: int = PAGE) -> list[AuditEvent]:
    """Events, newest first, before the one with the id `before`. A subject without its kind is a case's number."""
    statement = select(AuditEvent).limit(limit)
    exact = {"subject": wanted.subject, "actor": wanted.actor, "action": wanted.action}
    for name, value in exact.items():
        if value is not None:
            statement = statement.where(getattr(AuditEvent, name) == value)
    if wanted.day is not None:
        first, after = wanted.day
        statement = statement.where(AuditEvent.business_at >= first, AuditEvent.business_at < after)  # type: ignore[arg-type]
    if before is not None:
        statement = statement.where(AuditEvent.id < before)  # type: ignore[arg-type]
    id_: Any = AuditEvent.id
    # Of one day the index of moments finds them all; walking back by id instead would pass everything since.
    statement = statement.order_by((id_ + 0 if wanted.day is not None else id_).desc())
    return list(session.scalars(statement))


def events(session: Session, subject: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest events, of one subject or all: at, actor, action, subject, reason, details."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)  # type: ignore[attr-defined]
    if subject is not None:
        statement = statement.where(AuditEvent.subject == subject)  # type: ignore[arg-type]
    return [
        {
            "at": e.business_at,
            "actor": e.actor,
            "action": e.action,
            "subject": e.subject,
            "reason": e.reason,
            "details": e.details,
        }
        for e in session.scalars(statement)
    ]
