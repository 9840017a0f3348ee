"""Fetching a source of either kind: copy its files to the spool, then call for the Work that reads them.

Cases and price lists differ in what is done with the files, not in how they come.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from billiard.exceptions import SoftTimeLimitExceeded

from connectors.pace import Pace
from connectors.transports.base import SourceFile
from core.clock import business_now
from core.database import transaction
from core.errors import LeftAlone, Message, Permanent, Transient
from core.faults import fault_point
from core.i18n import N_
from services.gentleness import is_overtaken, judged, permit, rest, take_turn
from services.prices.night import end_one
from services.source_memory import note_put_away, remember
from services.sources import Kind, Source, all_sources, call_fetch, call_reading, find_source, transport_of
from services.visiting import Brought, bring, call_put_away, configured_as, task
from services.work import KINDS
from services.work.lease import took_too_long
from workers.spool import empty_spool, keep_only
from workers.task import Closing, Lease

_LAST_WORDS_SECONDS: Final = 30.0
_OVERTAKEN: Final = Message(
    N_("The source is left alone. A later reading waits for it as well and reads everything; this one is not needed.")
)


def call_every_fetch(lease: Lease, kind: Kind) -> None:
    """Have every source of a kind read."""
    with lease.closing() as closing:
        for source in all_sources(lease.settings.sources):
            if source.kind == kind:
                # what a night's price lists change is calculated once, when the last of them has been imported
                night = {"night": True} if kind == "prices" else {}
                call_fetch(closing.session, source, lease.claimed.key, **night)


def fetch(lease: Lease) -> None:
    """Copy the files of the source in `lease.arguments` and call for the Work that reads them, in the source's lane.

    Arguments beside: `now` (the source may be asked at any hour, a person said so), `anew` (everything is read, also what was applied)
    and `retry` (which rejected records it is for). Raises Postponed when the source is to be left alone.
    """
    source = source_of(lease)
    if _is_overtaken(lease, source):
        with lease.closing() as closing:
            closing.report("postponed", message=_OVERTAKEN)
            end_of_night(lease, closing)
        return
    with lease.transaction() as session:
        if not lease.arguments.get("now"):
            permit(session, source.lane, configured_as(lease.settings, source).gentle)
        spool = empty_spool(lease, session, source)
        anew = bool(lease.arguments.get("anew") or lease.arguments.get("retry"))
        asked = task(
            session,
            lease.settings,
            source,
            spool,
            business_now(session),
            seconds=seconds_for(lease.claimed.kind),
            anew=anew,
            turns=turn_at,
        )
    lease.shows(_progress(spool, asked.visit.pace))
    try:
        with _asking(lease, source):
            brought = bring(
                transport_of(lease.settings.sources, source, identity=lease.settings.privacy.identity), asked
            )
    except BaseException:  # the next attempt, if there is one, begins anew
        keep_only(lease, spool, ())
        raise
    keep_only(lease, spool, brought.files)
    fault_point("fetch.spooled")
    with lease.closing() as closing:
        _call_reader(lease, closing, source, brought)


def _is_overtaken(lease: Lease, source: Source) -> bool:
    """Whether it need not be done: the source is left alone, and when it no longer is, a later reading reads everything."""
    if lease.arguments.get("now"):
        return False
    with lease.transaction() as session:
        resting = rest(session, source.lane, configured_as(lease.settings, source).gentle)
        return resting is not None and is_overtaken(session, source.lane, lease.claimed)


@contextmanager
def _asking(lease: Lease, source: Source) -> Iterator[None]:
    """What the source does not do in time, or not at all just now, is judged by how it has fared before (services/gentleness.judged)."""
    try:
        yield
    except SoftTimeLimitExceeded as late:
        raise _judged(lease, source, Transient(took_too_long(lease.claimed.kind))) from late
    except Transient as failure:
        raise _judged(lease, source, failure) from failure


def _judged(lease: Lease, source: Source, failure: Transient) -> Transient | Permanent:
    with lease.transaction() as session:
        found = judged(session, source.lane, configured_as(lease.settings, source).gentle, lease.claimed, failure)
        if isinstance(found, LeftAlone) and lease.arguments.get("night"):  # the others' budgets do not wait for it
            end_one(session, lease.arguments["request"], lease.claimed.work_id)
    return found


def _call_reader(lease: Lease, closing: Closing, source: Source, brought: Brought) -> None:
    request = lease.arguments["request"]
    call_put_away(closing.session, lease.settings, source, request, brought.known)
    if not brought.files:
        remember(closing.session, source.name, lease.run_id, memory=brought.memory or None)
        closing.report("nothing_to_do", message=brought.nothing, reply=brought.reply)
        end_of_night(lease, closing)
        return
    passed_on = {name: lease.arguments[name] for name in ("retry", "night") if name in lease.arguments}
    call_reading(closing.session, source, request, **brought.arguments, **passed_on)
    counts = {"files": len(brought.files), "bytes": sum(one.size for one in brought.files)}
    closing.report(counts=counts, message=brought.note, reply=brought.reply)


def end_of_night(lease: Lease, closing: Closing) -> None:
    """Say, last in its closing, that Work of a night's price sources ends."""
    if lease.arguments.get("night"):
        end_one(closing.session, lease.arguments["request"], lease.claimed.work_id)


def turn_at(host: str, seconds: float) -> float:
    """Take the next turn at a host, for whatever process asks it next to know; how many seconds to wait for it."""
    with transaction() as session:
        return take_turn(session, host, seconds)


def seconds_for(kind: str) -> float:
    """How long a visit may take, so that Work of a kind can still say what came of it before its deadline."""
    return KINDS[kind].deadline - _LAST_WORDS_SECONDS


def put_away(lease: Lease) -> None:
    """Move the files named in `lease.arguments`, which were applied, to where the source keeps them. Done twice it is done once."""
    source, applied = source_of(lease), lease.arguments["applied"]
    with lease.transaction() as session:
        permit(session, source.lane, configured_as(lease.settings, source).gentle)
    with _asking(lease, source):
        transport_of(lease.settings.sources, source).put_away(applied)
    fault_point("files.moved")
    with lease.closing() as closing:
        note_put_away(closing.session, source.name, applied)
        closing.report(counts={"files": len(applied)})


def source_of(lease: Lease) -> Source:
    """The source a Work is about. Raises NotFound when the configuration names it no more."""
    return find_source(lease.settings.sources, lease.arguments["source"])


def files_of(lease: Lease) -> list[SourceFile]:
    """The fetched files a Work is to read, in the order of their names."""
    return [SourceFile.from_json(one) for one in lease.arguments["files"]]


def _progress(spool: Path, pace: Pace) -> Callable[[], Mapping[str, int]]:
    """How much has come so far, whatever the transport: what lies in the spool, and what its pace has counted."""

    def counts() -> dict[str, int]:
        try:
            size = sum(one.stat().st_size for one in spool.glob("*"))
        except OSError:  # a part that has just got its name
            size = 0
        return {"requests": pace.requests, "rows": pace.rows, "bytes": size}

    return counts
