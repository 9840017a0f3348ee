"""One run of a case source inside the caller's transaction: stage, then merge. Refused files leave nothing behind."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from connectors.cases.base import CaseConnector, RefusedFile
from connectors.cases.packed import unpacked
from connectors.cases.registry import case_connector
from connectors.transports.base import SourceFile
from core.faults import fault_point
from core.keys import record_hasher, sealer
from core.settings import Settings, configuration_file
from services.case_sync import tables
from services.case_sync.merge import SyncResult, merge
from services.case_sync.staging import Protection, Staging
from services.lanes import take_lane
from services.sealing import indexing_in_force
from services.source_memory import late_file


def run_source(
    session: Session,
    run_id: int,
    source: str,
    files: Sequence[SourceFile],
    configured: Settings,
    *,
    now: datetime,
    check: Callable[[int], None] = lambda _read: None,
    only: CaseConnector | None = None,
) -> SyncResult:
    """Read `files` as the source is configured (`sources.cases.<source>`) and apply what they say, all of it or nothing.

    State `refused` means that a file was malformed, cut short or an attack. `check` is called after each batch with
    how many records were read so far, and may raise LeaseLost. Raises InputError when a fetched copy is gone, ConfigurationError
    without the index key in force, Transient when an archive cannot be unpacked beside it.

    `only` stands in for the source's connector where it hands out some records alone: the others are then not missing, and no guard
    asks what share of them was rejected.
    """
    settings = configured.sources.cases[source]
    seals = sealer(configured)
    protection = Protection(record_hasher(configured), seals and indexing_in_force(session, seals))
    connector = only or case_connector(settings, configuration_file().parent)
    if only is not None:
        settings = settings.model_copy(update={"mode": "delta", "max_gone": Decimal(1), "max_rejected": Decimal(1)})
    try:
        staging = Staging(session, run_id, source, unpacked(files), protection, check)
        read = staging.stage(connector)
    except RefusedFile as refusal:
        return SyncResult(state="refused", reason=refusal.message, file=refusal.file)
    fault_point("sync.staged")
    asks = only is None and settings.mode == "delta" and settings.files is not None and settings.late_files == "hold"
    late = late_file(session, source, files) if asks else None
    result = merge(
        session, run_id, source, settings, now, read=read, files=staging.files, hasher=protection.hasher, late=late
    )
    tables.drop(session)
    return result


def plan_source(
    session: Session, source: str, files: Sequence[SourceFile], configured: Settings, *, now: datetime
) -> SyncResult:
    """What `run_source` would do: it is done, under a Run of its own, and the caller must roll it back.

    Raises InputError when the source is being read at this moment.
    """
    claimed = take_lane(session, "sync_cases", source, "plan")
    return run_source(session, claimed.run_id, source, files, configured, now=now)
