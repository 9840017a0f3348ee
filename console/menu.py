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


_MENU: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("/", N_("Today"), ROLES),
    ("/cases", N_("Cases"), (WORKER, SUPERVISOR)),
    ("/prices", N_("Prices"), (PRICE_MANAGER, OPERATOR, AUDITOR)),
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
