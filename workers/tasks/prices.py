"""Tasks of price sources: fetch a list, then read it and apply it or hold it; look for prices that are missing or will end."""

from connectors.prices import read_price_list
from connectors.prices.row import Reading
from connectors.transports.base import SourceFile
from core.clock import business_now
from core.errors import Message, RefusedInput
from core.faults import fault_point
from services import price_uploads
from services.alarms import tell
from services.budgets.dirty import noting_only
from services.price_alarms import about_list, about_refused, watch
from services.prices import import_price_list, is_applied
from services.prices.columns import meanings_for_reading
from services.prices.values import TO_BE_SEEN
from services.sources import Source, price_settings
from services.visiting import applied, overtaken
from workers.fetching import call_every_fetch, end_of_night, fetch, files_of, source_of
from workers.spool import reading
from workers.task import Lease, work_task

_NOT_FROM_THEM = Message(
    "The e-mail did not come from the provider's known address. Its file says whose list it is, which anybody can write."
)


@work_task("nightly_prices")
def nightly_prices(lease: Lease) -> None:
    """Have every price source read."""
    call_every_fetch(lease, "prices")


@work_task("fetch_prices")
def fetch_prices(lease: Lease) -> None:
    """Copy a source's files to the spool and call for their import."""
    fetch(lease)


@work_task("import_prices")
def import_prices(lease: Lease) -> None:
    """Read the fetched list to its end, then apply it or hold it. A list that cannot be read leaves the prices in force.

    Of several files the last by name is the list.
    """
    files = files_of(lease)
    with reading(lease, files):
        _import(lease, source_of(lease), files[-1])


@work_task("watch_prices")
def watch_prices(lease: Lease) -> None:
    """Tell the price manager of prices that are missing for a year to come, of those that will end, and of lists that wait unsaid."""
    with lease.closing() as closing:
        now = business_now(closing.session)
        price_uploads.forget_decided(closing.session, now)
        told = watch(closing.session, lease.settings, now=now)
        closing.report("succeeded" if told else "nothing_to_do", counts={"alarms": told})


def _import(lease: Lease, source: Source, file: SourceFile) -> None:
    configured, upload = price_settings(lease.settings.sources, source), lease.arguments.get("upload")
    content = file.read()
    with lease.transaction() as session:
        columns = meanings_for_reading(session, configured.provider)
    try:
        document = read_price_list(content, file_name=file.name, reading=Reading(configured.encoding, columns))
    except RefusedInput as refused:
        with lease.closing() as closing:
            if upload is None:
                alarm = about_refused(source.name, file.name, file.sha256, refused.message)
                tell(closing.session, [alarm], lease.settings, now=business_now(closing.session))
            else:  # who brought it is looking at it
                price_uploads.refused(closing.session, upload, refused.message)
            closing.report("refused", message=refused.message, reply=file.name)
            end_of_night(lease, closing)
        return
    fault_point("prices.parsed")
    with lease.closing() as closing:
        old = overtaken(closing.session, source, lease.arguments)
        if old is not None:
            closing.report("nothing_to_do", message=old)
            end_of_night(lease, closing)
            return
        now = business_now(closing.session)
        with noting_only(closing.session, on=bool(lease.arguments.get("night"))):
            result = import_price_list(
                closing.session,
                source.name,
                configured,
                document,
                run_id=lease.run_id,
                now=now,
                budgets=lease.settings.budgets,
                doubt=_NOT_FROM_THEM if lease.arguments.get("unproven") else None if upload is None else TO_BE_SEEN,
                asked=upload is not None,
            )
        if is_applied(closing.session, result) and not source.by_mail:  # of mails it is remembered that they were taken
            applied(closing.session, lease.settings, source, lease.run_id, lease.arguments, now=now)
        if upload is None:
            tell(closing.session, about_list(closing.session, result), lease.settings, now=now)
        else:
            price_uploads.imported(closing.session, upload, result)
        closing.report(result.outcome, counts=result.counts, message=result.message, reply=file.name)
        end_of_night(lease, closing)
        fault_point("prices.applied")
