"""Absences as people list them, and for whom they may enter one: workers for themselves, supervisors for their units, operators for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from services.access.people import OPERATOR, SUPERVISOR, Person

#: Rows of one page.
PAGE: Final = 50
#: So many names are offered to choose from; others are typed.
_OFFERED: Final = 200

#: A condition on `worker`, with the values of `_whose`: whose absences somebody enters and ends.
_THEIRS: Final = """(
    CAST(:everybody AS boolean) OR worker.id = :me
    OR (CAST(:as_supervisor AS boolean) AND worker.unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me)))"""

_LIST: Final = f"""
    SELECT absence.id, worker.external_id AS worker, worker.name, deputy.external_id AS deputy, deputy.name AS deputy_name,
           lower(period) AS first, upper(period) - 1 AS last, absence.source, absence.cancelled_at IS NOT NULL AS cancelled,
           {_THEIRS} AS theirs
    FROM absence JOIN worker ON worker.id = absence.worker_id LEFT JOIN worker AS deputy ON deputy.id = absence.deputy_id
    WHERE ({_THEIRS} OR absence.deputy_id = :me)
"""  # noqa: S608 - the condition is ours
#: Rows in: a person, today. Rows out: absences that are on or to come, theirs to enter or to stand in for, by first day.
_AHEAD: Final = text(
    f"""{_LIST} AND absence.cancelled_at IS NULL AND upper(period) > :today
      AND (CAST(:key AS bigint) IS NULL
           OR (lower(period), absence.id) > (SELECT lower(other.period), other.id FROM absence AS other WHERE other.id = :key))
    ORDER BY lower(period), absence.id LIMIT :limit"""  # noqa: S608 - the condition is ours
)
#: Rows out: those that are over or were called off, the latest first.
_EARLIER: Final = text(
    f"""{_LIST} AND (absence.cancelled_at IS NOT NULL OR upper(period) <= :today)
      AND (CAST(:key AS bigint) IS NULL
           OR (lower(period), absence.id) < (SELECT lower(other.period), other.id FROM absence AS other WHERE other.id = :key))
    ORDER BY lower(period) DESC, absence.id DESC LIMIT :limit"""  # noqa: S608 - the condition is ours
)
#: Rows in: what somebody typed. Rows out: the workers of that id, else of that name or address; inactive ones by id alone.
_FIND: Final = text(
    """
    SELECT id, external_id, name, active FROM worker
    WHERE external_id = :typed OR (active AND (lower(name) = lower(:typed) OR lower(email) = lower(:typed)))
    ORDER BY external_id = :typed DESC, id LIMIT 2
    """
)
#: Rows in: a worker. Rows out: the worker, if theirs to enter an absence of.
_MAY: Final = text(f"SELECT external_id FROM worker WHERE external_id = :worker AND {_THEIRS}")  # noqa: S608 - the condition is ours
#: Rows out: whether a person supervises the worker.
_SUPERVISES: Final = text(
    """
    SELECT EXISTS (SELECT FROM worker WHERE external_id = :worker AND CAST(:as_supervisor AS boolean)
                   AND unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me))
    """
)
#: Rows out: the worker of an absence, if theirs to end.
_WORKER_OF: Final = text(
    f"SELECT external_id FROM absence JOIN worker ON worker.id = absence.worker_id WHERE absence.id = :absence AND {_THEIRS}"  # noqa: S608
)
#: Rows out: active workers whose absence somebody may enter, by name.
_ENTERED_FOR: Final = text(
    f"SELECT external_id, name FROM worker WHERE active AND {_THEIRS} ORDER BY name, external_id LIMIT :limit"  # noqa: S608
)
#: Rows out: active workers beside somebody: of the same unit, of the units they supervise; for operators all.
_BESIDE: Final = text(
    """
    SELECT external_id, name FROM worker
    WHERE active AND (CAST(:everybody AS boolean) OR unit_id = (SELECT unit_id FROM worker AS own WHERE own.id = :me)
                      OR unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me))
    ORDER BY name, external_id LIMIT :limit
    """
)


@dataclass(frozen=True)
class Listed:
    """An absence in a list. `theirs`: the reader may end it (else they stand in); `cancelled`: it was called off, or ended early."""

    id: int
    worker: str
    name: str
    deputy: str | None
    deputy_name: str | None
    first: date
    last: date
    source: str | None
    cancelled: bool
    theirs: bool


@dataclass(frozen=True)
class Colleague:
    """A worker to choose: the client information system's id, and the name."""

    id: str
    name: str


def listed(
    session: Session, person: Person, today: date, *, earlier: bool, key: int | None, limit: int
) -> list[Listed]:
    """Absences the person enters, ends or stands in for: on or to come, else those that are over. `key`: the last id of the page before."""
    values = {**_whose(person), "today": today, "key": key, "limit": limit}
    return [Listed(**row) for row in session.execute(_EARLIER if earlier else _AHEAD, values).mappings()]


def may_enter_for(session: Session, person: Person, worker: str) -> str:
    """The worker of this id, if the person may enter their absences. Raises NotFound alike for one who does not exist and one they may not."""
    found = session.execute(_MAY, {**_whose(person), "worker": worker}).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no worker {worker} whose absences you can enter.", worker=worker)
    return str(found)


def may_stand_in(session: Session, person: Person, worker: str, deputy: str) -> None:
    """Raise InputError where somebody would make themselves the deputy of a worker whose cases are none of theirs: a deputy sees them all, and
    reads names without giving a reason. Operators enter absences of everybody; that opens no cases to them.
    """
    if deputy == person.worker and worker != person.worker:
        supervises = session.execute(_SUPERVISES, {**_whose(person), "worker": worker}).scalar_one()
        if not supervises:
            raise InputError(
                "You cannot make yourself the deputy of {worker}: a deputy sees all their cases. The worker enters it, or their supervisor.",
                worker=worker,
            )


def worker_of(session: Session, person: Person, absence: int) -> str:
    """Whose absence this is, if the person may end it. Raises NotFound."""
    found = session.execute(_WORKER_OF, {**_whose(person), "absence": absence}).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no absence that you can end here.")
    return str(found)


def entered_for(session: Session, person: Person) -> Sequence[Colleague]:
    """Whose absences the person may enter, the first of them by name."""
    return _colleagues(session, _ENTERED_FOR, person)


def beside(session: Session, person: Person) -> Sequence[Colleague]:
    """Who is likely to stand in: active workers of the person's unit and of those they supervise, the first of them by name."""
    return _colleagues(session, _BESIDE, person)


def find_colleague(session: Session, typed: str) -> Colleague:
    """The worker somebody typed, by id, else by whole name or e-mail address. Raises NotFound, InputError when the name is not one worker's."""
    rows = session.execute(_FIND, {"typed": typed}).all()
    if not rows:
        raise NotFound("There is no worker {worker}.", worker=typed)
    if len(rows) > 1 and rows[0].external_id != typed:
        raise InputError("Several workers are called {name}. Write the id of the one you mean.", name=typed)
    return Colleague(rows[0].external_id, rows[0].name)


def _colleagues(session: Session, statement: Any, person: Person) -> list[Colleague]:
    rows = session.execute(statement, {**_whose(person), "limit": _OFFERED})
    return [Colleague(row.external_id, row.name) for row in rows]


def _whose(person: Person) -> dict[str, Any]:
    return {
        "me": person.worker_id,
        "everybody": person.is_one_of(OPERATOR),
        "as_supervisor": person.is_one_of(SUPERVISOR) and person.worker_id is not None,
    }
