"""Effects on the outside world: whether they may leave from here, and what left from the instance this one was restored from."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Text
from sqlmodel import Field, SQLModel

from models.base import json_object, primary_key, text, timestamp


class Effects(SQLModel, table=True):
    """One row: where effects may leave from, and whether a person has paused them.

    `home` is the name of the one database that may (`this_database()` in it); a copy of the row elsewhere names another. None: nowhere, since
    `away_since` (machine time), for the reason `away_why`. `instance` is written into the journal with every effect; a restored database
    gets another when it is released, so that its own lines can be told from those of the one it was a copy of.
    """

    __tablename__ = "effects"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("(paused_at IS NULL) = (paused_by IS NULL)", name="paused_by_somebody"),
    )

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    home: str | None = text(nullable=True)
    instance: str = text()
    away_since: datetime | None = timestamp()
    away_why: dict[str, Any] | None = json_object(nullable=True)
    paused_at: datetime | None = timestamp()
    paused_by: str | None = text(nullable=True)
    paused_why: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    released_at: datetime | None = timestamp()
    released_by: str | None = text(nullable=True)


class NumberGap(SQLModel, table=True):
    """Numbers of a series (`T-2026`) that nobody here has: another instance may have given them out. From `first` to `last`, both included."""

    __tablename__ = "number_gap"
    __table_args__ = (
        CheckConstraint("first <= last", name="some"),
        Index("ix_number_gap_series", "series", "first"),
    )

    id: int = primary_key()
    series: str = text()
    first: int = Field(sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)
    reason: str = text()
    recorded_at: datetime = timestamp(nullable=False, machine=True)


class SentElsewhere(SQLModel, table=True):
    """Something that left from the instance this one was restored from, after the copy was made: it must not leave again.

    `key` is what the other side knows it by (an order's number, a Message-ID); `kind` the Work that sent it; `sent_at` machine time, and
    `sure` whether it certainly left. `way` is the channel of an order. `noted_by`: who has looked into one that nothing here knows of.
    """

    __tablename__ = "sent_elsewhere"

    key: str = Field(primary_key=True, sa_type=Text)
    kind: str = text()
    sent_at: datetime = timestamp(nullable=False)
    sure: bool
    sha256: str | None = text(nullable=True)
    way: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    noted_by: str | None = text(nullable=True)


class LetGo(SQLModel, table=True):
    """Work that may have its effect although all others are paused; who said so."""

    __tablename__ = "let_go"

    work_id: int = Field(sa_column=Column(BigInteger, ForeignKey("work.id", ondelete="CASCADE"), primary_key=True))
    let_by: str = text()
