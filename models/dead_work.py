"""Jobs that failed for good: what the operator was told of each, so that it is told once, and once more when it works again."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import plain_id, primary_key, text, timestamp

TOLD = ("failed", "recovered")


class FailingJob(SQLModel, table=True):
    """A job whose Work was given up at least once: a kind of Work, of one source where it has one (`''`: none).

    Failing since `since` until `recovered_at`; `first_run` and `last_run` are the first and the latest attempt that was a last one in that time.
    `changed_at` is when it last turned from the one into the other. `told` is what the operator heard last, `flaps` how often it turned
    unheard since. All timestamps are machine time.
    """

    __tablename__ = "failing_job"
    __table_args__ = (
        UniqueConstraint("kind", "source"),
        CheckConstraint("told IS NULL OR told IN ('" + "', '".join(TOLD) + "')", name="told"),
        Index("ix_failing_job_failing", "kind", postgresql_where=sql("recovered_at IS NULL")),
    )

    id: int = primary_key()
    kind: str = text()
    source: str = text()
    since: datetime = timestamp(nullable=False)
    first_run: int | None = plain_id()
    last_run: int | None = plain_id()
    changed_at: datetime = timestamp(nullable=False)
    recovered_at: datetime | None = timestamp()
    well: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    on_retry: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    told: str | None = text(nullable=True)
    told_failed_at: datetime | None = timestamp()
    told_recovered_at: datetime | None = timestamp()
    flaps: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
