"""Tasks of what comes in about orders: ask the sources, fetch their files, read each and do what it says."""

import time
from collections.abc import Sequence

import structlog

from connectors.transports.base import SourceFile
from core.clock import business_now
from core.errors import Message
from services.orders.replies.incoming import Opened, counts_of, open_file, take_each
from services.visiting import applied
from services.work import KINDS
from workers.fetching import call_every_fetch, fetch, files_of, source_of
from workers.spool import reading
from workers.task import Closing, Lease, work_task

log = structlog.get_logger()
#: So much of its deadline a visit's files are read for; the others are brought again by the next visit.
_SHARE_OF_DEADLINE = 0.5


@work_task("ask_incoming")
def ask_incoming(lease: Lease) -> None:
    """Have every incoming source read."""
    call_every_fetch(lease, "incoming")


@work_task("fetch_incoming")
def fetch_incoming(lease: Lease) -> None:
    """Copy a source's files to the spool and call for their reading."""
    fetch(lease)


@work_task("read_incoming")
def read_incoming(lease: Lease) -> None:
    """Read the fetched files and do what each says. No file stops another."""
    source, files = source_of(lease), files_of(lease)
    with reading(lease, files):
        opened = _opened(files)
        with lease.closing() as closing:
            session, now = closing.session, business_now(closing.session)
            provider = lease.settings.sources.incoming[source.name].provider
            rows = take_each(
                session, source.name, opened, provider=provider, run_id=lease.run_id, now=now, settings=lease.settings
            )
            kept = {**lease.arguments, "files": [one.file.to_json() for one in opened]}
            applied(session, lease.settings, source, lease.run_id, kept, now=now)
            _report(closing, counts_of(rows), left=len(files) - len(opened))


def _opened(files: Sequence[SourceFile]) -> list[Opened]:
    """The files, as many of them as there is time for."""
    until = time.monotonic() + KINDS["read_incoming"].deadline * _SHARE_OF_DEADLINE
    opened: list[Opened] = []
    for file in files:
        if time.monotonic() > until:
            log.warning("incoming_left", read=len(opened), left=len(files) - len(opened))
            break
        opened.append(open_file(file))
    return opened


def _report(closing: Closing, counts: dict[str, int], *, left: int) -> None:
    waiting = counts["held"] + counts["refused"]
    if counts["refused"] == counts["files"]:
        message = Message("None of the files could be taken. See: {command}", command="avain incoming list --all")
        closing.report("refused", counts=counts, message=message)
    elif waiting:
        message = Message(
            "Files that were held or refused: {count}. See: {command}",
            count=waiting,
            command="avain incoming list --all",
        )
        closing.report("partly", counts=counts, message=message)
    elif left:
        closing.report(
            "partly",
            counts=counts,
            message=Message("Files there was no time for, left for the next visit: {count}", count=left),
        )
    else:
        closing.report("succeeded" if counts["applied"] else "nothing_to_do", counts=counts)
