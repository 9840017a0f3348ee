"""How far the audit trail is sealed, anchored and verified, for the doctor and for the nightly letter."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from core.errors import Message
from core.settings import Settings
from services.alarms import Alarm, tell
from services.audit_seals.findings import Verified
from services.audit_seals.sealing import not_over, still_means

_STATE = text(
    """
    SELECT snapshot, cluster, sealed_at, anchors, verified_at, verified, clock_timestamp() AS present
    FROM audit_sealing
    """
)
_NOTE = text("UPDATE audit_sealing SET verified_at = clock_timestamp(), verified = :verified").bindparams(
    bindparam("verified", type_=JSONB)
)


@dataclass(frozen=True)
class SealingState:
    """How many events wait to be sealed, for how many seconds the oldest of them has, when sealing last ended, and what the last nightly
    verification found (None: nothing wrong, or there was none).
    """

    waiting: int
    oldest_seconds: float
    sealed_at: datetime | None
    anchors: int
    verified_at: datetime | None
    broken: Message | None


def state(session: Session) -> SealingState | None:
    """Where sealing stands; None when the row that says so is gone."""
    row: Any = session.execute(_STATE).one_or_none()
    if row is None:
        return None
    seen = row.snapshot if still_means(session, row.snapshot, row.cluster) else None
    waiting, oldest = not_over(session, seen)
    broken = (row.verified or {}).get("broken")
    return SealingState(
        waiting,
        (row.present - oldest).total_seconds() if oldest is not None else 0.0,
        row.sealed_at,
        row.anchors,
        row.verified_at,
        None if broken is None else Message.from_json(broken["message"]),
    )


def note(session: Session, found: Verified, settings: Settings, *, now: datetime) -> None:
    """Keep what the nightly verification found, and tell the operator what is broken, once."""
    broken = found.broken
    session.execute(
        _NOTE, {"verified": {"events": found.events, "broken": None if broken is None else broken.to_json()}}
    )
    if broken is not None:
        where = broken.event_id or f"{broken.month}/{broken.position}"
        tell(session, [Alarm("audit_broken", f"audit:{broken.kind}:{where}", broken.message)], settings, now=now)
