"""What is kept though its time is up, and what is remembered of cases whose time was up: that they were here, and nothing of what they held."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import primary_key, reference, text, timestamp


class CaseHold(SQLModel, table=True):
    """That nothing of a case is removed, whatever its age, until a person ends the hold: a complaint, a court case, an inspection.

    One is in force at a time; those that ended stay until the case goes.
    """

    __tablename__ = "case_hold"
    __table_args__ = (
        Index("uq_case_hold_live", "case_id", unique=True, postgresql_where=sql("ended_at IS NULL")),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
    )

    id: int = primary_key()
    case_id: int = reference("client_case.id")
    reason: str = text()
    held_by: str = text()
    held_at: datetime = timestamp(nullable=False)
    ended_at: datetime | None = timestamp()
    ended_by: str | None = text(nullable=True)
    ended_why: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


class RemovedCase(SQLModel, table=True):
    """A case that was removed when its time was up (services/retention). Rows are written by `retention_remove_cases()` alone.

    `id` is the one it had. `reference` is a digest of the source and the id there, keyed with `key` (RecordHasher.key_id), by which a closed
    case that the source still brings is known and left out. `number` and `subjects` lead to what the audit trail says of it, which is kept longer.
    """

    __tablename__ = "removed_case"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_removed_case_reference", "source", "reference"),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    number: str = text()
    source: str = text()
    reference: bytes = Field(sa_type=LargeBinary)
    key: str = text()
    non_disclosure: bool
    subjects: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    removed_at: datetime = timestamp(nullable=False, machine=True)
