"""What is remembered of sources between their runs. Which sources there are, the configuration says (avain.toml)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import json_object, primary_key, reference, text, timestamp


class SourceMemory(SQLModel, table=True):
    """How far a source was read, in the words of its transport (an ETag, the last `_lastUpdated`, the last value of a column).

    Written in the transaction that applies what was read: what was refused or held is asked for again.
    """

    __tablename__ = "source_memory"

    source: str = Field(primary_key=True, sa_type=Text)
    memory: dict[str, Any] = json_object()
    updated_at: datetime = timestamp(nullable=False, machine=True)


class ProcessedFile(SQLModel, table=True):
    """A file of a source that was applied, known by its bytes and its name: it is not read again. Two of the files of one export may well
    be equal, such as those that hold a header alone. `put_away`: moved at the source, as configured.
    """

    __tablename__ = "processed_file"
    __table_args__ = (UniqueConstraint("source", "sha256", "name"),)

    id: int = primary_key()
    source: str = text()
    sha256: str = text()
    name: str = text()
    reading: str = text(default="")  # how it was read (the profile's version): read another way, it is another file
    run_id: int | None = reference("run.id", nullable=True)
    processed_at: datetime = timestamp(nullable=False, machine=True)
    put_away_at: datetime | None = timestamp()


class SourceLook(SQLModel, table=True):
    """What a person last had looked at in a source: what its first records are like. `findings` as services/looked.py writes them; of cases
    the sample's values are invented, so that nothing of anybody stands here.
    """

    __tablename__ = "source_look"

    source: str = Field(primary_key=True, sa_type=Text)
    run_id: int = reference("run.id")
    findings: dict[str, Any] = json_object()
    looked_at: datetime = timestamp(nullable=False, machine=True)


class HostTurn(SQLModel, table=True):
    """When the next request may go to a host: all sources there share one pace, whichever worker reads them. Machine time."""

    __tablename__ = "host_turn"

    host: str = Field(primary_key=True, sa_type=Text)
    free_at: datetime = timestamp(nullable=False, machine=True)
