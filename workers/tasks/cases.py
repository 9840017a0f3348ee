"""Tasks of case sources: fetch the files, then read and apply them."""

import shutil
import time
from pathlib import Path
from typing import Final

from connectors.transports.base import SourceFile
from connectors.transports.local import LocalFiles
from core.clock import business_now
from core.errors import Message, Transient
from services.case_sync import run_source
from services.sources import Source, all_sources, call_fetch, find_source
from services.work import call_again
from workers.task import Lease, work_task

#: A spool nobody came back for, in seconds: its files may hold personal data.
_SPOOL_LIFE: Final = 7 * 24 * 3600.0


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
    spool = _empty_spool(lease, source)
    fetched = LocalFiles(source.path).fetch(spool)
    if fetched.growing:  # without them the rest would be half a picture
        raise Transient("Still being written: {names}", names=", ".join(fetched.growing))
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
    with lease.closing() as closing:
        now = business_now(closing.session)
        result = run_source(closing.session, lease.run_id, source.name, files, lease.settings, now=now)
        closing.report(result.state, counts=result.counts, message=result.reason, reply=result.file)
    for spool in {file.path.parent for file in files}:
        shutil.rmtree(spool, ignore_errors=True)


def _source(lease: Lease) -> Source:
    return find_source(lease.settings.sources, lease.arguments["source"])


def _empty_spool(lease: Lease, source: Source) -> Path:
    """A directory of this fetch alone; what earlier ones left behind long ago goes."""
    spools = lease.settings.home.absolute() / "spool" / source.name
    own = spools / str(lease.claimed.work_id)
    for found in spools.glob("*"):
        if found == own or found.stat().st_mtime < time.time() - _SPOOL_LIFE:
            shutil.rmtree(found, ignore_errors=True)
    return own
