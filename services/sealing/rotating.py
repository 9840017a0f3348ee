"""Asking for everything to be sealed anew, and following it. What is done is Work (workers/tasks/sealing.py); it may be asked for again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import ConfigurationError, Message, Transient
from services import audit
from services.sealing.places import Kept
from services.sealing.standing import KeyStanding
from services.work import call_again

#: What all asking for it shares: one at a time, for ever.
KIND: Final = "reseal"

#: Rows in: the Work. Rows out: how it stands, with its latest attempt.
_PROGRESS: Final = text(
    """
    SELECT work.id, work.done_at IS NOT NULL AS done, work.dead_at IS NOT NULL AS dead, run.finished_at IS NULL AND run.id IS NOT NULL AS running,
           run.outcome, coalesce(run.counts, '{}') AS counts, run.message,
           coalesce(extract(epoch FROM coalesce(run.finished_at, clock_timestamp()) - run.started_at), 0)::float AS seconds
    FROM work LEFT JOIN LATERAL (SELECT * FROM run WHERE run.work_id = work.id ORDER BY id DESC LIMIT 1) AS run ON true
    WHERE work.id = :id
    """
)


@dataclass(frozen=True)
class Progress:
    """How far it is. `ended`: done, or given up; `outcome`, `message`: of the latest attempt."""

    ended: bool
    dead: bool
    running: bool
    outcome: str | None
    counts: Mapping[str, Any]
    message: Message | None
    seconds: float


def to_seal_anew(found: Sequence[KeyStanding], keys: Kept) -> int:
    """How many blobs another key than the present ones has sealed that can be opened here."""
    present = {keys.current, keys.families.current}
    return sum(one.total for one in found if one.key not in present and one.state == "needed")


def must_be_whole(found: Sequence[KeyStanding]) -> None:
    """Raises ConfigurationError where something is sealed with a key that is not configured, or not the right one."""
    lacking = [one for one in found if one.state in ("missing", "wrong")]
    if lacking:
        raise ConfigurationError(
            "Something is sealed with keys that AVAIN_SEAL_KEYS does not hold, or holds otherwise: {keys}. Add them after the present one. If they"
            " are lost for good, --despite-missing seals the rest anew.",
            keys=", ".join(f"{one.key} ({one.total})" for one in lacking),
        )


def call_for(session: Session, keys: Kept, *, actor: str, now: datetime) -> int:
    """Have everything sealed anew by the keys of this process; the Work's id. Recorded."""
    audit.record(session, actor, "keys.rotation_asked", "keys:seal", now=now, key=keys.current)
    return call_again(session, KIND, KIND, **_meant(keys))


def must_be_meant(arguments: Mapping[str, Any], keys: Kept) -> None:
    """Raises Transient in a process that has other keys than whoever asked: it would seal back what others seal anew."""
    if any(arguments.get(name, value) != value for name, value in _meant(keys).items()):
        raise Transient(
            "This worker still has other keys than the command that asked for the change. Start all workers anew; it is tried again by itself."
        )


def progress(session: Session, work_id: int) -> Progress:
    """How far what was called for is."""
    row = session.execute(_PROGRESS, {"id": work_id}).one()
    message = Message.from_json(row.message) if row.message else None
    return Progress(row.done or row.dead, row.dead, row.running, row.outcome, row.counts, message, row.seconds)


def _meant(keys: Kept) -> dict[str, Any]:
    """By which a process with the same keys is known."""
    newest = keys.identity.index_prints[0] if keys.identity is not None else None
    return {"seals": keys.current, "families": keys.families.current, "index": newest}
