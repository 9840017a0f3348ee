"""Tasks of case sources: fetch the files, then read and apply them."""

from core.clock import business_now
from services.case_sync import run_source
from services.work import check
from workers.fetching import call_every_fetch, fetch, files_of, source_of
from workers.spool import reading
from workers.task import Lease, work_task


@work_task("nightly_cases")
def nightly_cases(lease: Lease) -> None:
    """Have every case source read."""
    call_every_fetch(lease, "cases")


@work_task("fetch_cases")
def fetch_cases(lease: Lease) -> None:
    """Copy a source's files to the spool and call for their synchronisation."""
    fetch(lease, "sync_cases")


@work_task("sync_cases")
def sync_cases(lease: Lease) -> None:
    """Read the fetched files and apply what they say, all of it or nothing."""
    source, files = source_of(lease), files_of(lease)
    with reading(lease, files), lease.closing() as closing:
        session = closing.session
        result = run_source(
            session,
            lease.run_id,
            source.name,
            files,
            lease.settings,
            now=business_now(session),
            check=lambda _read: check(session, lease.claimed),
        )
        closing.report(result.state, counts=result.counts, message=result.reason, reply=result.file)
