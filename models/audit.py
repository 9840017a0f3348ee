"""Who did and saw what. Insert-only: the application's role may not change a row, and a trigger refuses it for everybody."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, literal_column
from sqlalchemy import text as sql
from sqlmodel import SQLModel

from models.base import json_object, primary_key, text, timestamp


class AuditEvent(SQLModel, table=True):
    """One act of a person or of Avain on somebody's behalf. `subject` is `case:HB-2026-000001`-like; details hold no names.

    `cases` among the details: numbers of the cases that a list showed, or that something beside a case concerns.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_actor", "actor", "id"),
        Index("ix_audit_event_action", "action", "id"),
        # in which lists a case was shown; written at once, so that whoever looks never goes through a list of what is not indexed yet
        Index(
            "ix_audit_event_cases",
            literal_column("(details -> 'cases')").label("cases"),
            postgresql_using="gin",
            postgresql_ops={"cases": "jsonb_path_ops"},
            postgresql_with={"fastupdate": "off"},
            postgresql_where=sql("details ? 'cases'"),
        ),
    )

    id: int = primary_key()
    recorded_at: datetime = timestamp(nullable=False, machine=True, index=True)
    business_at: datetime = timestamp(nullable=False, index=True)
    actor: str = text()
    action: str = text()
    subject: str = text(index=True)
    reason: str = text(default="")
    details: dict[str, Any] = json_object()
