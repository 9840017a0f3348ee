"""Records that were left out, tried again after a profile, a worker or a service was put right: these and no others.

What is applied is what the source says of them now; nothing else of it is touched, no case goes, and no guard weighs a handful of records
against itself. What is still wrong is recorded anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.chosen import OnlyChosen
from connectors.cases.registry import case_connector
from connectors.transports.base import SourceFile
from core.errors import Message
from core.settings import Settings, configuration_file
from services.case_sync.merge import SyncResult
from services.case_sync.running import run_source
from services.rejected import Choice, chosen, settle

#: Rows in: a source and external ids. Rows out: the run that wrote each of their cases last.
_WRITTEN_BY: Final = text(
    "SELECT external_id, synced_run_id FROM client_case WHERE source = :source AND external_id = ANY(:ids) AND synced_run_id IS NOT NULL"
)


def retry_source(
    session: Session,
    run_id: int,
    source: str,
    files: Sequence[SourceFile],
    configured: Settings,
    *,
    choice: Choice,
    now: datetime,
    check: Callable[[int], None] = lambda _read: None,
) -> SyncResult:
    """Read the chosen records of `files` and apply them alone, as `run_source` would. Records that are not there any more stay open.

    State `nothing_to_do` when none of them is there. Raises as `run_source`.
    """
    settings = configured.sources.cases[source]
    places = chosen(session, source, choice)
    only = OnlyChosen(
        case_connector(settings, configuration_file().parent),
        places,
        by_id=settings.mode == "snapshot" or settings.files is None,
        written_by=lambda ids: _written_by(session, source, ids),
    )
    with session.begin_nested() as attempt:
        result = run_source(session, run_id, source, files, configured, now=now, check=check, only=only)
        if only.found <= only.overtaken and result.state != "refused":
            attempt.rollback()  # a run that read nothing takes no held run's place
    if result.state == "refused":
        return result
    settle(session, only.found - only.overtaken, now)
    settle(session, only.overtaken, now, Message("A later run has brought the case since.").text())
    missing = len(places) - len(only.found)
    if not missing:
        return result
    said = Message(
        "{missing} of {count} chosen records are not at the source any more, where they were; they stay open.",
        missing=missing,
        count=len(places),
    )
    return replace(result, state=result.state if only.found else "nothing_to_do", reason=said)


def _written_by(session: Session, source: str, ids: Collection[str]) -> Mapping[str, int]:
    rows = session.execute(_WRITTEN_BY, {"source": source, "ids": list(ids)})
    return {row.external_id: row.synced_run_id for row in rows}
