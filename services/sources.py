"""Sources as people see them, of every kind: cases, price lists, what comes in about orders, absences, e-mails that came back. Asking one to be read, and following what comes of it.

Reading a source is two kinds of Work: a fetch (slow, outside) that calls for the second (parse and apply). All Work of one request
carries `source` and `request` in its arguments, which is how it is followed.
"""

import difflib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.cases.base import IdentityMode
from connectors.cases.registry import case_transport
from connectors.transports.base import Transport
from connectors.transports.registry import transport
from core.errors import InputError, Message, NotFound
from core.settings import configuration_file
from core.source_settings import RESERVED, PriceListSource, Sources
from services.work import call_again

Kind = Literal["cases", "prices", "incoming", "absences", "bounces"]
_FETCH: dict[Kind, str] = {
    "cases": "fetch_cases",
    "prices": "fetch_prices",
    "incoming": "fetch_incoming",
    "absences": "fetch_absences",
    "bounces": "fetch_bounces",
}
_READ: dict[Kind, str] = {
    "cases": "sync_cases",
    "prices": "import_prices",
    "incoming": "read_incoming",
    "absences": "read_absences",
    "bounces": "read_bounces",
}
#: E-mails are sorted first; each list found in them is imported as that of a source of its own, `<mail source>/<business id>`.
_SORT: Final = "read_price_mail"
_BY_MAIL: Final = "/"
#: What people bring to the console; each provider's share is a source of its own, `console/<business id>`, and `console/own` that of our own
#: unit costs. No configured source has this name (core/source_settings.py).
CONSOLE: Final = RESERVED
OWN: Final = "own"


@dataclass(frozen=True)
class Source:
    """A configured source. `form` is its connector, `place` where it is (for people), `mode` snapshot or delta (cases and e-mails).

    A provider's lists that come by e-mail are a source too, with a lane and a history of its own: `posti/1234567-1`.
    """

    name: str
    kind: Kind
    form: str
    place: str
    mode: str | None = None

    @property
    def lane(self) -> str:
        """One piece of Work at a time: the same source is never read twice at once."""
        return f"source:{self.name}"

    @property
    def by_mail(self) -> bool:
        """Whether it is a provider's share of a mail source, or of what people bring: it is read with that, and not by itself."""
        return _BY_MAIL in self.name

    @property
    def by_hand(self) -> bool:
        """Whether its lists are brought by people."""
        return self.name.partition(_BY_MAIL)[0] == CONSOLE

    def of_provider(self, business_id: str) -> "Source":
        """The provider's share of this mail source."""
        return replace(self, name=f"{self.name}{_BY_MAIL}{business_id}", mode=None)


_STEPS = """
    SELECT work.id, work.kind, work.done_at IS NOT NULL OR work.dead_at IS NOT NULL AS ended, work.dead_at IS NOT NULL AS dead,
           work.token IS NOT NULL AS under_way, run.acknowledged IS NOT NULL AS decided, run.id AS run_id, run.outcome, run.counts, run.message, run.reply,
           extract(epoch FROM coalesce(run.finished_at, clock_timestamp()) - work.created_at) AS seconds,
           extract(epoch FROM clock_timestamp() - run.started_at) AS running
    FROM work LEFT JOIN LATERAL (SELECT * FROM run WHERE work_id = work.id ORDER BY id DESC LIMIT 1) AS run ON true
"""

#: Rows in: a source and a request. Rows out: every Work of it with its latest Run, in the order they were called for.
_PROGRESS = text(
    f"""{_STEPS} WHERE split_part(work.arguments ->> 'source', '/', 1) = :source AND work.arguments ->> 'request' = :request
    ORDER BY work.id
    """
)

#: Rows in: a Work. Rows out: it, with its latest Run.
_ALONE = text(f"{_STEPS} WHERE work.id = :work_id")

#: Rows in: a lane. Rows out: the latest runs in it, newest first.
_HISTORY = text(
    """
    SELECT run.id, run.kind, run.attempt, run.started_at, run.finished_at, run.outcome,
           run.counts, run.message, run.reply
    FROM run JOIN work ON work.id = run.work_id
    WHERE work.lane = :lane ORDER BY run.id DESC LIMIT :limit
    """
)


#: Rows in: a lane and the kinds that read. Rows out: the latest run that applied something.
_LAST_APPLIED = text(
    """
    SELECT max(run.id) FROM run JOIN work ON work.id = run.work_id
    WHERE work.lane = :lane AND run.kind = ANY(:kinds) AND run.outcome IN ('succeeded', 'partly')
    """
)


#: Rows in: a lane. Rows out: the files that Work of it is still to read. Work that died may be called again.
_TO_READ = text(
    """
    SELECT DISTINCT file ->> 'path' FROM work, jsonb_array_elements(arguments -> 'files') AS file
    WHERE lane = :lane AND done_at IS NULL
    """
)


@dataclass(frozen=True)
class Step:
    """One Work of a request: whether it ended, and its latest Run. `seconds` since it was called for, `running` since that Run began.

    `decided`: it was held, and a person or a later run has decided on it.
    """

    work_id: int
    kind: str
    ended: bool
    dead: bool
    under_way: bool
    run_id: int | None
    outcome: str | None
    counts: dict[str, Any]
    message: Message | None
    reply: str | None
    seconds: float
    running: float = 0.0
    decided: bool = False

    @property
    def needs_a_person(self) -> bool:
        """Whether it ended in a way that somebody has to look at."""
        return self.outcome in {"failed", "refused"} or (self.outcome == "held" and not self.decided)


def all_sources(configured: Sources) -> list[Source]:
    """Every configured source: cases, prices, what comes in, absences, bounces; each by name."""
    cases = [Source(name, "cases", one.kind, one.place, one.mode) for name, one in sorted(configured.cases.items())]
    prices = [
        Source(name, "prices", one.kind, one.place, "delta" if one.kind == "mail" else None)
        for name, one in sorted(configured.prices.items())
    ]
    incoming = [
        Source(name, "incoming", "orders", one.place, "delta") for name, one in sorted(configured.incoming.items())
    ]
    absences = [
        Source(name, "absences", "table", one.place, "snapshot") for name, one in sorted(configured.absences.items())
    ]
    bounces = [Source(name, "bounces", "mail", one.place, "delta") for name, one in sorted(configured.bounces.items())]
    return cases + prices + incoming + absences + bounces


def find_source(configured: Sources, name: str) -> Source:
    """The source of a name. Raises NotFound with what there is."""
    known = {one.name: one for one in all_sources(configured)}
    parent, _, business_id = name.partition(_BY_MAIL)
    if business_id and parent in known and known[parent].form == "mail" and known[parent].kind == "prices":
        return known[parent].of_provider(business_id)
    if business_id and parent == CONSOLE:
        return uploads_of(business_id)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)  # first, but not alone: it says what is configured
        told = ", ".join([*near, *sorted(known.keys() - near)])
        raise NotFound("There is no source {name}. Configured are: {known}", name=name, known=told or "–")
    return known[name]


def uploads_of(provider: str) -> Source:
    """What people bring of a provider (a business id) or of our own unit costs (OWN)."""
    return Source(f"{CONSOLE}{_BY_MAIL}{provider}", "prices", "upload", CONSOLE)


def sources_of_provider(configured: Sources, business_id: str | None) -> list[str]:
    """Configured sources that read this provider's lists (None: our own unit costs) by themselves, by name."""
    return sorted(name for name, one in configured.prices.items() if one.kind != "mail" and one.provider == business_id)


def price_settings(configured: Sources, source: Source) -> PriceListSource:
    """How a price source is set up; a provider's share of a mail source like a source of that provider alone."""
    parent, _, business_id = source.name.partition(_BY_MAIL)
    if parent == CONSOLE:
        if business_id == OWN:
            return PriceListSource(kind="own", path=CONSOLE)
        return PriceListSource(kind="provider", provider=business_id, path=CONSOLE)
    settings = configured.prices[parent]
    return settings.model_copy(update={"kind": "provider", "provider": business_id}) if business_id else settings


def transport_of(configured: Sources, source: Source, *, identity: IdentityMode = "none") -> Transport:
    """How what a source holds comes in. With `identity="none"` a database is not asked who clients are."""
    if source.kind == "cases":
        return case_transport(configured.cases[source.name], configuration_file().parent, identity=identity)
    if source.by_mail:
        raise _read_with_its_mails(source)
    if source.kind == "incoming":
        return transport(configured.incoming[source.name].files)
    if source.kind == "absences":
        return transport(configured.absences[source.name].files)
    if source.kind == "bounces":
        return transport(configured.bounces[source.name].files)
    return transport(configured.prices[source.name].files)


def call_fetch(session: Session, source: Source, request: str, **asked: Any) -> int:
    """Have a source read. `request` names the occasion: asking again for the same one repeats it. Returns the Work's id.

    `asked`: `now=True` at any hour, `anew=True` with what was applied before, `retry` for chosen rejected records alone
    (workers/fetching.py).
    """
    if source.by_mail:
        raise _read_with_its_mails(source)
    kind, (key, _) = _FETCH[source.kind], keys_of(source, request)
    return call_again(session, kind, key, lane=source.lane, source=source.name, request=request, **asked)


def call_look(session: Session, source: Source, request: str, **asked: Any) -> int:
    """Have a worker look at the first records of a source. `asked`: `now=True` at any hour. Returns the Work's id."""
    if source.by_mail:
        raise _read_with_its_mails(source)
    key = f"look_at_source:{source.name}:{request}"
    return call_again(
        session, "look_at_source", key, lane=source.lane, source=source.name, request=request, look=True, **asked
    )


def call_reading(session: Session, source: Source, request: str, **arguments: Any) -> int:
    """Have files that were fetched read and applied (services/visiting.Brought.arguments). Returns the Work's id."""
    kind, (_, key) = _reading_kind(source), keys_of(source, request)
    return call_again(session, kind, key, lane=source.lane, source=source.name, request=request, **arguments)


def keys_of(source: Source, request: str) -> tuple[str, str]:
    """The keys of the Work that a request calls for: the fetch, and the reading of what it brings."""
    return f"{_FETCH[source.kind]}:{source.name}:{request}", f"{_reading_kind(source)}:{source.name}:{request}"


def _reading_kind(source: Source) -> str:
    return _SORT if source.kind == "prices" and source.form == "mail" and not source.by_mail else _READ[source.kind]


def _read_with_its_mails(source: Source) -> InputError:
    if source.by_hand:
        return InputError("The price lists of {source} are uploaded in the console.", source=source.name)
    return InputError(
        "The price lists of {source} come by e-mail and are read with all others: {command}",
        source=source.name,
        command=f"avain source run {source.name.partition(_BY_MAIL)[0]}",
    )


def copies_to_read(session: Session, source: Source) -> set[Path]:
    """Fetched copies that Work which has not been done is to read."""
    return {Path(path) for path in session.execute(_TO_READ, {"lane": source.lane}).scalars()}


def last_applied(session: Session, source: Source) -> int | None:
    """The latest run that applied something of a source."""
    found: int | None = session.execute(
        _LAST_APPLIED, {"lane": source.lane, "kinds": list(_READ.values())}
    ).scalar_one()
    return found


def progress(session: Session, source: str, request: str) -> list[Step]:
    """Where a request stands: its Work so far, the fetch first. It has ended when all of it has."""
    return [_step(row) for row in session.execute(_PROGRESS, {"source": source, "request": request})]


def progress_of_work(session: Session, work_id: int) -> list[Step]:
    """Where Work stands that is of no request: itself alone."""
    return [_step(row) for row in session.execute(_ALONE, {"work_id": work_id})]


def _step(row: Any) -> Step:
    return Step(
        row.id,
        row.kind,
        row.ended,
        row.dead,
        row.under_way,
        row.run_id,
        row.outcome,
        row.counts or {},
        Message.from_json(row.message) if row.message else None,
        row.reply,
        float(row.seconds),
        float(row.running or 0),
        row.decided,
    )


@dataclass(frozen=True)
class Past:
    """An earlier run of a source."""

    run_id: int
    kind: str
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    counts: dict[str, Any]
    message: Message | None
    reply: str | None


def history(session: Session, source: Source, limit: int = 30) -> list[Past]:
    """The latest runs of a source, newest first."""
    return [
        Past(
            row.id,
            row.kind,
            row.attempt,
            row.started_at,
            row.finished_at,
            row.outcome,
            row.counts,
            Message.from_json(row.message) if row.message else None,
            row.reply,
        )
        for row in session.execute(_HISTORY, {"lane": source.lane, "limit": limit})
    ]
