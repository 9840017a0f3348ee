"""The task that sorts a mail source's e-mails: each provider's list becomes an import of its own, in that provider's lane."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from billiard.exceptions import SoftTimeLimitExceeded

from connectors.prices.row import Reading
from connectors.transports.base import SourceFile
from core.clock import business_now
from core.errors import AvainError, Message
from core.faults import fault_point
from services.alarms import Alarm, tell
from services.price_mail import Opened, Sorted, take
from services.price_mail.opening import open_mail
from services.price_mail.taking import settled_already, unseen_first
from services.sources import Source, call_reading
from services.visiting import applied
from services.work import KINDS
from workers.fetching import end_of_night, files_of, source_of
from workers.spool import own_folder, reading
from workers.task import Closing, Lease, work_task

log = structlog.get_logger()
#: So much of its deadline a visit's mails are opened for; the last one begun may take some minutes more.
_SHARE_OF_DEADLINE = 0.5


@work_task("read_price_mail")
def read_price_mail(lease: Lease) -> None:
    """Open the fetched mails, take what is known, leave the rest to a person. No mail stops another."""
    source, files = source_of(lease), files_of(lease)
    with reading(lease, files):
        with lease.transaction() as session:
            settled = settled_already(session, source.name, files)
            files = unseen_first(session, source.name, files)
        spool, own = own_folder(lease, source.name), {lease.settings.organisation.business_id}
        mails = _opened(lease, [one for one in files if one.sha256 not in settled], spool, own)
        fault_point("price_mail.opened")
        with lease.closing() as closing:
            now = business_now(closing.session)
            found = take(closing.session, source.name, mails, run_id=lease.run_id, now=now)
            still = settled_already(closing.session, source.name, files, keep=True)
            found.settled += [one for one in files if one.sha256 in settled & still]
            _call_imports(lease, closing, source, found)
            kept = {**lease.arguments, "files": [one.to_json() for one in found.settled]}
            applied(closing.session, lease.settings, source, lease.run_id, kept, now=now)
            _report(lease, closing, found, left=sum(one.sha256 not in settled for one in files) - len(mails))
            end_of_night(lease, closing)
        taken = {one.one.file.path.parent for one in found.taken}
        for one in (one for mail in mails for one in mail.lists if one.file.path.parent not in taken):
            shutil.rmtree(one.file.path.parent, ignore_errors=True)


def _opened(lease: Lease, files: Sequence[SourceFile], spool: Path, own: set[str]) -> list[Opened]:
    """The mails, as many of them as there is time for; the others are brought again by the next visit."""
    how = Reading(lease.settings.sources.prices[lease.arguments["source"]].encoding)
    until = time.monotonic() + KINDS["read_price_mail"].deadline * _SHARE_OF_DEADLINE
    mails: list[Opened] = []
    for file in files:
        if time.monotonic() > until:
            log.warning("price_mail_left", opened=len(mails), left=len(files) - len(mails))
            break
        mails.append(_open(file, spool, how, own))
    return mails


def _open(file: SourceFile, spool: Path, how: Reading, own: set[str]) -> Opened:
    """A mail. A fault of ours in reading what one stranger sent must not stop all others' lists: that mail waits."""
    try:
        return open_mail(file, spool, reading=how, own=own)
    except (AvainError, SoftTimeLimitExceeded, MemoryError):
        raise
    except Exception as unknown:
        log.exception("price_mail_crashed", sha256=file.sha256)
        error = type(unknown).__name__
        return Opened(
            file,
            refused=Message("An unexpected error ({error}) while it was read; the log has the details.", error=error),
        )


def _call_imports(lease: Lease, closing: Closing, source: Source, found: Sorted) -> None:
    passed_on = {name: lease.arguments[name] for name in ("visit", "night") if name in lease.arguments}
    for one in found.taken:
        files = [one.one.file.to_json()]
        doubt = {} if one.proven else {"unproven": True}
        share = source.of_provider(one.business_id)
        call_reading(
            closing.session, share, lease.arguments["request"], files=files, mail=one.mail_id, **doubt, **passed_on
        )


def _report(lease: Lease, closing: Closing, found: Sorted, *, left: int) -> None:
    unread = Message("E-mails there was no time for, left for the next visit: {count}", count=left) if left else None
    if not found.waiting:
        if unread is not None:
            closing.report("partly", counts=found.counts, message=unread)
            return
        closing.report("succeeded" if found.taken else "nothing_to_do", counts=found.counts)
        return
    message = Message(
        "E-mails that wait for a person: {count}. See: {command}",
        count=len(found.waiting),
        command="avain price mail list",
    )
    closing.report("partly", counts=found.counts, message=message)
    alarms = [
        Alarm(
            "mail_waiting",
            f"price_mail:{number}",
            Message("E-mail {id} waits: it must be said whose price list it brings.", id=number),
        )
        for number in found.waiting
    ]
    tell(closing.session, alarms, lease.settings, now=business_now(closing.session))
