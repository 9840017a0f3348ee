"""Ways out that fail and are left alone for a while, and the Work that waits for them (services/ways)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Text
from sqlmodel import Field, SQLModel

from models.base import json_object, plain_id, text, timestamp


class Breaker(SQLModel, table=True):
    """What is known of one other side: a way out (`mail`, `outbox`, `connection:<name>`), or a source (`source:<name>`).

    Of a way out: so many attempts in a row failed, the last one with `reason`. While `closed_at` is set it is left alone until `until`; then
    one Work tries (`probe_work`, until `probe_until` at most), and so many tries were in vain. Whether a source is left alone stands in its
    Runs (services/gentleness.py): here only what was told of it. `told`: when that began of which the operator was told last, empty once told
    that it is over; `told_at`: when. All timestamps are machine time.
    """

    __tablename__ = "breaker"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (until IS NULL)", name="closed_until"),
        CheckConstraint("(probe_work IS NULL) = (probe_until IS NULL)", name="probe_until"),
    )

    name: str = Field(primary_key=True, sa_type=Text)
    failures: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reason: dict[str, Any] | None = json_object(nullable=True)
    closed_at: datetime | None = timestamp()
    until: datetime | None = timestamp()
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    probe_work: int | None = plain_id()
    probe_until: datetime | None = timestamp()
    told: datetime | None = timestamp()
    told_at: datetime | None = timestamp()


class PutOff(SQLModel, table=True):
    """A Work that waits, since `since`, until a way out is open again. `tries`: so often it was the one that tried in vain."""

    __tablename__ = "put_off"

    work_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    way: str = text(index=True)
    since: datetime = timestamp(nullable=False, machine=True)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
