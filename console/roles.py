"""Which roles open which pages, where several pages agree on it. What a case's pages show is decided by row as well (`visit.case`)."""

from typing import Final

from models.access import ROLES
from services.access import Person
from services.access.people import AUDITOR, OPERATOR, PRICE_MANAGER, SUPERVISOR, WORKER

#: Whoever is signed in.
EVERYBODY: Final = ROLES
#: Those who have cases.
CASE_ROLES: Final = (WORKER, SUPERVISOR)
#: Those who look after what comes in: prices, providers, sources, runs, what was left out.
READERS: Final = (PRICE_MANAGER, OPERATOR, AUDITOR)
#: Those who have a source read, work tried again, and let things rest; a price manager only where it is of prices: `may_act`.
WRITERS: Final = (OPERATOR, PRICE_MANAGER)


def may_act(person: Person, *, of_prices: bool) -> bool:
    """Whether the person may do something about a source, a run or a rejected record."""
    return person.is_one_of(OPERATOR) or (of_prices and person.is_one_of(PRICE_MANAGER))
