"""What is amiss with units and their workers, so that something would reach nobody: supervisors in a circle, supervisors who are gone,
workers without an address to write to, languages nobody knows. Told where workers are imported, and by `avain doctor`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Message
from core.i18n import LANGUAGES
from services.reference_data.checks import is_one_address

#: Rows out: units with their supervisor, whether that one is active, and the unit the supervisor works in.
_UNITS: Final = text(
    """
    SELECT unit.code, supervisor.external_id AS supervisor, supervisor.active, above.code AS above
    FROM unit JOIN worker AS supervisor ON supervisor.id = unit.supervisor_id LEFT JOIN unit AS above ON above.id = supervisor.unit_id
    ORDER BY unit.code
    """
)
#: Rows out: active workers, by id.
_WORKERS: Final = text("SELECT external_id, email, language FROM worker WHERE active ORDER BY external_id")


@dataclass(frozen=True)
class Supervision:
    """`circles`: codes of units, the supervisor of each working in the next, and that of the last in the first; `inactive`: unit and
    supervisor; `unaddressed` and `languages` (worker and language): active workers.
    """

    circles: Sequence[Sequence[str]]
    inactive: Sequence[tuple[str, str]]
    unaddressed: Sequence[str] = ()
    languages: Sequence[tuple[str, str]] = ()

    @property
    def warnings(self) -> list[Message]:
        """What is to be said of the supervisors."""
        told = [
            Message(
                "The supervisors of these units stand in a circle: {units}. What nobody there does anything about comes to no one.",
                units=" → ".join((*circle, circle[0])),
            )
            for circle in self.circles
        ]
        return told + [
            Message("The supervisor of the unit {unit_code}, {worker}, is not active.", unit_code=unit, worker=worker)
            for unit, worker in self.inactive
        ]


def circles(above: Mapping[str, str | None]) -> list[list[str]]:
    """Circles of two or more among units, each from its first code on; `above`: the unit that a unit's supervisor works in.

    A supervisor who works in the unit itself is its head, and no circle.
    """
    found: list[list[str]] = []
    seen: set[str] = set()
    for start in sorted(above):
        way: list[str] = []
        at: str | None = start
        while at is not None and at not in seen:
            seen.add(at)
            way.append(at)
            at = above.get(at)
        if at in way and len(circle := way[way.index(at) :]) > 1:
            first = circle.index(min(circle))
            found.append(circle[first:] + circle[:first])
    return found


def supervision(session: Session) -> Supervision:
    """How it stands with the supervisors. One query."""
    units = session.execute(_UNITS).all()
    return Supervision(
        circles({row.code: row.above for row in units}),
        [(row.code, row.supervisor) for row in units if not row.active],
    )


def everybody(session: Session) -> Supervision:
    """How it stands with supervisors and workers. Two queries."""
    known, workers = supervision(session), session.execute(_WORKERS).all()
    return Supervision(
        known.circles,
        known.inactive,
        [row.external_id for row in workers if row.email is None or not is_one_address(row.email)],
        [(row.external_id, row.language) for row in workers if row.language not in LANGUAGES],
    )
