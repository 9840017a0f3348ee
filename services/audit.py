"""The audit trail: who did what, to what, why. Rows are only ever inserted (models/audit.py)."""

from datetime import datetime
from typing import Any

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
