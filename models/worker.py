"""Responsible workers, their units and supervisors, and who stands in for whom."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.base import DateRange, json_object, period, primary_key, reference, text, timestamp


class Unit(SQLModel, table=True):
    """A unit of the organisation; its supervisor hears what its workers leave open."""

    __tablename__ = "unit"

    id: int = primary_key()
    code: str = text(unique=True)
    name: str = text()
    supervisor_id: int | None = reference("worker.id", nullable=True, later=True)
    contact_email: str | None = text(nullable=True)


class Worker(SQLModel, table=True):
    """A person who acts in Avain. `external_id` is the client information system's id of the person.

    `subject` is who they are to the login provider, where it is known beforehand; else they are known by their e-mail. `refused_email` is
    an address that a mail server refused for good: while `email` is that one, nothing is sent there (services/reminders).
    """

    __tablename__ = "worker"

    id: int = primary_key()
    external_id: str = text(unique=True)
    name: str = text()
    email: str | None = text(nullable=True)
    language: str = text(default="fi")
    unit_id: int | None = reference("unit.id", nullable=True)
    active: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    subject: str | None = text(nullable=True, unique=True)
    refused_email: str | None = text(nullable=True)
    refused_reason: dict[str, Any] | None = json_object(nullable=True)
    refused_at: datetime | None = timestamp()


class Absence(SQLModel, table=True):
    """Days on which a worker is away, and who stands in (sijainen). `cancelled_at`: it was entered in error, or ended early.
    `source`: the source that told of it, which alone changes it again.
    """

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("deputy_id IS DISTINCT FROM worker_id", name="not_their_own_deputy"),
        CheckConstraint("NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)", name="bounded"),
    )

    id: int = primary_key()
    worker_id: int = reference("worker.id")
    deputy_id: int | None = reference("worker.id", nullable=True)
    period: DateRange = period()
    actor: str = text()
    source: str | None = text(nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    cancelled_at: datetime | None = timestamp()
