"""Row access: which cases a person may see, as one SQL condition that lists and single pages share."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from services.access.people import SUPERVISOR, WORKER, Person

#: A condition on `client_case`, with the values of `visible_cases`. Own: responsible or co-worker. Deputised: somebody is away today and
#: this person stands in. The unit's: the case's own supervisor, or the supervisor of the responsible worker's unit; where nobody is
#: responsible, or that worker belongs to no unit, of the case's unit.
VISIBLE: Final = """(
    CAST(:sees_everything AS boolean)
    OR (CAST(:as_worker AS boolean) AND (
        client_case.responsible_worker_id = :me OR client_case.co_worker_id = :me
        OR client_case.responsible_worker_id IN (
            SELECT absence.worker_id FROM absence
            WHERE absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL)))
    OR (CAST(:as_supervisor AS boolean) AND (
        client_case.supervisor_id = :me
        OR client_case.responsible_worker_id IN (
            SELECT colleague.id FROM worker AS colleague JOIN unit ON unit.id = colleague.unit_id WHERE unit.supervisor_id = :me)
        OR (client_case.responsible_worker_id IS NULL AND client_case.unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me))
        OR (client_case.responsible_worker_id IN (SELECT id FROM worker WHERE unit_id IS NULL)
            AND client_case.unit_id IN (SELECT id FROM unit WHERE supervisor_id = :me))))
)"""

#: The same rule read from the other end: ids of all cases somebody may see by a tie of their own, found through indexes. For lists: asked
#: of each case of an organisation in turn, `VISIBLE` looks at 200,000 rows to find somebody's forty. With the values of `visible_cases`.
TIED: Final = """
    SELECT client_case.id, client_case.responsible_worker_id FROM client_case
    WHERE CAST(:as_worker AS boolean) AND (client_case.responsible_worker_id = :me OR client_case.co_worker_id = :me)
    UNION
    SELECT client_case.id, client_case.responsible_worker_id FROM absence JOIN client_case ON client_case.responsible_worker_id = absence.worker_id
    WHERE CAST(:as_worker AS boolean) AND absence.deputy_id = :me AND absence.period @> CAST(:today AS date) AND absence.cancelled_at IS NULL
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
"""


@dataclass(frozen=True)
class CaseAccess:
    """A case somebody may see, and how they come to it: `own` (responsible), `deputy`, `co_worker`, `supervisor` or `everything`."""

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
               WHEN :as_worker AND client_case.co_worker_id = :me THEN 'co_worker'
               WHEN :sees_everything THEN 'everything'
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
