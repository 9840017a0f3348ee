"""Tasks of sources that tell who is away: ask them, fetch their tables, apply what they say."""

from connectors.transports.base import SourceFile
from core.clock import business_now, local_date
from core.errors import InputError
from core.faults import fault_point
from core.source_settings import AbsenceSource
from documents.absence_table import read_absences as read_table
from services.access.absence_source import File, apply_absences
from services.visiting import applied, overtaken
from workers.fetching import call_every_fetch, fetch, files_of, source_of
from workers.spool import reading
from workers.task import Lease, work_task


@work_task("ask_absences")
def ask_absences(lease: Lease) -> None:
    """Have every source of absences read."""
    call_every_fetch(lease, "absences")


@work_task("fetch_absences")
def fetch_absences(lease: Lease) -> None:
    """Copy a source's files to the spool and call for their reading."""
    fetch(lease)


@work_task("read_absences")
def read_absences(lease: Lease) -> None:
    """Read all files of a source to their end, then apply them as one whole. A file that is none changes nothing."""
    files = files_of(lease)
    with reading(lease, files):
        _apply(lease, files)


def _apply(lease: Lease, files: list[SourceFile]) -> None:
    source = source_of(lease)
    configured = lease.settings.sources.absences[source.name]
    name = ""
    try:
        tables = []
        for one in files:
            name = one.name
            tables.append(_read(one, configured))
        fault_point("absences.parsed")
        with lease.closing() as closing:
            old = overtaken(closing.session, source, lease.arguments)
            if old is not None:
                closing.report("nothing_to_do", message=old)
                return
            now = business_now(closing.session)
            counts = apply_absences(
                closing.session, source.name, configured, tables, run_id=lease.run_id, now=now, today=local_date(now)
            )
            applied(closing.session, lease.settings, source, lease.run_id, lease.arguments, now=now)
            closing.report("partly" if counts["rejected"] else "succeeded", counts=counts, reply=name)
    except InputError as refused:
        with lease.closing() as closing:
            closing.report("refused", message=refused.message, reply=name)


def _read(file: SourceFile, configured: AbsenceSource) -> File:
    return File(
        file.name, file.sha256, read_table(file.read(), encoding=configured.encoding, titles=configured.columns)
    )
