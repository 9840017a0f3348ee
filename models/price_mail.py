"""Providers' e-mails with price lists."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from models.base import json_list, json_object, primary_key, reference, text, timestamp

MAIL_STATES = ("waiting", "assigned", "taken", "overtaken", "discarded")


class PriceMail(SQLModel, table=True):
    """One e-mail of a mail source, known by its bytes. Its content stays where it lies: nothing of it is kept but names and digests.

    `waiting`: a person must say whose list it brings; `assigned`: somebody has; `taken`: its lists were handed over for import;
    `overtaken`: the same provider has sent a newer one. `attachments`: name, sha256, provider, reason (why it cannot be read).
    """

    __tablename__ = "price_mail"
    __table_args__ = (
        UniqueConstraint("source", "sha256"),
        CheckConstraint("state IN ('" + "', '".join(MAIL_STATES) + "')", name="state"),
        CheckConstraint("state <> 'assigned' OR provider_id IS NOT NULL", name="assigned_to_somebody"),
    )

    id: int = primary_key()
    source: str = text()
    sha256: str = text()
    file_name: str = text()
    sender: str | None = text(nullable=True)
    sent_at: datetime | None = timestamp()
    state: str = text()
    reason: dict[str, Any] | None = json_object(nullable=True)
    attachments: list[dict[str, Any]] = json_list()
    provider_id: int | None = reference("provider.id", nullable=True)
    chosen: str | None = text(nullable=True)
    note: str | None = text(nullable=True)
    run_id: int | None = reference("run.id", nullable=True)
    recorded_at: datetime = timestamp(nullable=False, machine=True)
