"""What the installation itself keeps: the business clock, number series, signs of life, job switches."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Float, Text
from sqlmodel import Field, SQLModel

from models.base import text, timestamp


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
    """Last sign of life of one process: a worker, a beat."""

    __tablename__ = "heartbeat"

    name: str = Field(primary_key=True, sa_type=Text, description="kind@host:pid")
    kind: str = text()
    host: str = text()
    pid: int
    detail: str = text(default="")
    seen_at: datetime = timestamp(nullable=False, machine=True)


class JobState(SQLModel, table=True):
    """Since when a scheduled job counts (business time): slots before that never run. A paused job inserts no Work."""

    __tablename__ = "job_state"

    job: str = Field(primary_key=True, sa_type=Text)
    since: datetime = timestamp(nullable=False)
    paused: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})


class Remembered(SQLModel, table=True):
    """What an installation was like when something was last done, under a name: such as the settings budgets were calculated by."""

    __tablename__ = "remembered"

    name: str = Field(primary_key=True, sa_type=Text)
    value: str = text()
