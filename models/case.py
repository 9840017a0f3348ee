"""Cases and what is decided and planned in them.

Each column has one owner. What the source system knows is written by the sync only; what people decide here (choices, and a
baseline or granted amount where the source has none) is Avain's and never overwritten by a sync.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import (
    DateRange,
    amount_of_units,
    checked_reference,
    euros,
    json_object,
    key_part,
    period,
    plain_id,
    primary_key,
    reference,
    text,
    timestamp,
)


class Client(SQLModel, table=True):
    """Whom a case is about: a reference of the source, and identity only where the installation seals it."""

    __tablename__ = "client"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_client_blind_index", "blind_index", postgresql_where=sql("blind_index IS NOT NULL")),
        # whose cases have fewer readers: a handful of all (services/access/non_disclosure.py)
        Index("ix_client_non_disclosure", "id", postgresql_where=sql("non_disclosure")),
    )

    id: int = primary_key()
    source: str = text()
    external_id: str = text()
    non_disclosure: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    sealed_identity: bytes | None = Field(default=None, sa_type=LargeBinary)
    blind_index: bytes | None = Field(default=None, sa_type=LargeBinary)


class Case(SQLModel, table=True):
    """A client's matter (asiakkuus). `number` is what people see and mails may carry; it says nothing about the client.

    `closed_at`: when Avain heard that it was closed; sources do not say since when.
    """

    __tablename__ = "client_case"  # CASE is a word of SQL
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        # who may see it (services/access): partial, so that a first load of 200,000 cases hardly pays for them
        Index("ix_client_case_co_worker", "co_worker_id", postgresql_where=sql("co_worker_id IS NOT NULL")),
        Index("ix_client_case_supervisor", "supervisor_id", postgresql_where=sql("supervisor_id IS NOT NULL")),
        Index("ix_client_case_unit", "unit_id", postgresql_where=sql("responsible_worker_id IS NULL")),
        # whose time may be up (services/retention)
        Index("ix_client_case_ended", "id", postgresql_where=sql("closed_at IS NOT NULL OR gone_at IS NOT NULL")),
    )

    id: int = primary_key()
    number: str = text(unique=True)
    source: str = text()
    external_id: str = text()
    client_id: int = checked_reference("client.id")
    responsible_worker_id: int | None = checked_reference("worker.id", nullable=True)
    co_worker_id: int | None = checked_reference("worker.id", nullable=True, index=False)
    supervisor_id: int | None = checked_reference("worker.id", nullable=True, index=False)
    unit_id: int | None = checked_reference("unit.id", nullable=True, index=False)
    status: str = text(default="open")
    assessment_date: date | None = None
    plan_date: date | None = None
    kykyviisari_date: date | None = None
    support_person: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    goals: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    goals_from_source: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    record_hash: bytes = Field(sa_type=LargeBinary)
    synced_run_id: int | None = plain_id()
    gone_at: datetime | None = timestamp()
    closed_at: datetime | None = timestamp()


class Decision(SQLModel, table=True):
    """The steering group's stand and the official decision: two separate facts, one row.

    Either an amount is granted, or a quantity of a baseline service is replaced whose price then makes the ceiling. What the
    source says of them is the sync's (`basis_from_source`, `number_from_source`); what is entered here where it says nothing stays.
    """

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("case_id", "external_id"),
        CheckConstraint("granted_amount IS NULL OR granted_amount >= 0", name="granted_amount"),
        CheckConstraint("baseline_quantity IS NULL OR baseline_quantity > 0", name="baseline_quantity"),
    )

    id: int = primary_key()
    case_id: int = checked_reference("client_case.id", index=False)
    external_id: str = text()
    number: str | None = text(nullable=True)
    number_from_source: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    stand_date: date | None = None
    decided_on: date | None = None
    valid: DateRange | None = period(nullable=True)
    granted_amount: Decimal | None = euros(nullable=True)
    baseline_service_id: int | None = checked_reference("service.id", nullable=True, index=False)
    baseline_quantity: Decimal | None = amount_of_units(nullable=True)
    baseline_unit: str | None = text(nullable=True)
    basis_from_source: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    ended_at: datetime | None = timestamp()


class PlanItem(SQLModel, table=True):
    """A planned service of a decision: how much of it, over which days."""

    __tablename__ = "plan_item"
    __table_args__ = (
        UniqueConstraint("case_id", "external_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint(
            "NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)", name="period_bounded"
        ),
        # the plans of few cases, and their days, without a look at the table
        Index(
            "ix_plan_item_in_force",
            "case_id",
            postgresql_include=["id", "period"],
            postgresql_where=sql("ended_at IS NULL"),
        ),
    )

    id: int = primary_key()
    case_id: int = checked_reference("client_case.id", index=False)
    decision_id: int = checked_reference("decision.id")
    external_id: str = text()
    service_id: int = checked_reference("service.id", index=False)
    quantity: Decimal = amount_of_units()
    unit: str = text()
    period: DateRange = period()
    follow_up_rhythm: dict[str, Any] | None = json_object(nullable=True)
    ended_at: datetime | None = timestamp()


class Choice(SQLModel, table=True):
    """Who provides a plan item: chosen by whom, recorded by whom, when and why. A new choice ends the earlier one."""

    __tablename__ = "choice"
    __table_args__ = (
        Index(
            "uq_choice_current",
            "plan_item_id",
            unique=True,
            postgresql_include=["chosen_at"],  # what waits longest is found from the index alone
            postgresql_where=sql("ended_at IS NULL"),
        ),
        CheckConstraint("chosen_by IN ('child', 'parent', 'adult', 'worker', 'source')", name="chosen_by"),
    )

    id: int = primary_key()
    plan_item_id: int = reference("plan_item.id")
    provider_id: int = reference("provider.id")
    chosen_by: str = text()
    actor: str = text()
    reason: str = text(default="")
    chosen_at: datetime = timestamp(nullable=False)
    ended_at: datetime | None = timestamp()


class CaseStaging(SQLModel, table=True):
    """Records of a run that is held, as they were read: approving it applies exactly these.

    A run that is under way has the same tables to itself (services/case_sync/staging.py); only what must wait for a person comes here.
    `position` is the record's rank in the run, `file` the rank of its file, `place` where in the file it begins (a line, a row), for
    what is said about it later. `kind`: `record`, `same` (as known: nothing but its hash was read) or `gone`.
    """

    __tablename__ = "case_staging"

    run_id: int = key_part("run.id", ondelete="CASCADE")
    position: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = text()
    file: int
    place: str = text()
    external_id: str | None = text(nullable=True)
    record_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    client: str | None = text(nullable=True)
    non_disclosure: bool | None = None
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    blind: bytes | None = Field(default=None, sa_type=LargeBinary)
    responsible_worker: str | None = text(nullable=True)
    co_worker: str | None = text(nullable=True)
    supervisor: str | None = text(nullable=True)
    unit: str | None = text(nullable=True)
    status: str | None = text(nullable=True)
    assessment_date: date | None = None
    plan_date: date | None = None
    kykyviisari_date: date | None = None
    support_person: bool | None = None
    goals: list[str] | None = Field(default=None, sa_type=ARRAY(Text))


class DecisionStaging(SQLModel, table=True):
    """Decisions of held records; `position` is that of their case."""

    __tablename__ = "decision_staging"

    run_id: int = key_part("run.id", ondelete="CASCADE")
    position: int = Field(primary_key=True, sa_type=BigInteger)
    external_id: str = Field(primary_key=True, sa_type=Text)
    number: str | None = text(nullable=True)
    stand_date: date | None = None
    decided_on: date | None = None
    valid: DateRange | None = period(nullable=True)
    granted_amount: Decimal | None = euros(nullable=True)
    baseline_service: str | None = text(nullable=True)
    baseline_quantity: Decimal | None = amount_of_units(nullable=True)
    baseline_unit: str | None = text(nullable=True)


class ItemStaging(SQLModel, table=True):
    """Planned services of held records; `position` is that of their case."""

    __tablename__ = "item_staging"

    run_id: int = key_part("run.id", ondelete="CASCADE")
    position: int = Field(primary_key=True, sa_type=BigInteger)
    external_id: str = Field(primary_key=True, sa_type=Text)
    decision: str = text()
    service: str = text()
    quantity: Decimal = amount_of_units()
    unit: str = text()
    period: DateRange = period()
    provider: str | None = text(nullable=True)
    follow_up: dict[str, Any] | None = json_object(nullable=True)
