"""Fetching a source of either kind: copy its files to the spool, then call for the Work that reads them.

Cases and price lists differ in what is done with the files, not in how they come.
"""

from connectors.transports.base import SourceFile, Visit
from core.errors import Message, Transient
from core.faults import fault_point
from services.sources import Kind, Source, all_sources, call_fetch, find_source, transport_of
from services.work import call_again
from workers.spool import empty_spool
from workers.task import Lease


def call_every_fetch(lease: Lease, kind: Kind) -> None:
    """Have every source of a kind read."""
    with lease.closing() as closing:
        for source in all_sources(lease.settings.sources):
            if source.kind == kind:
                call_fetch(closing.session, source, lease.claimed.key)


def fetch(lease: Lease, reader: str) -> None:
    """Copy the files of the source in `lease.arguments` and call for `reader`, the kind of Work that reads them, in the source's lane."""
    source = source_of(lease)
    way = transport_of(lease.settings.sources, source, identity=lease.settings.privacy.identity)
    fetched = way.fetch(Visit(empty_spool(lease, source.name)))
    if fetched.growing:  # without them the rest would be half a picture
        raise Transient("Still being written: {names}", names=", ".join(fetched.growing))
    fault_point("fetch.spooled")
    with lease.closing() as closing:
        if not fetched.files:
            closing.report("nothing_to_do", message=Message("There are no files at the source."))
            return
        request = lease.arguments["request"]
        files = [one.to_json() for one in fetched.files]
        key = f"{reader}:{source.name}:{request}"
        call_again(closing.session, reader, key, lane=source.lane, source=source.name, request=request, files=files)
        closing.report(counts={"files": len(files), "bytes": sum(one.size for one in fetched.files)})


def source_of(lease: Lease) -> Source:
    """The source a Work is about. Raises NotFound when the configuration names it no more."""
    return find_source(lease.settings.sources, lease.arguments["source"])


def files_of(lease: Lease) -> list[SourceFile]:
    """The fetched files a Work is to read, in the order of their names."""
    return [SourceFile.from_json(one) for one in lease.arguments["files"]]
