"""The audit trail: who did what, to what, why. Rows are only ever inserted (models/audit.py)."""

from datetime import datetime
from typing import Any

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
