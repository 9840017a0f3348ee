"""Follow-ups and what a worker should hear."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import checked_reference, json_object, key_part, primary_key, reference, text, timestamp

#: Of a planned service, of an order, and of a case's client plan.
ITEM_KINDS = ("start", "interval", "before_end", "final", "approval")
ORDER_KINDS = ("order_unanswered", "hand_over")
CASE_KINDS = ("plan_review",)
FOLLOW_UP_KINDS = (*ITEM_KINDS, *CASE_KINDS, *ORDER_KINDS)
#: What was found belongs in the client's record; of the others that they are done is all.
RECORDED_KINDS = ("start", "interval", "before_end", "final", "plan_review")
FOLLOW_UP_STATES = ("open", "acknowledged", "snoozed", "not_needed", "dropped")
FOLLOW_UP_ACTS = ("acknowledged", "snoozed", "handed_over", "not_needed", "written_down", "corrected")
DIGEST_STATES = ("composed", "sending", "repeated", "sent", "withdrawn", "expired", "failed", "bounced")
DIGEST_DAY_STATES = ("composed", "held", "released")
#: A condition: acknowledged, and not yet in the client information system.
TO_WRITE_DOWN = "state = 'acknowledged' AND written_down_at IS NULL AND kind IN ('" + "', '".join(RECORDED_KINDS) + "')"


class FollowUp(SQLModel, table=True):
    """Something to be looked at on a day, in a case: a planned service, an order, or else the case's plan.

    `announced_*` says when its worker, and `escalated_on` when the supervisor, was told last. `handed_to_id`: a colleague does it instead
    of the responsible worker. `written_down_*`: what was found stands in the client information system (services/follow_ups).
    """

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint(
            "case_id",
            "plan_item_id",
            "order_id",
            "kind",
            "planned_for",
            name="uq_follow_up_once",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_follow_up_order_id", "order_id", postgresql_where=sql("order_id IS NOT NULL")),
        Index("ix_follow_up_open", "due", postgresql_where=sql("state IN ('open', 'snoozed')")),
        # the lists of who sees few cases: their follow-ups in order, without a look at the table
        Index(
            "ix_follow_up_open_of_case",
            "case_id",
            postgresql_include=["due", "id"],
            postgresql_where=sql("state IN ('open', 'snoozed')"),
        ),
        Index(
            "ix_follow_up_to_write_down_of_case",
            "case_id",
            postgresql_include=["settled_at", "id"],
            postgresql_where=sql(TO_WRITE_DOWN),
        ),
        Index("ix_follow_up_handed_to", "handed_to_id", postgresql_where=sql("handed_to_id IS NOT NULL")),
        Index(
            "ix_follow_up_escalated",
            "case_id",
            postgresql_where=sql("escalated_on IS NOT NULL AND state IN ('open', 'snoozed')"),
        ),
        Index("ix_follow_up_to_write_down", "settled_at", postgresql_where=sql(TO_WRITE_DOWN)),
        CheckConstraint("kind IN ('" + "', '".join(FOLLOW_UP_KINDS) + "')", name="kind"),
        CheckConstraint("state IN ('" + "', '".join(FOLLOW_UP_STATES) + "')", name="state"),
        CheckConstraint("rating IS NULL OR rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint("plan_item_id IS NULL OR order_id IS NULL", name="of_one_thing"),
    )

    id: int = primary_key()
    case_id: int = checked_reference("client_case.id", index=False)
    plan_item_id: int | None = checked_reference("plan_item.id", nullable=True)
    order_id: int | None = reference("purchase_order.id", nullable=True, index=False)
    kind: str = text()
    planned_for: date
    due: date
    state: str = text(default="open")
    announced_on: date | None = None
    announced_times: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    escalated_on: date | None = None
    handed_to_id: int | None = reference("worker.id", nullable=True, index=False)
    settled_at: datetime | None = timestamp()
    settled_by: str | None = text(nullable=True)
    rating: int | None = None
    rated_by: str | None = text(nullable=True)
    findings: dict[str, Any] = json_object()
    sealed_note: bytes | None = Field(default=None, sa_type=LargeBinary)
    written_down_at: datetime | None = timestamp()
    written_down_by: str | None = text(nullable=True)


class FollowUpEvent(SQLModel, table=True):
    """What a person did about a follow-up, when and why. Rows are only added."""

    __tablename__ = "follow_up_event"
    __table_args__ = (CheckConstraint("act IN ('" + "', '".join(FOLLOW_UP_ACTS) + "')", name="act"),)

    id: int = primary_key()
    follow_up_id: int = reference("follow_up.id")
    act: str = text()
    actor: str = text()
    reason: str = text(default="")
    details: dict[str, Any] = json_object()
    at: datetime = timestamp(nullable=False)


class ProviderRating(SQLModel, table=True):
    """How many answers there are about a provider's service, from how many cases, and their sum, counted anew each night (services/follow_ups/ratings.py).

    Comparisons ask for it of hundreds of providers at once; to count the answers themselves each time would take them longer than all else.
    """

    __tablename__ = "provider_rating"

    service_id: int = key_part("service.id")
    provider_id: int = key_part("provider.id", index=True)
    answers: int
    total: int
    families: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


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
    """One day's e-mail to one person, as composed: what a second attempt sends again, byte for byte, and to what address."""

    __tablename__ = "digest"
    __table_args__ = (
        UniqueConstraint("worker_id", "local_date"),
        Index("ix_digest_local_date", "local_date"),
        CheckConstraint("state IN ('" + "', '".join(DIGEST_STATES) + "')", name="state"),
    )

    id: int = primary_key()
    worker_id: int = reference("worker.id", index=False)
    local_date: date
    message_id: str = text(unique=True)
    state: str = text(default="composed")
    document: str = text()
    items: dict[str, Any] = json_object()
    sent_at: datetime | None = timestamp()
    recipient: str | None = text(nullable=True)
    bounced_at: datetime | None = timestamp()


class DigestDay(SQLModel, table=True):
    """How many mails a day's composing came to, or why it was held: the storm guard (services/reminders) looks back at these."""

    __tablename__ = "digest_day"
    __table_args__ = (CheckConstraint("state IN ('" + "', '".join(DIGEST_DAY_STATES) + "')", name="state"),)

    local_date: date = Field(primary_key=True)
    state: str = text(default="composed")
    mails: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    workers: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reason: dict[str, Any] | None = json_object(nullable=True)
    told_at: datetime | None = timestamp()
    released_at: datetime | None = timestamp()
    released_by: str | None = text(nullable=True)


class CalendarFeed(SQLModel, table=True):
    """A worker's private calendar address: whoever knows the token reads due dates. Only the token's hash is kept."""

    __tablename__ = "calendar_feed"

    id: int = primary_key()
    worker_id: int = reference("worker.id")
    token: bytes = Field(sa_type=LargeBinary, unique=True)
    actor: str = text()
    created_at: datetime = timestamp(nullable=False)
    used_at: datetime | None = timestamp()
    revoked_at: datetime | None = timestamp()
    revoked_by: str | None = text(nullable=True)
