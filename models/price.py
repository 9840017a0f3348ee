"""Prices with provenance. Insert-only: a price that ends is superseded and a shortened copy is inserted beside it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    json_object,
    period,
    plain_id,
    primary_key,
    rate,
    reference,
    text,
    timestamp,
    unit_price,
)


class PriceSource(SQLModel, table=True):
    """Where price lists come from. Kind `own` holds the organisation's own unit costs: the baseline prices."""

    __tablename__ = "price_source"
    __table_args__ = (CheckConstraint("(kind = 'own') = (provider_id IS NULL)", name="own_has_no_provider"),)

    id: int = primary_key()
    name: str = text(unique=True)
    kind: str = text(default="provider")
    provider_id: int | None = reference("provider.id", nullable=True)


LIST_STATES = ("applied", "held", "discarded", "refused", "rolled_back", "rollback")


class PriceList(SQLModel, table=True):
    """One file as it was read: `state` applied, held, discarded, refused or, once undone, rolled_back.

    `plan` is kept while the list is held, so that approving applies exactly what was shown; `counts` says what it came to.
    `applied_order` rises with every list that is applied to a provider, whenever it was read: what was in force after one list can be
    told by it. `catalogue`: the id of a Peppol catalogue, which orders at its prices cite. State `rollback`: no file at all, but the undoing of `rolls_back_list_id`, applied like a list.
    """

    __tablename__ = "price_list"
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(LIST_STATES) + "')", name="state"),
        CheckConstraint("state <> 'rollback' OR rolls_back_list_id IS NOT NULL", name="rollback_of_a_list"),
        Index("ix_price_list_source_sha256", "source_id", "sha256"),
    )

    id: int = primary_key()
    source_id: int = reference("price_source.id", index=False)
    run_id: int = reference("run.id")
    file_name: str = text()
    sha256: str = text()
    state: str = text()
    counts: dict[str, Any] = json_object()
    plan: dict[str, Any] | None = json_object(nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    applied_order: int | None = plain_id()
    rolls_back_list_id: int | None = reference("price_list.id", nullable=True, index=False)
    catalogue: str | None = text(nullable=True)


class PriceKey(SQLModel, table=True):
    """What is priced: a service at a provider (None: our own cost), per unit, time class, minimum quantity, territory;
    or what comes beside it (`extra`: travel, no_show).
    """

    __tablename__ = "price_key"
    __table_args__ = (
        UniqueConstraint(
            "provider_id",
            "service_id",
            "unit",
            "base_quantity",
            "time_class",
            "minimum_quantity",
            "territory",
            "extra",
            name="uq_price_key",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("base_quantity > 0", name="base_quantity_positive"),
    )

    id: int = primary_key()
    provider_id: int | None = reference("provider.id", nullable=True, index=False)
    service_id: int = reference("service.id")
    unit: str = text()
    base_quantity: Decimal = amount_of_units()
    time_class: str = text(default="weekday")
    minimum_quantity: Decimal = amount_of_units()
    territory: str = text(default="")
    extra: str = text(default="")


class ColumnName(SQLModel, table=True):
    """What a column title of a provider's lists means (connectors/prices/table/wire.py): said once, remembered. `meaning` '': nothing."""

    __tablename__ = "price_column_name"
    __table_args__ = (UniqueConstraint("provider_id", "title"),)

    id: int = primary_key()
    provider_id: int = reference("provider.id", index=False)
    title: str = text()
    meaning: str = text()


class Price(SQLModel, table=True):
    """One price version. In force for its `valid` days while `superseded_at` is None; no two such overlap for a key.

    `price_list_id` is where it comes from. A copy, shortened or brought back, keeps that; `copied_by_list_id` is the list that made it,
    `original_id` the version as the list wrote it: what cites a price cites that, so that a copy changes nothing by itself.
    The overlap is forbidden by `ex_price_valid`, an exclusion constraint alembic does not see (migrations/).
    """

    __tablename__ = "price"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("NOT isempty(valid) AND NOT lower_inf(valid)", name="valid_has_start"),
        Index("ix_price_in_force", "price_key_id", postgresql_where=sql("superseded_at IS NULL")),
        Index("ix_price_original", "original_id", postgresql_where=sql("original_id IS NOT NULL")),
        Index("ix_price_copied", "copied_by_list_id", postgresql_where=sql("copied_by_list_id IS NOT NULL")),
    )

    id: int = primary_key()
    price_key_id: int = reference("price_key.id", index=False)
    valid: DateRange = period()
    amount: Decimal = unit_price()
    vat_category: str = text(default="E")
    vat_rate: Decimal = rate()
    vat_inclusive: bool = Field(default=False)
    price_list_id: int = reference("price_list.id")
    position: str = text()
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    superseded_at: datetime | None = timestamp()
    superseded_by_list_id: int | None = reference("price_list.id", nullable=True)
    copied_by_list_id: int | None = reference("price_list.id", nullable=True, index=False)
    original_id: int | None = reference("price.id", nullable=True, index=False)
