"""What the consistency checks found."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.base import json_list, primary_key, reference, text, timestamp


class DeepCheck(SQLModel, table=True):
    """One check of whether what is kept agrees with itself (services/consistency): what was looked at, and what is broken. Rows are only added.

    `day`: the local business day by which the sample of budgets was drawn; `whole`: everything was looked at instead. `looked`: by check, how
    many were examined and left out. `broken`: how many things are not as they should be; `findings`: of what sort, and so many of them by name
    (services/consistency/findings.py). `run_id`: the nightly Run; None where a person asked.
    """

    __tablename__ = "deep_check"

    id: int = primary_key()
    started_at: datetime = timestamp(nullable=False)
    finished_at: datetime = timestamp(nullable=False)
    day: date
    whole: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    actor: str = text()
    looked: list[dict[str, Any]] = json_list()
    broken: int
    findings: list[dict[str, Any]] = json_list()
    run_id: int | None = reference("run.id", nullable=True, index=False)
