"""Units, responsible workers and their absences, from `workers.toml`. A unit's supervisor is one of the workers."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError
from core.i18n import N_
from models.worker import Unit, Worker
from services.access import absences
from services.reference_data.checks import EmailAddress
from services.reference_data.faults import FieldError
from services.reference_data.reading import Entry, Imported, put, read_file, record, rows_by, unique
from services.reference_data.supervision import supervision
from services.rejected import settle_reachable

#: Rows in: an absence of a file. Rows out: whether the very same was entered before by people, also if it was called off since.
_ENTERED: Final = text(
    """
    SELECT EXISTS (
        SELECT FROM absence JOIN worker ON worker.id = absence.worker_id LEFT JOIN worker AS deputy ON deputy.id = deputy_id
        WHERE worker.external_id = :worker AND period = daterange(:first, :last, '[]') AND source IS NULL
          AND deputy.external_id IS NOT DISTINCT FROM CAST(:deputy AS text))
    """
)


class UnitEntry(Entry):
    """`[[unit]]`: `supervisor` is a worker's id; the address is what orders name for questions."""

    code: str = Field(min_length=1)
    name: str = Field(min_length=1)
    supervisor: str | None = None
    contact_email: EmailAddress | None = None


class WorkerEntry(Entry):
    """`[[worker]]`: `id` is the client information system's id of the person, `unit` a unit's code, `subject` who they are to the login
    provider where their e-mail does not tell.
    """

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    email: EmailAddress | None = None
    language: Literal["fi", "sv", "en"] = "fi"
    unit: str | None = None
    active: bool = True
    subject: str | None = Field(default=None, min_length=1)


class AbsenceEntry(Entry):
    """`[[absence]]`: days on which a worker is away, both included, and who stands in."""

    worker: str
    first: date
    last: date
    deputy: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise FieldError("last", N_("is before the first day"))
        return self


class WorkersFile(Entry):
    """`workers.toml`."""

    unit: list[UnitEntry] = Field(default_factory=list)
    worker: list[WorkerEntry] = Field(default_factory=list)
    absence: list[AbsenceEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _once(self) -> Self:
        unique(self.unit, "code", "unit")
        unique(self.worker, "id", "worker")
        unique([one for one in self.worker if one.subject], "subject", "worker")
        return self


def import_workers(session: Session, path: Path, now: datetime, actor: str) -> Imported:
    """Add and correct units and workers, and enter absences. Raises InputError; then nothing was changed."""
    file = read_file(path, WorkersFile)
    imported = Imported()
    unit_codes = {entry.code for entry in file.unit} | {entry.unit for entry in file.worker if entry.unit}
    worker_ids = {entry.id for entry in file.worker} | {entry.supervisor for entry in file.unit if entry.supervisor}
    units = rows_by(session, Unit, "code", unit_codes)
    workers = rows_by(session, Worker, "external_id", worker_ids)
    _all_known(unit_codes - set(units) - {entry.code for entry in file.unit}, path)
    _all_known(worker_ids - set(workers) - {entry.id for entry in file.worker}, path)

    passed_on = _free_subjects(session, file, workers, path)
    outcomes: dict[str, str] = {}
    for unit in file.unit:
        values = unit.model_dump(exclude={"supervisor"})
        units[unit.code], outcomes[unit.code] = put(session, Unit, units.get(unit.code), values)
    session.flush()  # workers need the units' ids
    for worker in file.worker:
        values = {
            "external_id": worker.id,
            "unit_id": units[worker.unit].id if worker.unit else None,
            **worker.model_dump(include={"name", "email", "language", "active", "subject"}),
        }
        workers[worker.id], what = put(session, Worker, workers.get(worker.id), values)
        imported.note("changed" if worker.id in passed_on else what, worker.id)
    session.flush()  # supervisors need the workers' ids
    for unit in file.unit:
        supervisor = workers[unit.supervisor].id if unit.supervisor else None
        _, what = put(session, Unit, units[unit.code], {"supervisor_id": supervisor})
        imported.note(
            outcomes[unit.code] if what == "unchanged" else max(what, outcomes[unit.code], key=_weight), unit.code
        )
    session.flush()
    _enter_absences(session, file, imported, path=path, now=now, actor=actor)
    settle_reachable(session, now)
    imported.warnings += supervision(session).warnings
    return record(session, actor, "workers", imported, path=path, now=now)


def _free_subjects(session: Session, file: WorkersFile, workers: dict[Any, Worker], path: Path) -> set[str]:
    """Take subjects from those in the file who have another one now, so that they may pass from one to another; their ids.

    Raises InputError where a subject belongs to somebody the file says nothing of.
    """
    wanted = {entry.id: entry.subject for entry in file.worker}
    subjects = {subject: id_ for id_, subject in wanted.items() if subject}
    for owner in rows_by(session, Worker, "subject", subjects).values():
        if owner.external_id not in wanted:
            raise InputError(
                "{path}: the subject of {worker} belongs to the worker {owner} already.",
                path=str(path), worker=subjects[str(owner.subject)], owner=owner.external_id,
            )  # fmt: skip
    passed_on = set()
    for id_, subject in wanted.items():
        if id_ in workers and workers[id_].subject not in {None, subject}:
            workers[id_].subject = None
            passed_on.add(id_)
    session.flush()  # before others get them
    return passed_on


def _enter_absences(
    session: Session, file: WorkersFile, imported: Imported, *, path: Path, now: datetime, actor: str
) -> None:
    """Enter what was not entered before. What somebody has ended here meanwhile is not entered again: the file says nothing newer."""
    for one in file.absence:
        known = {"worker": one.worker, "first": one.first, "last": one.last, "deputy": one.deputy}
        if session.execute(_ENTERED, known).scalar_one():
            imported.note("unchanged", one.worker)
            continue
        try:
            absences.go_away(
                session, one.worker, first=one.first, last=one.last, deputy=one.deputy, now=now, actor=actor
            )
        except InputError as refused:
            raise InputError(
                "{path}: absence of {worker} from {first}: {reason}",
                path=str(path), worker=one.worker, first=str(one.first), reason=refused.message,
            ) from refused  # fmt: skip
        imported.note("added", one.worker)


def _all_known(unknown: set[str], path: Path) -> None:
    if unknown:
        raise InputError(
            "{path} names units or workers that are not known: {ids}", path=str(path), ids=", ".join(sorted(unknown))
        )


def _weight(what: str) -> int:
    """A new unit whose supervisor is set is one added row, not a changed one as well."""
    return ("unchanged", "changed", "added").index(what)
