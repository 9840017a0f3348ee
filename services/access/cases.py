"""Row access: which cases a person may see, as one SQL condition that lists and single pages share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.errors import NotFound
from services.access.non_disclosure import HIDDEN_CASE
from services.access.people import SUPERVISOR, WORKER, Person

#: Whose work a person does today, as ids of workers: their own and theirs for whom they stand in. With the values of `visible_cases`.
STANDS_FOR: Final = """
    SELECT CAST(:me AS bigint) UNION ALL SELECT absence.worker_id FROM absence
    WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL
"""

#: Rows out: cases with a follow-up that was handed to this person (or to whom they stand in for) and is still open.
_HANDED: Final = f"""
    SELECT follow_up.case_id FROM follow_up
    WHERE CAST(:as_worker AS boolean) AND follow_up.handed_to_id IN ({STANDS_FOR}) AND follow_up.state IN ('open', 'snoozed')
"""  # noqa: S608 - our own words

_SUPERVISED: Final = """(
    CAST(:as_supervisor AS boolean) AND (
        client_case.supervisor_id = :me
        OR client_case.responsible_worker_id IN (
            SELECT colleague.id FROM worker AS colleague JOIN unit ON unit.id = colleague.unit_id WHERE unit.supervisor_id = :me)
        OR (client_case.responsible_worker_id IS NULL AND client_case.unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me))
        OR (client_case.responsible_worker_id IN (SELECT id FROM worker WHERE unit_id IS NULL)
            AND client_case.unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me)))
)"""

#: A condition on `client_case`, with the values of `visible_cases`. Own: responsible or co-worker. Deputised: somebody is away today and
#: this person stands in. Handed: a follow-up of the case was handed to them (or to whom they stand in for) and is open. The unit's: the case's
#: own supervisor, or the supervisor of the responsible worker's unit; where nobody is responsible, or that worker belongs to no unit, of the
#: case's unit. Under non-disclosure co-workers and those who were handed something do not count (ADR 0014).
VISIBLE: Final = f"""(
    CAST(:sees_everything AS boolean)
    OR (CAST(:as_worker AS boolean) AND (
        client_case.responsible_worker_id = :me
        OR client_case.responsible_worker_id IN (
            SELECT absence.worker_id FROM absence
            WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL)
        OR ((client_case.co_worker_id = :me OR client_case.id IN ({_HANDED})) AND NOT {HIDDEN_CASE})))
    OR {_SUPERVISED}
)"""  # noqa: S608 - our own words

#: The same rule read from the other end: ids of all cases somebody may see by a tie of their own, found through indexes. For lists: asked
#: of each case of an organisation in turn, `VISIBLE` looks at 200,000 rows to find somebody's forty. With the values of `visible_cases`.
TIED: Final = f"""
    SELECT client_case.id, client_case.responsible_worker_id FROM client_case
    WHERE CAST(:as_worker AS boolean)
      AND (client_case.responsible_worker_id = :me OR (client_case.co_worker_id = :me AND NOT {HIDDEN_CASE}))
    UNION
    SELECT client_case.id, client_case.responsible_worker_id FROM absence JOIN client_case ON client_case.responsible_worker_id = absence.worker_id
    WHERE CAST(:as_worker AS boolean) AND absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL
    UNION
    SELECT client_case.id, client_case.responsible_worker_id FROM client_case
    WHERE client_case.id IN ({_HANDED}) AND NOT {HIDDEN_CASE}
    UNION
    SELECT client_case.id, client_case.responsible_worker_id FROM client_case
    WHERE CAST(:as_supervisor AS boolean) AND client_case.supervisor_id = :me
    UNION
    SELECT client_case.id, client_case.responsible_worker_id
    FROM unit JOIN worker AS colleague ON colleague.unit_id = unit.id JOIN client_case ON client_case.responsible_worker_id = colleague.id
    WHERE CAST(:as_supervisor AS boolean) AND unit.supervisor_id = :me
    UNION
    SELECT client_case.id, client_case.responsible_worker_id FROM unit JOIN client_case ON client_case.unit_id = unit.id
    WHERE CAST(:as_supervisor AS boolean) AND unit.supervisor_id = :me AND client_case.responsible_worker_id IS NULL
    UNION
    SELECT client_case.id, client_case.responsible_worker_id
    FROM worker AS colleague JOIN client_case ON client_case.responsible_worker_id = colleague.id JOIN unit ON unit.id = client_case.unit_id
    WHERE CAST(:as_supervisor AS boolean) AND colleague.unit_id IS NULL AND unit.supervisor_id = :me
"""  # noqa: S608 - our own words

#: Up to so many cases are looked at one by one.
MOST: Final = 4_000
#: The cases of `tied_cases`, as the database is given them back. An index on a table's `case_id` finds theirs in one go.
AMONG: Final = "ANY(CAST(:ids AS bigint[]))"


def ids_of(cases: str) -> TextClause:
    """Rows in: a statement's whose rows are ids of cases. Rows out: how many, counted one further than few, and the ids as the database
    writes an array: four thousand numbers cost a page ten milliseconds when they are made into Python's and back.
    """
    return text(
        f"""
        SELECT count(*) AS found, coalesce(CAST(array_agg(id) AS text), '{{}}') AS ids
        FROM (SELECT id FROM ({cases}) AS found LIMIT {MOST + 1}) AS found
        """  # noqa: S608 - our own words
    )


_TIED_IDS: Final = ids_of(TIED)


@dataclass(frozen=True)
class CaseAccess:
    """A case somebody may see, and how they come to it: `own` (responsible), `deputy`, `co_worker`, `supervisor`,
    `everything`, or `handed` (a follow-up of it was handed to them, and is open).
    """

    case_id: int
    number: str
    how: str

    @property
    def names_freely(self) -> bool:
        """Whether a sealed name may be read without giving a reason (DESIGN "Console": responsible worker and acting deputy)."""
        return self.how in {"own", "deputy"}


_ONE: Final = text(
    f"""
    SELECT client_case.id, client_case.number,
           CASE
               WHEN :as_worker AND client_case.responsible_worker_id = :me THEN 'own'
               WHEN :as_worker AND client_case.responsible_worker_id IN (
                   SELECT absence.worker_id FROM absence
                   WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL) THEN 'deputy'
               WHEN :as_worker AND client_case.co_worker_id = :me AND NOT {HIDDEN_CASE} THEN 'co_worker'
               WHEN :sees_everything THEN 'everything'
               WHEN {_SUPERVISED} IS NOT TRUE THEN 'handed'
               ELSE 'supervisor'
           END AS how
    FROM client_case WHERE client_case.number = :number AND {VISIBLE}
    """  # noqa: S608 - the condition is ours
)


#: Rows in: case numbers. Rows out: those among them that the person may see.
_AMONG: Final = text(f"SELECT number FROM client_case WHERE number = ANY(:numbers) AND {VISIBLE}")  # noqa: S608 - the condition is ours


def visible_cases(person: Person, today: date) -> dict[str, Any]:
    """The values that `VISIBLE` is read with."""
    return {
        "me": person.worker_id,
        "today": today,
        "sees_everything": person.everything,
        "as_worker": WORKER in person.roles and person.worker_id is not None,
        "as_supervisor": SUPERVISOR in person.roles and person.worker_id is not None,
    }


def tied_cases(session: Session, who: Mapping[str, Any]) -> str | None:
    """The ids of somebody's cases (the values of `visible_cases`) for `AMONG`, if they are few enough to be looked at one by one; None if not."""
    return None if who["sees_everything"] else few_ids(session, _TIED_IDS, who)


def few_ids(session: Session, statement: TextClause, values: Mapping[str, Any]) -> str | None:
    """What a statement of `ids_of` finds, for `AMONG`; None if these are not few."""
    found = session.execute(statement, values).one()
    return found.ids if found.found <= MOST else None


def access_to_case(session: Session, person: Person, number: str, today: date) -> CaseAccess:
    """The case, if the person may see it. Raises NotFound alike for one that does not exist and one that is not theirs."""
    # a number that nobody can have is not asked for: PostgreSQL refuses some characters
    values = {**visible_cases(person, today), "number": number if number.isprintable() else ""}
    row = session.execute(_ONE, values).one_or_none()
    if row is None:
        raise NotFound("There is no case {case} that you can see.", case=number)
    return CaseAccess(row.id, row.number, row.how)


def visible_among(session: Session, person: Person, numbers: Collection[str], today: date) -> set[str]:
    """Which of these cases the person may see. One query."""
    return set(session.scalars(_AMONG, {**visible_cases(person, today), "numbers": list(numbers)}))


#: Rows in: a number and a person. Rows out: the case, if it is one of a unit they supervise.
_SUPERVISED_ONE: Final = text(
    f"""
    SELECT id, number, CASE WHEN :sees_everything THEN 'everything' ELSE 'supervisor' END AS how FROM client_case
    WHERE number = :number AND {VISIBLE} AND (CAST(:sees_everything AS boolean) OR {_SUPERVISED})
    """  # noqa: S608 - the condition is ours
)


def supervised_case(session: Session, person: Person, number: str, today: date) -> CaseAccess | None:
    """The case, if the person may see it as the supervisor of its people: what only supervisors see of a case hangs on this."""
    values = {**visible_cases(person, today), "number": number if number.isprintable() else ""}
    row = session.execute(_SUPERVISED_ONE, values).one_or_none()
    return None if row is None else CaseAccess(row.id, row.number, row.how)
