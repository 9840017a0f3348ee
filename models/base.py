"""Common ground of the tables: naming convention, column types.

`table=True` models do not validate: values are validated in connectors, and again by the database's own constraints.
Two timestamps mean two clocks: columns filled by the database with `clock_timestamp()` are machine time, the rest business time.
"""

from datetime import date, datetime
from typing import Any

from pydantic import InstanceOf
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, MetaData, Numeric, Table, Text, func
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, Range
from sqlmodel import Field, SQLModel

#: Set before the first table, so that every constraint has a name a migration can call it by.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

DateRange = InstanceOf[Range]  # type: ignore[type-arg]  # pydantic cannot look inside SQLAlchemy's Range


def table_of(model: type[SQLModel]) -> Table:
    """The SQLAlchemy Core table of a model, for set-based statements."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def primary_key() -> Any:
    """A 64-bit identity column."""
    return Field(default=None, sa_column=Column("id", BigInteger, Identity(), primary_key=True))


def reference(
    target: str,
    *,
    nullable: bool = False,
    index: bool = True,
    unique: bool = False,
    ondelete: str | None = None,
    later: bool = False,
) -> Any:
    """A foreign key to `table.column`; indexed, because every one of them is joined on or deleted through.

    `later` adds the constraint after both tables exist, where two tables point at each other.
    """
    return Field(
        default=None if nullable else ...,
        sa_type=BigInteger,
        sa_column_args=(ForeignKey(target, ondelete=ondelete, use_alter=later),),
        nullable=nullable,
        index=index and not unique,
        unique=unique,
    )


def checked_reference(target: str, *, nullable: bool = False, index: bool = True) -> Any:
    """A reference of a table that is filled by the hundred thousand: checked once per statement, by a trigger (migration 0003).

    A foreign key asks once per row and reference; a first load of 200,000 cases spent more than half of its time on that (ADR 0004).
    """
    return Field(
        default=None if nullable else ...,
        sa_column=Column(BigInteger, nullable=nullable, index=index, info={"refers_to": target}),
    )


def key_part(target: str, *, index: bool = False, ondelete: str | None = None) -> Any:
    """A foreign key that is part of the primary key."""
    return Field(
        primary_key=True, sa_type=BigInteger, sa_column_args=(ForeignKey(target, ondelete=ondelete),), index=index
    )


def plain_id() -> Any:
    """An id of some other row whose table depends on the context; no foreign key."""
    return Field(default=None, sa_type=BigInteger, nullable=True)


def text(*, nullable: bool = False, unique: bool = False, index: bool = False, default: Any = ...) -> Any:
    """Text without a length limit: limits belong to the doors, where they can be explained."""
    return Field(
        default=None if nullable and default is ... else default,
        sa_type=Text,
        nullable=nullable,
        unique=unique,
        index=index,
    )


def timestamp(*, nullable: bool = True, machine: bool = False, index: bool = False) -> Any:
    """A `timestamptz`; `machine=True` is filled by the database's own clock on insert."""
    return Field(
        default=None,
        sa_type=DateTime(timezone=True),
        nullable=nullable,
        index=index,
        sa_column_kwargs={"server_default": func.clock_timestamp()} if machine else {},
    )


def euros(*, nullable: bool = False) -> Any:
    """An amount: NUMERIC(12,2)."""
    return Field(default=None if nullable else ..., sa_type=Numeric(12, 2), nullable=nullable)


def unit_price(*, nullable: bool = False) -> Any:
    """A price per unit: NUMERIC(12,4)."""
    return Field(default=None if nullable else ..., sa_type=Numeric(12, 4), nullable=nullable)


def amount_of_units(*, nullable: bool = False) -> Any:
    """A quantity of visits, hours, months: NUMERIC(12,4)."""
    return Field(default=None if nullable else ..., sa_type=Numeric(12, 4), nullable=nullable)


def rate(*, nullable: bool = False) -> Any:
    """A share of one, such as a VAT rate: 0.255."""
    return Field(default=None if nullable else ..., sa_type=Numeric(6, 4), nullable=nullable)


def period(*, nullable: bool = False) -> Any:
    """A `daterange`; PostgreSQL keeps it as [first day, day after the last)."""
    return Field(default=None if nullable else ..., sa_type=DATERANGE, nullable=nullable)


def json_object(*, nullable: bool = False) -> Any:
    """A JSON document."""
    return Field(default=None, nullable=True, sa_type=JSONB) if nullable else Field(default_factory=dict, sa_type=JSONB)


def json_list() -> Any:
    """A JSON array."""
    return Field(default_factory=list, sa_type=JSONB)


def days(first: date | None, last: date | None) -> "Range[date]":
    """The range from `first` to `last`, both included; None is open."""
    return Range(first, last, bounds="[]")


__all__ = [
    "DateRange",
    "amount_of_units",
    "checked_reference",
    "date",
    "datetime",
    "days",
    "euros",
    "json_list",
    "json_object",
    "key_part",
    "metadata",
    "period",
    "plain_id",
    "primary_key",
    "rate",
    "reference",
    "table_of",
    "text",
    "timestamp",
    "unit_price",
]
