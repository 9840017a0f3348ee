"""What people who look after the installation are told by letter: the price manager of price lists, the operator of reminders."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from models.base import json_object, primary_key, reference, text, timestamp

LETTER_STATES = ("composed", "sending", "repeated", "sent", "failed")


class StoredLetter(SQLModel, table=True):
    """One letter, as composed: what a second attempt sends again, byte for byte."""

    __tablename__ = "letter"
    __table_args__ = (CheckConstraint("state IN ('" + "', '".join(LETTER_STATES) + "')", name="state"),)

    id: int = primary_key()
    recipient: str = text()
    message_id: str = text(unique=True)
    state: str = text(default="composed")
    document: str = text()
    recorded_at: datetime = timestamp(nullable=False, machine=True)
    sent_at: datetime | None = timestamp()


class ToldAlarm(SQLModel, table=True):
    """Something somebody was told, once for ever: `kind` says what sort and so whom, `subject` of what (`price_list:7`)."""

    __tablename__ = "alarm"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: int = primary_key()
    kind: str = text()
    subject: str = text()
    message: dict[str, Any] = json_object()
    letter_id: int | None = reference("letter.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
