"""The way around: one entry a page that people look for, shown to those who may open it."""

from typing import Final, NamedTuple

from console.roles import CASE_ROLES, EVERYBODY, READERS
from core.i18n import N_, _
from services.access import Person
from services.access.people import AUDITOR, OPERATOR, PRICE_MANAGER, SUPERVISOR


class Entry(NamedTuple):
    """An entry as the page shows it."""

    path: str
    text: str
    current: bool


_MENU: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("/", N_("Today"), EVERYBODY),
    ("/follow-ups", N_("Follow-ups"), CASE_ROLES),
    ("/cases", N_("Cases"), CASE_ROLES),
    ("/orders", N_("Orders"), CASE_ROLES),
    ("/unit", N_("My unit"), (SUPERVISOR,)),
    ("/invoices", N_("Invoices"), (*CASE_ROLES, PRICE_MANAGER)),
    ("/incoming", N_("Received documents"), (OPERATOR,)),
    ("/compare", N_("Compare"), (*CASE_ROLES, PRICE_MANAGER)),
    ("/prices", N_("Prices"), READERS),
    ("/providers", N_("Providers"), READERS),
    ("/services", N_("Services"), READERS),
    ("/unit-costs", N_("Own unit costs"), READERS),
    ("/sources", N_("Sources"), READERS),
    ("/rejected", N_("Rejected records"), READERS),
    ("/runs", N_("Runs"), READERS),
    ("/dead-work", N_("Given-up work"), READERS),
    ("/schedule", N_("Schedule"), READERS),
    ("/health", N_("Health of the system"), (OPERATOR, AUDITOR)),
    ("/absences", N_("Absences"), (*CASE_ROLES, OPERATOR)),
    ("/calendar", N_("Calendar"), CASE_ROLES),
    ("/workers", N_("Workers"), (OPERATOR, AUDITOR)),
    ("/audit", N_("Audit trail"), (AUDITOR,)),
)


def menu_of(person: Person | None, path: str) -> list[Entry]:
    """What this person can choose from; `current` marks where they are."""
    if person is None:
        return []
    return [
        Entry(at, _(text), path == at or (at != "/" and path.startswith(f"{at}/")))
        for at, text, roles in _MENU
        if person.is_one_of(*roles)
    ]
