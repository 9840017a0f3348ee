"""Visiting a source: what is asked of it, what of that is to be read, and what is remembered once it was applied.

One place for every way a source is read: a worker's fetch, a plan shown to a person, records that are tried again. The reading Work
carries in its arguments what `Brought.arguments` says, so that an approval months later remembers the same as the run would have.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.registry import case_connector
from connectors.pace import Pace
from connectors.transports.base import Fetched, SourceFile, Transport, Visit
from core.clock import local_date
from core.errors import Message, Transient
from core.faults import fault_point
from core.settings import Settings, configuration_file
from core.source_settings import AbsenceSource, BounceSource, CaseSource, IncomingSource, PriceListSource
from core.transport_settings import HttpsFile, SftpFiles
from services.prices.world import world
from services.source_memory import Known, recall, remember
from services.sources import Source, price_settings
from services.work import call_again

AnySource = CaseSource | PriceListSource | IncomingSource | AbsenceSource | BounceSource

#: Rows in: a lane. Rows out: its latest run. One at a time asks a source, so while it is visited that is the visit's own.
_VISIT = text("SELECT coalesce(max(run.id), 0) FROM run JOIN work ON work.id = run.work_id WHERE work.lane = :lane")

#: Rows in: a lane and a visit. Rows out: whether what a later visit brought was applied. Records tried again are not the whole.
_OVERTAKEN = text(
    """
    SELECT EXISTS (
        SELECT FROM run JOIN work ON work.id = run.work_id
        WHERE work.lane = :lane AND run.id > :visit AND run.outcome IN ('succeeded', 'partly')
          AND CAST(work.arguments ->> 'visit' AS bigint) > :visit AND NOT work.arguments ? 'retry')
    """
)


@dataclass(frozen=True)
class Task:
    """A visit that is about to be made: what the transport is told, what is known of the source already, and whether what it holds is
    a whole that must not be read in part (a snapshot), or files of which a later one must not be read before an earlier (`in_order`).
    `number` rises from visit to visit.
    """

    number: int
    visit: Visit
    known: Known
    reading: str
    whole: bool
    has_files: bool
    in_order: bool = True


@dataclass(frozen=True)
class Brought:
    """What a visit brought. `files` are to be read; `known` are sha256 and name of those that were applied before and stand there still; `left`
    those that wait for the next run: still being written, or behind one that is. `memory` None: what was remembered stays. `reply` is the other side's number for its answer.
    `number` is the visit's.
    """

    files: tuple[SourceFile, ...]
    known: frozenset[tuple[str, str]] = frozenset()
    left: tuple[str, ...] = ()
    memory: Mapping[str, Any] | None = None
    reading: str = ""
    has_files: bool = True
    reply: str | None = None
    number: int = 0

    @property
    def arguments(self) -> dict[str, Any]:
        """What the Work that reads the files is told."""
        files = [one.to_json() for one in self.files]
        return {"files": files, "memory": self.memory, "reading": self.reading, "visit": self.number}

    @property
    def note(self) -> Message | None:
        """What is to be said of files that were left."""
        return (
            Message("Still being written, left for the next run: {names}", names=", ".join(self.left))
            if self.left
            else None
        )

    @property
    def nothing(self) -> Message:
        """Why there is nothing to read."""
        if self.note is not None:
            return self.note
        if not self.has_files:
            return Message("There is nothing new at the source.")
        if self.known:
            return Message("Everything at the source was read before; nothing has changed.")
        return Message("There are no files at the source.")


def configured_as(configured: Settings, source: Source) -> AnySource:
    """The settings of a source."""
    sources = configured.sources
    if source.kind == "absences":
        return sources.absences[source.name]
    if source.kind == "bounces":
        return sources.bounces[source.name]
    if source.kind == "incoming":
        return sources.incoming[source.name]
    return sources.cases[source.name] if source.kind == "cases" else price_settings(sources, source)


def _host_of(source: AnySource) -> str | None:
    """The host that is asked when a source is read; None for files of this machine, and for a database, which has a pace of its own."""
    files = source.files
    if isinstance(files, SftpFiles):
        return files.host
    fhir = source.fhir if isinstance(source, CaseSource) else None
    address = files.url if isinstance(files, HttpsFile) else fhir.base_url if fhir is not None else ""
    return urlsplit(address).hostname


def task(
    session: Session,
    configured: Settings,
    source: Source,
    spool: Path,
    now: datetime,
    *,
    seconds: float,
    anew: bool = False,
    most: int | None = None,
    turns: Callable[[str, float], float] | None = None,
) -> Task:
    """What to ask of a source now, in so many seconds. `anew` has everything brought, also what was applied before; with `most`, so many
    cases are enough (Visit.most): only to be looked at. `turns` takes a turn at a host and says how long to wait for it
    (services/gentleness.take_turn, in a transaction of its own).
    """
    settings = configured_as(configured, source)
    snapshot = source.mode != "delta"
    reading = reading_of(session, configured, source, now)
    known = Known() if anew else recall(session, source.name, snapshot=snapshot, reading=reading)
    host = _host_of(settings)
    pace = Pace(
        requests_per_second=settings.gentle.requests_per_second,
        rows_per_second=settings.gentle.rows_per_second,
        turns=partial(turns, host) if turns is not None and host else None,
    )
    visit = Visit(
        spool, dict(known.memory), {sha256 for sha256, _ in known.files}, snapshot or anew, pace, seconds, most
    )
    number = session.execute(_VISIT, {"lane": source.lane}).scalar_one()
    in_order = source.form != "mail" and source.kind != "incoming"
    return Task(number, visit, known, reading, snapshot, settings.files is not None, in_order)


def reading_of(session: Session, configured: Settings, source: Source, now: datetime) -> str:
    """How a source is read at present: the same bytes read in another way are another file."""
    settings = configured_as(configured, source)
    if isinstance(settings, IncomingSource | BounceSource) or (source.form == "mail" and not source.by_mail):
        return ""  # what was taken stays taken
    if isinstance(settings, AbsenceSource):
        return f"{settings.encoding} {sorted(settings.columns.items())}"
    if isinstance(settings, PriceListSource):
        return world(session, settings, local_date(now))
    return f"{case_connector(settings, configuration_file().parent).version}/{configured.privacy.identity}"


def bring(transport: Transport, asked: Task) -> Brought:
    """Fetch, and judge what of it is to be read. No transaction is open meanwhile. Raises as Transport.fetch; Transient while what is
    needed first is still being written.
    """
    fetched = transport.fetch(asked.visit)
    if _is_half_a_picture(fetched, asked):
        fetched = transport.fetch(replace(asked.visit, memory={}, processed=()))
    brought = _snapshot(fetched, asked) if asked.whole else _delta(fetched, asked)
    return replace(brought, reply=fetched.reply, reading=asked.reading, has_files=asked.has_files, number=asked.number)


def overtaken(session: Session, source: Source, arguments: Mapping[str, Any]) -> Message | None:
    """Why the files of a reading Work must not be applied any more: what a later visit brought was applied while this Work waited for its
    next attempt, and the old would replace the new. None: they may. Nothing is lost: what nobody applied, the next visit brings again.
    """
    visit = arguments.get("visit")
    if visit is None or not session.execute(_OVERTAKEN, {"lane": source.lane, "visit": visit}).scalar_one():
        return None
    return Message("A later run has read the source meanwhile; what this one brought is old and was left.")


def applied(
    session: Session, configured: Settings, source: Source, run_id: int, arguments: Mapping[str, Any], *, now: datetime
) -> None:
    """What follows when a run's files were applied, in that transaction: they are remembered, and moved where that is wanted.

    `arguments` are those of the reading Work. What was tried again record by record is not the whole, and nothing is remembered of it.
    """
    if "retry" in arguments:
        return
    files = [SourceFile.from_json(one) for one in arguments.get("files", ())]
    reading = arguments.get("reading", "")
    if source.kind == "prices":  # as the world is with this list applied: it will be judged by that
        reading = reading_of(session, configured, source, now)
    kept = files if configured_as(configured, source).files is not None else []
    remember(session, source.name, run_id, files=kept, reading=reading, memory=arguments.get("memory"))
    request = arguments.get("request", f"run-{run_id}")
    call_put_away(session, configured, source, request, {(one.sha256, one.name) for one in files})
    fault_point("source.remembered")


def moves(configured: Settings, source: Source) -> bool:
    """Whether applied files of a source are moved there."""
    return getattr(configured_as(configured, source).files, "after", "leave") == "move"


def call_put_away(
    session: Session, configured: Settings, source: Source, request: str, applied: Collection[tuple[str, str]]
) -> None:
    """Have applied files moved at the source, if that is how it is set up."""
    if applied and moves(configured, source):
        key = f"put_away_files:{source.name}:{request}"
        by_name = {name: sha256 for sha256, name in applied}
        call_again(
            session, "put_away_files", key, lane=source.lane, source=source.name, request=request, applied=by_name
        )


def _is_half_a_picture(fetched: Fetched, asked: Task) -> bool:
    """Whether what was left out because it was applied before is missing now: a part of a snapshot that has changed elsewhere, or a
    file that only looks like an earlier one.
    """
    names = set(fetched.processed)
    if asked.whole:
        return bool(names) and (bool(fetched.files) or names != asked.known.names)
    return not names <= asked.known.names


def _snapshot(fetched: Fetched, asked: Task) -> Brought:
    """All of it or nothing: without the files that are still being written the rest would be half a picture."""
    if fetched.growing:
        raise _still_growing(fetched)
    known = asked.known.files
    same = {(one.sha256, one.name) for one in fetched.files} == known if fetched.files else bool(fetched.processed)
    if same and known:
        return Brought((), known, memory=fetched.memory)
    return Brought(fetched.files, memory=fetched.memory)


def _delta(fetched: Fetched, asked: Task) -> Brought:
    """What is complete, up to the first file that is not: what comes after it says something newer."""
    known, first = asked.known.files, min(fetched.growing, default=None) if asked.in_order else None
    fresh = [one for one in fetched.files if (one.sha256, one.name) not in known]
    files = tuple(one for one in fresh if first is None or one.name < first)
    left = sorted({*fetched.growing, *(one.name for one in fresh if one not in files)})
    if left and not files and asked.in_order:
        raise _still_growing(fetched)
    there = {one.name for one in fetched.files} | set(fetched.processed)
    # How far the source was read may say that what is left was seen.
    memory = None if left else fetched.memory
    return Brought(files, frozenset(one for one in known if one[1] in there), tuple(left), memory)


def _still_growing(fetched: Fetched) -> Transient:
    return Transient("Still being written: {names}", names=", ".join(fetched.growing))
