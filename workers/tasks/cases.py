"""Tasks of case sources: fetch the files, then read and apply them."""

from connectors.transports.base import SourceFile
from connectors.transports.local import LocalFiles
from core.clock import business_now
from core.errors import Message, Transient
from core.faults import fault_point
from services.case_sync import run_source
from services.sources import Source, all_sources, call_fetch, find_source
from services.work import call_again, check
from workers.spool import empty_spool, reading
from workers.task import Lease, work_task


@work_task("nightly_cases")
def nightly_cases(lease: Lease) -> None:
    """Have every case source read."""
    with lease.closing() as closing:
        for source in all_sources(lease.settings.sources):
            if source.kind == "cases":
                call_fetch(closing.session, source, lease.claimed.key)


@work_task("fetch_cases")
def fetch_cases(lease: Lease) -> None:
    """Copy a source's files to the spool and call for their synchronisation."""
    source = _source(lease)
    fetched = LocalFiles(source.path).fetch(empty_spool(lease, source.name))
    if fetched.growing:  # without them the rest would be half a picture
        raise Transient("Still being written: {names}", names=", ".join(fetched.growing))
    fault_point("fetch.spooled")
    with lease.closing() as closing:
        if not fetched.files:
            closing.report("nothing_to_do", message=Message("There are no files at the source."))
            return
        request = lease.arguments["request"]
        files = [one.to_json() for one in fetched.files]
        key = f"sync_cases:{source.name}:{request}"
        call_again(
            closing.session, "sync_cases", key, lane=source.lane, source=source.name, request=request, files=files
        )
        closing.report(counts={"files": len(files), "bytes": sum(one.size for one in fetched.files)})


@work_task("sync_cases")
def sync_cases(lease: Lease) -> None:
    """Read the fetched files and apply what they say, all of it or nothing."""
    source = _source(lease)
    files = [SourceFile.from_json(one) for one in lease.arguments["files"]]
    with reading(lease, files), lease.closing() as closing:
        session = closing.session
        result = run_source(
            session,
            lease.run_id,
            source.name,
            files,
            lease.settings,
            now=business_now(session),
            check=lambda: check(session, lease.claimed),
        )
        closing.report(result.state, counts=result.counts, message=result.reason, reply=result.file)


def _source(lease: Lease) -> Source:
    return find_source(lease.settings.sources, lease.arguments["source"])
