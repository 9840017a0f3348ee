"""Units: who supervises which, and which cases are theirs."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import NotFound
from services.access.people import SUPERVISOR, Person

#: Common table expression: each case's unit. That of the responsible worker; where nobody is responsible, or that worker belongs to no
#: unit, the case's own: as row access has it (services/access/cases.py).
UNIT_CASE: Final = """
    unit_case AS (
        SELECT client_case.id AS case_id, coalesce(colleague.unit_id, client_case.unit_id) AS unit_id
        FROM client_case LEFT JOIN worker AS colleague ON colleague.id = client_case.responsible_worker_id
        WHERE colleague.unit_id IS NOT NULL OR client_case.unit_id IS NOT NULL
    )
"""


@dataclass(frozen=True)
class Unit:
    """A unit as its supervisor chooses it."""

    id: int
    code: str
    name: str


#: Rows in: a person. Rows out: the units they supervise, or all; by name.
_UNITS: Final = text(
    """
    SELECT id, code, name FROM unit WHERE CAST(:everything AS boolean) OR (CAST(:as_supervisor AS boolean) AND supervisor_id = :me)
    ORDER BY name, code
    """
)

_CALLED: Final = text("SELECT id, code, name FROM unit WHERE lower(code) = lower(:code)")


def units_of(session: Session, person: Person) -> list[Unit]:
    """The units somebody supervises, by name; of the local user of an embedded installation all."""
    values = {
        "me": person.worker_id,
        "everything": person.everything,
        "as_supervisor": SUPERVISOR in person.roles and person.worker_id is not None,
    }
    return [Unit(*row) for row in session.execute(_UNITS, values)]


def unit_called(session: Session, code: str) -> Unit:
    """A unit by its code, for the command line. Raises NotFound."""
    found = session.execute(_CALLED, {"code": code}).one_or_none()
    if found is None:
        raise NotFound("There is no unit {code}.", code=code)
    return Unit(*found)
