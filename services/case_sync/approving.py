"""A person's word on a run of a case source that was held: apply exactly the records it staged, or let it be. Both audited."""

from datetime import datetime

from sqlalchemy.orm import Session

from connectors.transports.base import SourceFile
from core.errors import InputError
from core.keys import record_hasher
from core.settings import Settings
from services import audit
from services.case_sync import tables
from services.case_sync.merge import SyncResult, merge
from services.lanes import take_lane
from services.sealing import hold
from services.work import close
from services.work.holding import Held, decide, held_run


def approve_run(
    session: Session, run_id: int, actor: str, note: str, configured: Settings, *, now: datetime
) -> SyncResult:
    """Apply what a held run staged. It is done as Work in the source's lane, here and now, and has a Run of its own in the history.

    Raises NotFound, InputError: not held (any more), no note, the source is being read right now or is not configured any more, or
    what would be done is no longer what was held.
    """
    held = _held(session, run_id, note)
    settings = configured.sources.cases.get(held.source)
    if settings is None:
        raise InputError("The source {source} is not configured any more.", source=held.source)
    claimed = take_lane(session, "sync_cases", held.source, f"approve:{run_id}")
    hold(session)
    tables.create(session)
    tables.bring_back(session, run_id)
    files = [SourceFile.from_json(one) for one in held.arguments.get("files", [])]
    read = held.counts["read"]
    result = merge(
        session, run_id, held.source, settings, now,
        read=read, files=files, hasher=record_hasher(configured), agreed=held.counts,
    )  # fmt: skip
    tables.drop(session)
    close(session, claimed, result.state, counts=result.counts)
    decide(session, run_id, f"approved: {note.strip()}")
    audit.record(
        session, actor, "case_run.approved", f"run:{run_id}", now=now, reason=note, source=held.source, **result.counts
    )
    return result


def discard_run(session: Session, run_id: int, actor: str, note: str, *, now: datetime) -> None:
    """Throw away what a held run staged; the cases stay as they are. Raises NotFound, InputError."""
    held = _held(session, run_id, note)
    tables.forget(session, run_id)
    decide(session, run_id, f"discarded: {note.strip()}")
    audit.record(session, actor, "case_run.discarded", f"run:{run_id}", now=now, reason=note, source=held.source)


def _held(session: Session, run_id: int, note: str) -> Held:
    if not note.strip():
        raise InputError("A note is needed: say why.")
    held = held_run(session, run_id)
    if held.kind != "sync_cases":
        raise InputError("Run {run} is not a run of a case source.", run=run_id)
    return held
