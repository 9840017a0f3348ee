"""Who hears what, on one day: pure, over everybody the installation knows.

A matter belongs to somebody. Who is away is stood in for by their deputy; who cannot be reached, and has nobody to stand in for them, by a
supervisor: the case's own and those above, then the unit's and those above. Absences and supervisors may run in circles; whoever was
asked before is not asked again, so that every search ends, at worst with nobody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.reminders.bundle import Came, Person


@dataclass(frozen=True)
class Known:
    """A worker as the day finds them. `can_hear`: works here, and has one address that takes mail; `above_id`: the supervisor of their unit."""

    id: int
    external_id: str
    email: str | None
    language: str
    can_hear: bool
    is_away: bool = False
    deputy_id: int | None = None
    above_id: int | None = None
    has_mail: bool = False


@dataclass(frozen=True)
class Hearing:
    """Who hears a matter, and why it is not who should."""

    person: Person
    came: Came


class People:
    """Everybody, by id."""

    def __init__(self, known: Mapping[int, Known]) -> None:
        self._known = known
        self._reached: dict[int, Person | None] = {}

    def name(self, worker_id: int | None) -> str | None:
        """A worker's external id."""
        known = None if worker_id is None else self._known.get(worker_id)
        return known.external_id if known else None

    def has_mail(self, person: Person) -> bool:
        """Whether the day's mail to them is written already."""
        return self._known[person.id].has_mail

    def hears(
        self, owner_id: int | None, supervisor_ids: Iterable[int | None], *, handed: bool = False
    ) -> Hearing | None:
        """Who hears a matter of this owner's, to whom it was `handed` over or not; None when nobody can."""
        person = self.reach(owner_id)
        if person is not None and person.id == owner_id:
            return Hearing(person, "handed" if handed else "own")
        came = self._why_not(owner_id)
        person = person or next((one for one in map(self.reach, self._above(supervisor_ids)) if one), None)
        return None if person is None else Hearing(person, came)

    def passed_on(self, owner_id: int | None, supervisor_ids: Iterable[int | None]) -> Hearing | None:
        """Who hears that the owner left it open; never the owner. None when there is nobody to go to."""
        came: Came = "own"
        for supervisor_id in self._above(supervisor_ids):
            if supervisor_id == owner_id:
                continue
            person = self.reach(supervisor_id)
            if person is not None and person.id == supervisor_id:
                return Hearing(person, came)
            came = self._why_not(supervisor_id) if came == "own" else came
            if person is not None and person.id != owner_id:
                return Hearing(person, came)
        return None

    def reach(self, worker_id: int | None) -> Person | None:
        """The worker, or who stands in for them today; None when neither can be written to."""
        if worker_id is None:
            return None
        if worker_id not in self._reached:
            self._reached[worker_id] = self._stands_in(worker_id)
        return self._reached[worker_id]

    def _stands_in(self, worker_id: int) -> Person | None:
        asked: set[int] = set()
        known = self._known.get(worker_id)
        while known is not None and known.is_away:
            asked.add(known.id)
            deputy_id = known.deputy_id
            known = None if deputy_id is None or deputy_id in asked else self._known.get(deputy_id)
        if known is None or not known.can_hear or known.email is None:
            return None
        return Person(known.id, known.external_id, known.email, known.language)

    def _above(self, supervisor_ids: Iterable[int | None]) -> Iterator[int]:
        asked: set[int] = set()
        for first in supervisor_ids:
            current = first
            while current is not None and current not in asked and current in self._known:
                asked.add(current)
                yield current
                current = self._known[current].above_id

    def _why_not(self, worker_id: int | None) -> Came:
        known = None if worker_id is None else self._known.get(worker_id)
        return "away" if known is not None and known.is_away else "unreachable"
