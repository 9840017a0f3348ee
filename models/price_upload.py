"""Price lists that people bring to the console."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import json_list, json_object, primary_key, reference, text, timestamp

UPLOAD_STATES = ("reading", "asking", "refused", "read", "discarded")


class PriceUpload(SQLModel, table=True):
    """One file as it was brought, by whom (`actor`), and what became of it.

    `reading`: a worker has it; `asking`: a person must say whose it is; `refused`: nothing of it can be used (`reason`); `read`: it is
    `price_list_id`, and what becomes of that is the list's matter; `discarded`: let be, or a newer reading was asked for elsewhere.
    `chosen` is what the person said: a business id, or `own`; `insisted`: though the file's letterhead names another. `business_id` is whose it
    was found to be. `columns`: titles that nobody knows, with samples (connectors/prices/table/looking.py).
    `content` is kept until the list is decided, because it may have to be read again.
    """

    __tablename__ = "price_upload"
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(UPLOAD_STATES) + "')", name="state"),
        CheckConstraint("state <> 'read' OR price_list_id IS NOT NULL", name="read_is_a_list"),
        Index("ix_price_upload_kept", "id", postgresql_where=sql("content IS NOT NULL")),
    )

    id: int = primary_key()
    file_name: str = text()
    sha256: str = text()
    size: int
    content: bytes | None = Field(default=None, sa_type=LargeBinary)
    actor: str = text()
    state: str = text(default="reading")
    chosen: str | None = text(nullable=True)
    insisted: bool = Field(default=False, sa_column_kwargs={"server_default": sql("false")})
    business_id: str | None = text(nullable=True)
    reason: dict[str, Any] | None = json_object(nullable=True)
    columns: list[dict[str, Any]] = json_list()
    price_list_id: int | None = reference("price_list.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
