"""Who did and saw what, and the seals over it. Insert-only: the application's role may not change a row, and triggers refuse it for everybody."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Integer, LargeBinary, literal_column
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import json_object, plain_id, primary_key, text, timestamp


class AuditEvent(SQLModel, table=True):
    """One act of a person or of Avain on somebody's behalf. `subject` is `case:HB-2026-000001`-like; details hold no names.

    `cases` among the details: numbers of the cases that a list showed, or that something beside a case concerns.

    `xid` is the transaction that wrote it, filled by the database: by it the sealer knows what has been committed since it last looked.
    `purged_by` is set when its payload (actor, subject, reason, details) was removed after the time it had to be kept: the id of the event
    that records the removal.
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
        Index("ix_audit_event_xid", "xid"),
    )

    id: int = primary_key()
    recorded_at: datetime = timestamp(nullable=False, machine=True, index=True)
    business_at: datetime = timestamp(nullable=False, index=True)
    actor: str = text()
    action: str = text()
    subject: str = text(index=True)
    reason: str = text(default="")
    details: dict[str, Any] = json_object()
    xid: int = Field(
        default=None,
        sa_column=Column(BigInteger, nullable=False, server_default=sql("(pg_current_xact_id()::text::bigint)")),
    )
    purged_by: int | None = plain_id()


class AuditSeal(SQLModel, table=True):
    """One link of a month's chain: the seal of one event (docs/audit.md says over which bytes).

    `salt` hides what `payload_sha256` is of, once the payload was purged: it goes with it. `event_id` is no foreign key: that an event
    is missing must be found and said, not prevented only where constraints are in force.
    """

    __tablename__ = "audit_seal"

    month: date = Field(primary_key=True, sa_type=Date)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    event_id: int = Field(sa_type=BigInteger, unique=True)
    salt: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)
    payload_sha256: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditSealing(SQLModel, table=True):
    """How far sealing is: one row. What was sealed is told by the seals; this says what the sealer had seen, and what it wrote outside.

    `snapshot` is PostgreSQL's (`pg_current_snapshot()`), of the server `cluster` (its system identifier, for transactions are numbered
    anew on another): every transaction it calls over was looked through. `anchors` lines are in the anchor file, the last one of the
    seal `anchored_position` in `anchored_month`. `verified` is what the nightly verification found.
    """

    __tablename__ = "audit_sealing"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    snapshot: str | None = text(nullable=True)
    cluster: str | None = text(nullable=True)
    sealed_at: datetime | None = timestamp()
    anchors: int = Field(default=0, sa_type=BigInteger)
    anchored_month: date | None = Field(default=None, sa_type=Date, nullable=True)
    anchored_position: int | None = plain_id()
    verified_at: datetime | None = timestamp()
    verified: dict[str, Any] | None = json_object(nullable=True)
