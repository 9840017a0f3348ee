"""What units' supervisors are shown of many cases, counted by night."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel

from models.base import json_list, key_part, timestamp

#: The subjects that are counted (services/oversight).
OVERSIGHT_SUBJECTS = ("euros", "starts", "ratings", "results", "left_out", "workload", "exceptions")


class UnitCount(SQLModel, table=True):
    """A subject's blocks of a unit: each a run of whole months of one group, with at least five cases in it (services/oversight/blocks.py).

    What is in no such block does not stand here at all: pages, files and commands that read this table cannot tell it. Beside them stand
    `workload`, which is about workers, and `exceptions`, the decisions to look at one by one.
    """

    __tablename__ = "unit_count"
    __table_args__ = (CheckConstraint("subject IN ('" + "', '".join(OVERSIGHT_SUBJECTS) + "')", name="subject"),)

    unit_id: int = key_part("unit.id")
    subject: str = Field(primary_key=True, sa_type=Text)
    blocks: list[dict[str, Any]] = json_list()
    counted_at: datetime = timestamp(nullable=False)
