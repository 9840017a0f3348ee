"""Follow-ups and what a worker should hear."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import json_object, key_part, primary_key, reference, text, timestamp

FOLLOW_UP_KINDS = ("start", "interval", "before_end", "final", "plan_review")
FOLLOW_UP_STATES = ("open", "acknowledged", "snoozed", "not_needed", "dropped")


class FollowUp(SQLModel, table=True):
    """Something to be looked at on a day. `announced_*` says when its worker, and later the supervisor, was told."""

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("plan_item_id", "kind", "planned_for"),
        Index("ix_follow_up_open", "due", postgresql_where=sql("state IN ('open', 'snoozed')")),
        CheckConstraint("kind IN ('" + "', '".join(FOLLOW_UP_KINDS) + "')", name="kind"),
        CheckConstraint("state IN ('" + "', '".join(FOLLOW_UP_STATES) + "')", name="state"),
        CheckConstraint("rating IS NULL OR rating BETWEEN 1 AND 5", name="rating"),
    )

    id: int = primary_key()
    plan_item_id: int = reference("plan_item.id", index=False)
    kind: str = text()
    planned_for: date
    due: date
    state: str = text(default="open")
    announced_on: date | None = None
    announced_times: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    escalated_on: date | None = None
    settled_at: datetime | None = timestamp()
    settled_by: str | None = text(nullable=True)
    rating: int | None = None
    rated_by: str | None = text(nullable=True)
    findings: dict[str, Any] = json_object()


class ProviderRating(SQLModel, table=True):
    """How many answers there are about a provider's service, and their sum, counted anew each night (services/follow_ups/ratings.py).

    Comparisons ask for it of hundreds of providers at once; to count the answers themselves each time would take them longer than all else.
    """

    __tablename__ = "provider_rating"

    service_id: int = key_part("service.id")
    provider_id: int = key_part("provider.id", index=True)
    answers: int
    total: int


class Notice(SQLModel, table=True):
    """Something a worker should hear once; drained by the daily e-mail (`told_at`)."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("worker_id", "kind", "subject", "event"),
        Index("ix_notice_untold", "event", postgresql_where=sql("told_at IS NULL")),
    )

    id: int = primary_key()
    worker_id: int = reference("worker.id", index=False)
    kind: str = text()
    subject: str = text()
    event: str = text()
    message: dict[str, Any] = json_object()
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    told_at: datetime | None = timestamp()


class Digest(SQLModel, table=True):
    """One day's e-mail to one person, as composed: what a second attempt sends again, byte for byte."""

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("worker_id", "local_date"),)

    id: int = primary_key()
    worker_id: int = reference("worker.id", index=False)
    local_date: date
    message_id: str = text(unique=True)
    state: str = text(default="composed")
    document: str = text()
    items: dict[str, Any] = json_object()
    sent_at: datetime | None = timestamp()
