"""What left from the instance that this one was restored from, asked about one thing just before it would leave again, and as a list."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from core.errors import Message
from services.effects.settling import BY_JOURNAL, Left, settle
from services.effects.taking_in import Gone

_LEFT: Final = text("SELECT key, kind, sent_at, sha256 FROM sent_elsewhere WHERE key = :key AND sure")
_ALL: Final = text("SELECT key, kind, sent_at, sha256 FROM sent_elsewhere WHERE sure = :sure ORDER BY key")
_FORGET: Final = text("DELETE FROM sent_elsewhere WHERE key = :key")
#: Rows in: what left, as it was kept or as a journal tells it. Rows out: orders that nothing here knows, and cancellations that a provider
#: was told of, of orders that hold here.
_NOT_HERE: Final = """
    SELECT key, kind, sent_at, sure, way FROM gone
    WHERE (kind = 'deliver_order' AND NOT EXISTS (SELECT FROM purchase_order WHERE number = key))
       OR (kind = 'tell_cancelled'
           AND NOT EXISTS (SELECT FROM purchase_order WHERE number = split_part(key, '/', 1) AND state = 'cancelled'))
    ORDER BY key
"""
_UNKNOWN: Final = text("WITH gone AS (SELECT * FROM sent_elsewhere WHERE noted_by IS NULL)" + _NOT_HERE)  # noqa: S608
_TOLD: Final = """
    WITH gone AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told(key text, kind text, sent_at timestamptz, sure boolean, way text)
    )
"""
_UNKNOWN_OF: Final = text(_TOLD + _NOT_HERE)
_NOTE: Final = text(
    "UPDATE sent_elsewhere SET noted_by = :actor WHERE key = ANY(:keys) AND noted_by IS NULL RETURNING key"
)


@dataclass(frozen=True)
class Unknown:
    """Something a provider has that this database knows nothing of: an order (`way`: its channel), or that one was cancelled."""

    key: str
    kind: str
    sent_at: datetime
    sure: bool
    way: str


def left_elsewhere(session: Session, key: str) -> bool:
    """Whether something left from another instance, which is then recorded as if it had been here."""
    row = session.execute(_LEFT, {"key": key}).one_or_none()
    if row is None:
        return False
    settle(session, [Left(**row._mapping)], why=Message(BY_JOURNAL), actor="avain", now=business_now(session))  # noqa: SLF001
    return True


def all_left(session: Session, *, sure: bool) -> list[Left]:
    """Everything that left elsewhere; or, not `sure`, that may have."""
    return [Left(**row._mapping) for row in session.execute(_ALL, {"sure": sure})]  # noqa: SLF001


def unknown(session: Session) -> list[Unknown]:
    """What a person has to look into: only the providers know it."""
    return [Unknown(**row._mapping) for row in session.execute(_UNKNOWN)]  # noqa: SLF001


def unknown_of(session: Session, gone: Iterable[Gone]) -> list[Unknown]:
    """The same of what a journal tells, before it is taken in."""
    rows = [
        {"key": one.key, "kind": one.kind, "sent_at": one.sent_at.isoformat(), "sure": one.sure, "way": one.way}
        for one in gone
    ]
    return [Unknown(**row._mapping) for row in session.execute(_UNKNOWN_OF, {"rows": json.dumps(rows)})]  # noqa: SLF001


def looked_into(session: Session, keys: list[str], *, actor: str) -> list[str]:
    """Somebody has seen to these; those that were still open."""
    return list(session.execute(_NOTE, {"keys": keys, "actor": actor}).scalars())


def may_leave_again(session: Session, key: str) -> None:
    """A person wants it sent again, whatever left elsewhere."""
    session.execute(_FORGET, {"key": key})
