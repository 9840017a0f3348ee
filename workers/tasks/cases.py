"""Tasks of case sources: fetch the files, then read and apply them."""

from functools import partial

from core.clock import business_now
from services.case_sync import retry_source, run_source
from services.rejected import Choice
from services.visiting import applied, overtaken
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
    fetch(lease)


@work_task("sync_cases")
def sync_cases(lease: Lease) -> None:
    """Read the fetched files and apply what they say, all of it or nothing."""
    source, files = source_of(lease), files_of(lease)
    so_far = {"read": 0}
    lease.shows(lambda: so_far)
    with reading(lease, files), lease.closing() as closing:
        session = closing.session
        old = overtaken(session, source, lease.arguments)
        if old is not None:
            closing.report("nothing_to_do", message=old)
            return
        now = business_now(session)

        def going_on(read: int) -> None:
            so_far["read"] = read
            check(session, lease.claimed)

        chosen = lease.arguments.get("retry")
        reader = run_source if chosen is None else partial(retry_source, choice=Choice(**chosen))
        result = reader(
            session,
            lease.run_id,
            source.name,
            files,
            lease.settings,
            now=now,
            check=going_on,
        )
        if result.state in {"succeeded", "partly"}:
            applied(session, lease.settings, source, lease.run_id, lease.arguments, now=now)
        closing.report(result.state, counts=result.counts, message=result.reason, reply=result.file)
