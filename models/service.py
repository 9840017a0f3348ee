"""Services a client can be given, which may stand in for which, and the smallest part a unit can be divided into."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel

from models.base import amount_of_units, key_part, primary_key, text


class Service(SQLModel, table=True):
    """One service of the organisation's list, such as ADHD-valmennus. `unit` is UN/ECE Rec 20 (C62 is a visit).

    `free_of_charge`: the family is never billed for it (the organisation's own rule; nothing is assumed).
    """

    __tablename__ = "service"

    id: int = primary_key()
    code: str = text(unique=True)
    name_fi: str = text()
    name_sv: str = text(default="")
    name_en: str = text(default="")
    unit: str = text(default="C62")
    accounting_cost: str | None = text(nullable=True)
    cpv: str | None = text(nullable=True)
    free_of_charge: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})


class ServiceAlternative(SQLModel, table=True):
    """`alternative` may replace `baseline` (the standard service) within about the same cost."""

    __tablename__ = "service_alternative"
    __table_args__ = (CheckConstraint("baseline_id <> alternative_id", name="not_itself"),)

    baseline_id: int = key_part("service.id")
    alternative_id: int = key_part("service.id", index=True)


class UnitRule(SQLModel, table=True):
    """How finely a quantity of a unit may be divided over time: visits in whole ones, hours in quarters."""

    __tablename__ = "unit_rule"
    __table_args__ = (CheckConstraint("step > 0", name="step_positive"),)

    unit: str = Field(primary_key=True, sa_type=Text)
    step: Decimal = amount_of_units()
