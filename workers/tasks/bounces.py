"""Tasks of reminders that came back: ask the maildrops, fetch what lies there, believe what can be believed."""

from collections.abc import Iterator

import structlog

from connectors.transports.base import SourceFile
from core.clock import business_now
from documents.delivery_report import LARGEST_FILE, DeliveryReport, read_reports
from services.alarms import tell
from services.reminders.bounces import take
from services.reminders.operators import about_refused
from services.visiting import applied
from workers.fetching import call_every_fetch, fetch, files_of, source_of
from workers.spool import reading
from workers.task import Lease, work_task

log = structlog.get_logger()


@work_task("ask_bounces")
def ask_bounces(lease: Lease) -> None:
    """Have every maildrop read."""
    call_every_fetch(lease, "bounces")


@work_task("fetch_bounces")
def fetch_bounces(lease: Lease) -> None:
    """Copy a maildrop's files to the spool and call for their reading."""
    fetch(lease)


@work_task("read_bounces")
def read_bounces(lease: Lease) -> None:
    """Read every report and note what it is about. No file stops another, and each is read once."""
    source, files = source_of(lease), files_of(lease)
    with reading(lease, files):
        reports = [one for file in files for one in _reports(file)]
        with lease.closing() as closing:
            now = business_now(closing.session)
            counts = take(closing.session, reports, now=now)
            tell(closing.session, about_refused(closing.session), lease.settings, now=now)
            applied(closing.session, lease.settings, source, lease.run_id, lease.arguments, now=now)
            closing.report(counts={"files": len(files), "mails": len(reports), **counts})


def _reports(file: SourceFile) -> Iterator[DeliveryReport | None]:
    text = file.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        log.warning("bounces_too_large", sha256=file.sha256, size=file.size)
        yield None
        return
    yield from read_reports(text)
