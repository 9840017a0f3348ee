"""What the installation itself keeps: the business clock, number series, signs of life, job switches."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Float, Index, Text
from sqlmodel import Field, SQLModel

from models.base import primary_key, text, timestamp


class BusinessClock(SQLModel, table=True):
    """One row: by how many seconds business time runs ahead of real time (0 except in tests and the demo)."""

    __tablename__ = "business_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    offset_seconds: float = Field(default=0.0, sa_type=Float)


class Counter(SQLModel, table=True):
    """A series of numbers people see, such as `HB-2026`: taken inside the creating transaction, so without gaps or reuse."""

    __tablename__ = "counter"

    series: str = Field(primary_key=True, sa_type=Text)
    value: int = Field(default=0, sa_type=BigInteger)


class Heartbeat(SQLModel, table=True):
    """Last sign of life of one process: a worker, a beat. `since`: from then on it gave one again and again."""

    __tablename__ = "heartbeat"

    name: str = Field(primary_key=True, sa_type=Text, description="kind@host:pid")
    kind: str = text()
    host: str = text()
    pid: int
    detail: str = text(default="")
    seen_at: datetime = timestamp(nullable=False, machine=True)
    since: datetime = timestamp(nullable=False, machine=True)


class JobState(SQLModel, table=True):
    """A scheduled job as people and the tick left it. All moments are business time.

    `since`: slots up to then never run. `last_slot` is the latest that was decided about, `called_slot` the latest that Work was called
    for. A paused job inserts no Work from `paused_at` until `paused_until`, if that is known. `cron`, `overlap` and `jitter_seconds` stand in
    for what the table of jobs says (schedules/jobs.py); they are read by rules, not by constraints: an older version may have written them.
    """

    __tablename__ = "job_state"
    __table_args__ = (CheckConstraint("paused = (paused_at IS NOT NULL)", name="paused_since"),)

    job: str = Field(primary_key=True, sa_type=Text)
    since: datetime = timestamp(nullable=False)
    paused: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    paused_at: datetime | None = timestamp()
    paused_until: datetime | None = timestamp()
    paused_why: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    cron: str | None = text(nullable=True)
    overlap: str | None = text(nullable=True)
    jitter_seconds: int | None = None
    changed_by: str | None = text(nullable=True)
    changed_at: datetime | None = timestamp()
    last_slot: datetime | None = timestamp()
    called_slot: datetime | None = timestamp()


class MissedSlots(SQLModel, table=True):
    """A stretch of slots of one job that did not run when they came, as one row whatever their number, and why (business time).

    `paused`; `running`: an earlier Work of the job was under way; `nobody`: no beat ticked, and the latest was caught up at `caught_up_at`.
    """

    __tablename__ = "missed_slots"
    __table_args__ = (
        CheckConstraint("why IN ('paused', 'running', 'nobody')", name="why"),
        CheckConstraint("slots > 0 AND first_slot <= last_slot", name="some"),
        Index("ix_missed_slots_job", "job", "last_slot"),
    )

    id: int = primary_key()
    job: str = text()
    why: str = text()
    first_slot: datetime = timestamp(nullable=False)
    last_slot: datetime = timestamp(nullable=False)
    slots: int
    caught_up_at: datetime | None = timestamp()


class Remembered(SQLModel, table=True):
    """What an installation was like when something was last done, under a name: such as the settings budgets were calculated by."""

    __tablename__ = "remembered"

    name: str = Field(primary_key=True, sa_type=Text)
    value: str = text()
