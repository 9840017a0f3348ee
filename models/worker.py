"""Responsible workers, their units and supervisors."""

from sqlmodel import Field, SQLModel

from models.base import primary_key, reference, text


class Unit(SQLModel, table=True):
    """A unit of the organisation; its supervisor hears what its workers leave open."""

    __tablename__ = "unit"

    id: int = primary_key()
    code: str = text(unique=True)
    name: str = text()
    supervisor_id: int | None = reference("worker.id", nullable=True, later=True)
    contact_email: str | None = text(nullable=True)


class Worker(SQLModel, table=True):
    """A person who acts in Avain. `external_id` is the client information system's id of the person."""

    __tablename__ = "worker"

    id: int = primary_key()
    external_id: str = text(unique=True)
    name: str = text()
    email: str | None = text(nullable=True)
    language: str = text(default="fi")
    unit_id: int | None = reference("unit.id", nullable=True)
    active: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
