"""Tasks of price sources: fetch a list, then read it and apply it or hold it."""

from connectors.prices import read_price_list
from connectors.transports.base import SourceFile
from connectors.transports.local import LocalFiles
from core.clock import business_now
from core.errors import Message, Permanent, RefusedInput, Transient
from core.faults import fault_point
from services.prices import import_price_list
from services.sources import Source, all_sources, call_fetch, find_source
from services.work import call_again
from workers.spool import empty_spool, reading
from workers.task import Lease, work_task


@work_task("nightly_prices")
def nightly_prices(lease: Lease) -> None:
    """Have every price source read."""
    with lease.closing() as closing:
        for source in all_sources(lease.settings.sources):
            if source.kind == "prices":
                call_fetch(closing.session, source, lease.claimed.key)


@work_task("fetch_prices")
def fetch_prices(lease: Lease) -> None:
    """Copy a source's list to the spool and call for its import. Of several files the last by name is the list."""
    source = _source(lease)
    fetched = LocalFiles(source.path).fetch(empty_spool(lease, source.name))
    if fetched.growing:
        raise Transient("Still being written: {names}", names=", ".join(fetched.growing))
    fault_point("fetch.spooled")
    with lease.closing() as closing:
        if not fetched.files:
            closing.report("nothing_to_do", message=Message("There are no files at the source."))
            return
        request, file = lease.arguments["request"], fetched.files[-1]
        key = f"import_prices:{source.name}:{request}"
        call_again(
            closing.session,
            "import_prices",
            key,
            lane=source.lane,
            source=source.name,
            request=request,
            file=file.to_json(),
        )
        closing.report(counts={"files": 1, "bytes": file.size})


@work_task("import_prices")
def import_prices(lease: Lease) -> None:
    """Read the fetched list to its end, then apply it or hold it. A list that cannot be read leaves the prices in force."""
    source, file = _source(lease), SourceFile.from_json(lease.arguments["file"])
    with reading(lease, [file]):
        _import(lease, source, file)


def _import(lease: Lease, source: Source, file: SourceFile) -> None:
    configured = lease.settings.sources.prices[source.name]
    try:
        content = file.path.read_bytes()
    except FileNotFoundError as gone:  # the spool was cleared, or is another machine's
        raise Permanent("The fetched copy of {name} is gone. Run the source again.", name=file.name) from gone
    try:
        document = read_price_list(content, file_name=file.name, encoding=configured.encoding)
    except RefusedInput as refused:
        with lease.closing() as closing:
            closing.report("refused", message=refused.message, reply=file.name)
        return
    fault_point("prices.parsed")
    with lease.closing() as closing:
        now = business_now(closing.session)
        result = import_price_list(closing.session, source.name, configured, document, run_id=lease.run_id, now=now)
        closing.report(result.outcome, counts=result.counts, message=result.message, reply=file.name)
        fault_point("prices.applied")


def _source(lease: Lease) -> Source:
    return find_source(lease.settings.sources, lease.arguments["source"])
