"""Who is signed in to the console, and what is still open on the way in. Times are the machine's; secrets are kept as their sha256 only."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, LargeBinary, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from models.base import json_object, primary_key, reference, text, timestamp

#: What a person may be in Avain (DESIGN "Console"); the values the organisation's login uses for them are configured.
ROLES = ("worker", "supervisor", "price_manager", "operator", "auditor")


class ConsoleSession(SQLModel, table=True):
    """One person signed in with one browser. `everything`: the local user of an embedded installation, who is above the row access.

    `cookie` is the sha256 of what the browser holds. `flash` is what the next page is to say, once.
    """

    __tablename__ = "console_session"
    __table_args__ = (CheckConstraint("roles <@ ARRAY['" + "', '".join(ROLES) + "']", name="roles"),)

    id: int = primary_key()
    cookie: bytes = Field(sa_type=LargeBinary, unique=True)
    subject: str = text(index=True)
    name: str = text()
    roles: list[str] = Field(sa_type=ARRAY(Text))
    worker_id: int | None = reference("worker.id", nullable=True)
    everything: bool = Field(default=False, sa_column_kwargs={"server_default": sql("false")})
    csrf: str = text()
    flash: dict[str, Any] | None = json_object(nullable=True)
    created_at: datetime = timestamp(nullable=False, machine=True)
    seen_at: datetime = timestamp(nullable=False, machine=True)
    expires_at: datetime = timestamp(nullable=False, index=True)
    revoked_at: datetime | None = timestamp()


class LoginRequest(SQLModel, table=True):
    """A login that was sent to the organisation's provider and has not come back yet (OpenID Connect: state, nonce, PKCE verifier)."""

    __tablename__ = "login_request"

    id: int = primary_key()
    state: bytes = Field(sa_type=LargeBinary, unique=True)
    nonce: str = text()
    verifier: str = text()
    return_to: str = text()
    created_at: datetime = timestamp(nullable=False, machine=True, index=True)


class EntryLink(SQLModel, table=True):
    """A link that signs in whoever opens it first, on this machine only: the way in where there is no login provider."""

    __tablename__ = "entry_link"

    id: int = primary_key()
    token: bytes = Field(sa_type=LargeBinary, unique=True)
    worker_id: int | None = reference("worker.id", nullable=True)
    created_at: datetime = timestamp(nullable=False, machine=True)
    expires_at: datetime = timestamp(nullable=False)
    used_at: datetime | None = timestamp()
