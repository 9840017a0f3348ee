"""Everything that must be done, and every attempt at it.

The database is the truth, the queue is a hint: a row of `work` is written in the transaction that calls for it, a Celery message
only carries its id. services/work/ holds the statements that move these rows; nothing else writes them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import json_object, plain_id, primary_key, reference, text, timestamp


class Work(SQLModel, table=True):
    """One thing to do. Done, dead, or due at `next_at`; held by one process while `token` is set and the lease runs.

    `generation` counts calls for the same key: closing finishes the work only if nobody called again since it was claimed.
    `dead_reason` is the sentence it was given up with, without its values: what equal failures have in common; `noticed` is the `dead_at`
    of its latest death that the watch over failing jobs has seen (services/dead_work), kept when it is tried again.
    All timestamps are machine time.
    """

    __tablename__ = "work"
    __table_args__ = (
        Index("uq_work_lane_held", "lane", unique=True, postgresql_where=sql("token IS NOT NULL AND lane IS NOT NULL")),
        Index(
            "ix_work_due",
            "queue",
            "next_at",
            postgresql_where=sql("done_at IS NULL AND dead_at IS NULL AND token IS NULL"),
        ),
        Index("ix_work_lane", "lane", "id", postgresql_where=sql("lane IS NOT NULL")),
        # as wide as the page of dead work reads: a hundred thousand are counted from here, without looking at the rows
        Index(
            "ix_work_dead",
            "kind",
            "dead_reason",
            "id",
            "dead_at",
            postgresql_where=sql("dead_at IS NOT NULL AND acknowledged IS NULL"),
        ),
        Index(
            "ix_work_unnoticed",
            "id",
            postgresql_where=sql("dead_at IS NOT NULL AND noticed IS DISTINCT FROM dead_at"),
        ),
        Index(
            "ix_work_trouble",
            "kind",
            sql("coalesce(arguments ->> 'source', '')"),
            "noticed",
            postgresql_where=sql("noticed IS NOT NULL AND done_at IS NULL AND acknowledged IS NULL"),
        ),
        Index(
            "ix_work_request",
            sql("(arguments ->> 'request')"),
            postgresql_where=sql("(arguments ->> 'request') IS NOT NULL"),
        ),
        Index("ix_work_leased", "lease_until", postgresql_where=sql("token IS NOT NULL")),
        CheckConstraint("(token IS NULL) = (lease_until IS NULL)", name="lease_with_token"),
        CheckConstraint("done_at IS NULL OR dead_at IS NULL", name="one_end"),
        CheckConstraint("token IS NULL OR (done_at IS NULL AND dead_at IS NULL)", name="ended_is_free"),
    )

    id: int = primary_key()
    kind: str = text(index=True)
    key: str = text(unique=True)
    subject_id: int | None = plain_id()
    arguments: dict[str, Any] = json_object()
    queue: str = text()
    lane: str | None = text(nullable=True)
    generation: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    claimed_generation: int | None = None
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    created_at: datetime = timestamp(nullable=False, machine=True)
    next_at: datetime = timestamp(nullable=False, machine=True)
    enqueued_at: datetime | None = timestamp()
    token: UUID | None = None
    lease_until: datetime | None = timestamp()
    deadline: datetime | None = timestamp()
    done_at: datetime | None = timestamp()
    dead_at: datetime | None = timestamp()
    last_error: dict[str, Any] | None = json_object(nullable=True)
    dead_reason: str = Field(default="", sa_type=Text, nullable=False, sa_column_kwargs={"server_default": ""})
    noticed: datetime | None = timestamp()
    acknowledged: str | None = text(nullable=True)


#: What a Run can come to. `None` while it is under way.
OUTCOMES = ("succeeded", "partly", "retry", "failed", "lost", "held", "refused", "nothing_to_do", "postponed")


class Run(SQLModel, table=True):
    """One attempt at a Work: who, when, what came of it, what the other side said."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint("outcome IS NULL OR outcome IN ('" + "', '".join(OUTCOMES) + "')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished_with_outcome"),
        Index("ix_run_kind", "kind", "id"),
        Index("ix_run_outcome", "outcome", "id"),
        Index("ix_run_open", "work_id", unique=True, postgresql_where=sql("finished_at IS NULL")),
    )

    id: int = primary_key()
    work_id: int = reference("work.id")
    kind: str = text()
    subject_id: int | None = plain_id()
    attempt: int
    token: UUID
    host: str = text()
    started_at: datetime = timestamp(nullable=False, machine=True)
    finished_at: datetime | None = timestamp()
    outcome: str | None = text(nullable=True)
    counts: dict[str, Any] = json_object()
    message: dict[str, Any] | None = json_object(nullable=True)
    reply: str | None = text(nullable=True)
    acknowledged: str | None = text(nullable=True)


class RejectedRecord(SQLModel, table=True):
    """A record of a file that was left out: where it stood and why. Holds no content, which may be personal. One that was `taken` in all the
    same is only reported: something about it wants doing.

    `file_sha256` and `position` find it again in the source when it is retried.
    """

    __tablename__ = "rejected_record"
    __table_args__ = (Index("ix_rejected_record_open", "source", postgresql_where=sql("settled_at IS NULL")),)

    id: int = primary_key()
    run_id: int = reference("run.id", ondelete="CASCADE")
    source: str = text(index=True)
    file_name: str = text()
    file_sha256: str = text()
    position: str = text()
    field: str | None = text(nullable=True)
    external_id: str | None = text(nullable=True)
    reason: dict[str, Any] = json_object()
    taken: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    settled_at: datetime | None = timestamp()
    note: str | None = text(nullable=True)
