"""The way around: one entry a page that people look for, shown to those who may open it."""

from typing import Final, NamedTuple

from core.i18n import N_, _
from models.access import ROLES
from services.access import Person
from services.access.people import AUDITOR, OPERATOR, PRICE_MANAGER, SUPERVISOR, WORKER


class Entry(NamedTuple):
    """An entry as the page shows it."""

    path: str
    text: str
    current: bool


#: Those who look after what comes in: prices, sources, what was left out.
_READERS: Final = (PRICE_MANAGER, OPERATOR, AUDITOR)
_MENU: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("/", N_("Today"), ROLES),
    ("/cases", N_("Cases"), (WORKER, SUPERVISOR)),
    ("/compare", N_("Compare"), (WORKER, SUPERVISOR, PRICE_MANAGER)),
    ("/prices", N_("Prices"), _READERS),
    ("/providers", N_("Providers"), _READERS),
    ("/services", N_("Services"), _READERS),
    ("/unit-costs", N_("Own unit costs"), _READERS),
    ("/sources", N_("Sources"), _READERS),
    ("/runs", N_("Runs"), _READERS),
    ("/rejected", N_("Rejected records"), _READERS),
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
