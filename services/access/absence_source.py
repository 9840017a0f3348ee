"""Absences told by a source (an HR or shift system): what it says is applied as a set, and only its own absences are ever touched.

Told and not known: added. Told otherwise, with a day in common: changed. Known and told no more: ended. What people entered
here is never overwritten: a row that shares a day with it is rejected. A worker of whom some row was rejected keeps what was known of
them. Rows are never edited: a change calls the old one off, and what is past of an ended one is entered anew, as absences.py does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql import bindparam

from connectors.rejection import Rejection, quote
from core.errors import Message, RefusedInput
from core.i18n import N_
from core.source_settings import AbsenceSource
from documents.absence_table import AbsenceRow, AbsenceTable
from services import audit
from services.rejected import reject, settle_earlier

#: So few absences may end at once whatever share of all they are.
_FEW: Final = 5
#: From today on of one worker, also where each day is told by itself. Without a bound the rows of one would be compared with each other for hours.
_MOST_OF_ONE: Final = 400

#: Rows in: ids or addresses as the source writes them. Rows out: the workers, by what they were asked by; an id goes before an address,
#: and an address that several have is nobody's.
_WORKERS: Final = text(
    """
    SELECT told.name, worker.id, worker.active
    FROM unnest(CAST(:names AS text[])) AS told(name)
    JOIN LATERAL (
        SELECT id, active, external_id = told.name AS by_id, count(*) OVER () AS number FROM worker
        WHERE external_id = told.name OR (active AND lower(email) = lower(told.name))
        ORDER BY external_id = told.name DESC LIMIT 1) AS worker ON worker.by_id OR worker.number = 1
    """
)
#: Rows in: workers. They are held until the transaction ends, in one order: absences of one worker must see each other.
_LOCK: Final = text("SELECT id FROM worker WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
#: Rows in: a source, workers, today. Rows out: absences that are not over, of the source and (by anybody) of the workers.
_STANDING: Final = text(
    """
    SELECT id, worker_id, deputy_id, lower(period) AS first, upper(period) - 1 AS last, source IS NOT DISTINCT FROM :source AS own
    FROM absence
    WHERE cancelled_at IS NULL AND upper(period) > :today AND (source = :source OR worker_id = ANY(:ids))
    ORDER BY id
    """
)
_CANCEL: Final = text("UPDATE absence SET cancelled_at = clock_timestamp() WHERE id = ANY(:ids)")
#: Rows in: absences as JSON. Rows out: their ids.
_INSERT: Final = text(
    """
    INSERT INTO absence (worker_id, deputy_id, period, actor, source)
    SELECT worker_id, deputy_id, daterange(first, last, '[]'), :actor, :source
    FROM jsonb_to_recordset(:rows) AS told(worker_id bigint, deputy_id bigint, first date, last date)
    RETURNING id
    """
).bindparams(bindparam("rows", type_=JSONB))

_UNKNOWN: Final = N_("There is no worker {worker}.")
_NO_DEPUTY: Final = N_("The worker {worker} is not active and cannot stand in.")
_OWN_DEPUTY: Final = N_("Nobody stands in for themselves.")
_TWICE: Final = N_("Row {row} tells of some of these days as well.")
_TOO_OFTEN: Final = N_("The table tells of more than {count} absences of one worker; these are not read.")
_PEOPLES: Final = N_(
    "Somebody entered an absence from {start} to {end} here; it stands. End it, if the source is to tell of these days."
)
_NO_ROWS: Final = N_(
    "The table tells of nobody's absence. As that is rather an export that failed than nobody away, nothing was changed."
)
_TOO_MANY: Final = N_(
    "{gone} of {known} absences would end, which is more than the accepted share. Nothing was changed. If that is right, raise max_gone of the "
    "source for one run."
)


@dataclass(frozen=True, eq=False)
class File:
    """A file of the source, read."""

    name: str
    sha256: str
    table: AbsenceTable


@dataclass(frozen=True)
class _Told:
    """An absence as the source tells of it, its people found."""

    file: File
    row: int
    name: str
    worker_id: int
    deputy_id: int | None
    first: date
    last: date

    def meets(self, other: Any) -> bool:
        """Whether it shares a day with another."""
        return bool(self.first <= other.last and other.first <= self.last)

    def is_within(self, other: Any) -> bool:
        """Whether another says all that this one says."""
        return bool(other.first <= self.first and self.last <= other.last and self.deputy_id in {None, other.deputy_id})


@dataclass
class _Sorted:
    """Rows of all files: those that can be applied, those that were rejected (by file), and workers of whom one was."""

    told: list[_Told] = field(default_factory=list)
    rejected: dict[File, list[Rejection]] = field(default_factory=lambda: defaultdict(list))
    doubtful: set[int] = field(default_factory=set)

    def reject(self, file: File, row: int, column: str, name: str | None, reason: Message) -> None:
        """Leave a row out."""
        self.rejected[file].append(Rejection(str(row), column, None if name is None else quote(name), reason))


def apply_absences(
    session: Session,
    source: str,
    configured: AbsenceSource,
    files: Sequence[File],
    *,
    run_id: int,
    now: datetime,
    today: date,
) -> dict[str, int]:
    """Apply what all files of a source say; `read, added, changed, unchanged, gone, rejected`. Raises RefusedInput: nothing was changed."""
    read = sum(len(one.table.rows) + len(one.table.faults) for one in files)
    if not read:
        raise RefusedInput(_NO_ROWS)
    rows = _sort(session, files, today)
    session.execute(_LOCK, {"ids": sorted({one.worker_id for one in rows.told})})
    standing = session.execute(
        _STANDING, {"source": source, "today": today, "ids": [one.worker_id for one in rows.told]}
    ).all()
    _keep_peoples(rows, [one for one in standing if not one.own])
    own = [one for one in standing if one.own]
    changes = _compare(rows, own)
    _guard(changes.gone, own, configured)
    _write(session, source, changes, today)
    rejected = sum(reject(session, run_id, source, one.name, one.sha256, bad) for one, bad in rows.rejected.items())
    settle_earlier(session, source, run_id, now)
    counts: dict[str, Any] = {**changes.counts, "rejected": rejected}
    if changes.added or changes.old or changes.gone:
        audit.record(session, f"source:{source}", "absences.told", f"source:{source}", now=now, run=run_id, **counts)
    return {"read": read, **counts}


def _sort(session: Session, files: Sequence[File], today: date) -> _Sorted:
    """Find the people of every row; what is over already is of no use, and left."""
    found = _people(session, files)
    rows = _Sorted()
    for file in files:
        for fault in file.table.faults:
            rows.reject(file, fault.row, fault.field, fault.worker, fault.reason)
            if fault.worker is not None and fault.worker in found:
                rows.doubtful.add(found[fault.worker].id)
        for one in file.table.rows:
            worker = found.get(one.worker)
            deputy = found.get(one.deputy) if one.deputy else None
            wrong = _wrong(one, worker, deputy)
            if wrong is not None:
                rows.reject(file, one.row, wrong[0], one.worker, wrong[1])
                rows.doubtful.update([] if worker is None else [worker.id])
            elif worker is not None and one.last >= today:
                deputy_id = None if deputy is None else deputy.id
                rows.told.append(_Told(file, one.row, one.worker, worker.id, deputy_id, one.first, one.last))
    _once(rows)
    return rows


def _wrong(one: AbsenceRow, worker: Any, deputy: Any) -> tuple[str, Message] | None:
    """The column of a row whose worker is none, and why; None: both are known."""
    if worker is None:
        return "worker", Message(_UNKNOWN, worker=quote(one.worker))
    if one.deputy and deputy is None:
        return "deputy", Message(_UNKNOWN, worker=quote(one.deputy))
    if deputy is not None and not deputy.active:
        return "deputy", Message(_NO_DEPUTY, worker=quote(one.deputy))
    if deputy is not None and deputy.id == worker.id:
        return "deputy", Message(_OWN_DEPUTY)
    return None


def _people(session: Session, files: Iterable[File]) -> Mapping[str, Any]:
    named = {one.worker for file in files for one in file.table.rows}
    named |= {one.worker for file in files for one in file.table.faults if one.worker}
    named |= {one.deputy for file in files for one in file.table.rows if one.deputy}
    # PostgreSQL's texts cannot hold NUL; what cannot be printed is nobody's id
    return {row.name: row for row in session.execute(_WORKERS, {"names": [one for one in named if one.isprintable()]})}


def _once(rows: _Sorted) -> None:
    """Of two rows about the same days of a worker the first counts; the very same again says nothing."""
    kept: dict[int, list[_Told]] = defaultdict(list)
    for one in rows.told:
        if len(kept[one.worker_id]) >= _MOST_OF_ONE:
            rows.reject(one.file, one.row, "worker", one.name, Message(_TOO_OFTEN, count=_MOST_OF_ONE))
            rows.doubtful.add(one.worker_id)
            continue
        other = next((other for other in kept[one.worker_id] if one.meets(other)), None)
        if other is None:
            kept[one.worker_id].append(one)
        elif (one.first, one.last, one.deputy_id) != (other.first, other.last, other.deputy_id):
            rows.reject(one.file, one.row, "first", one.name, Message(_TWICE, row=other.row))
            rows.doubtful.add(one.worker_id)
    rows.told = [one for of_worker in kept.values() for one in of_worker]


def _keep_peoples(rows: _Sorted, peoples: Iterable[Any]) -> None:
    """Reject what shares a day with an absence that another entered: a person, or another source. What lies within it and names nobody else
    says nothing more, and is passed over: people name the deputies that a source does not know.
    """
    by_worker = _by_worker(peoples)
    kept = []
    for told in rows.told:
        other = next((other for other in by_worker[told.worker_id] if told.meets(other)), None)
        if other is None:
            kept.append(told)
        if other is None or told.is_within(other):
            continue
        reason = Message(_PEOPLES, start=str(other.first), end=str(other.last))
        rows.reject(told.file, told.row, "first", told.name, reason)
        rows.doubtful.add(told.worker_id)
    rows.told = kept


@dataclass
class _Changes:
    """`added` and `changed` are to be entered, `old` (what a changed one replaces) and `gone` are to be called off."""

    added: list[_Told] = field(default_factory=list)
    changed: list[_Told] = field(default_factory=list)
    old: list[Any] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)
    unchanged: int = 0

    @property
    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "gone": len(self.gone),
        }


def _compare(rows: _Sorted, own: Sequence[Any]) -> _Changes:
    """What the source says against what is known of it. What shares a day with a known absence and is not the same changes that one."""
    told = {(one.worker_id, one.deputy_id, one.first, one.last): one for one in rows.told}
    known = {(one.worker_id, one.deputy_id, one.first, one.last): one for one in own}
    fresh, left = (
        _by_worker(told[key] for key in told.keys() - known.keys()),
        [known[key] for key in known.keys() - told.keys()],
    )
    changes = _Changes(unchanged=len(told.keys() & known.keys()))
    for one in left:
        if any(other.meets(one) for other in fresh[one.worker_id]):
            changes.old.append(one)
        elif one.worker_id in rows.doubtful:
            changes.unchanged += 1
        else:
            changes.gone.append(one)
    before = _by_worker(changes.old)
    for one in (one for of_worker in fresh.values() for one in of_worker):
        known_before = any(one.meets(other) for other in before[one.worker_id])
        (changes.changed if known_before else changes.added).append(one)
    return changes


def _by_worker(absences: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for one in absences:
        found[one.worker_id].append(one)
    return found


def _guard(gone: Sequence[Any], own: Sequence[Any], configured: AbsenceSource) -> None:
    if len(gone) > _FEW and len(gone) > len(own) * configured.max_gone:
        raise RefusedInput(_TOO_MANY, gone=len(gone), known=len(own))


def _write(session: Session, source: str, changes: _Changes, today: date) -> None:
    session.execute(_CANCEL, {"ids": [one.id for one in (*changes.old, *changes.gone)]})
    yesterday = today - timedelta(days=1)
    past = [
        {"worker_id": one.worker_id, "deputy_id": one.deputy_id, "first": str(one.first), "last": str(yesterday)}
        for one in changes.gone
        if one.first <= yesterday
    ]
    fresh = [
        {"worker_id": one.worker_id, "deputy_id": one.deputy_id, "first": str(one.first), "last": str(one.last)}
        for one in (*changes.added, *changes.changed)
    ]
    if past or fresh:
        session.execute(_INSERT, {"rows": past + fresh, "actor": f"source:{source}", "source": source})
