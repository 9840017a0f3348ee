"""Some records of a source and no others: what is read when records that were left out are tried again.

Only the source has a record's content. So the files are read once more, by the source's own connector, and what was not chosen is passed
over here: whoever applies what comes out need not know.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from connectors.cases.base import CaseConnector, Found, IdentityMode
from connectors.cases.record import FoundGone, FoundRecord
from connectors.transports.base import SourceFile

_BATCH: Final = 1_000


@dataclass(frozen=True)
class Place:
    """Where a record stood that was left out: `id` is that of what was noted of it, `run_id` the run that read it.

    File name and bytes both tell the file: all files of an archive have the archive's sha256.
    """

    id: int
    run_id: int
    file_name: str
    sha256: str
    position: str
    external_id: str | None


class OnlyChosen:
    """A CaseConnector that hands out what another one finds at `places`.

    With `by_id` a record is also known by its external id, in whatever file it stands now: right where what the source holds is how
    things are (a snapshot, a server). In deltas only file and position tell: the same id elsewhere is an earlier or later word. There a
    record is passed over when the files say something later of the same case, or when `written_by` (external ids → the runs that wrote
    their cases last) names a later run than the one that left it out: an old word must not replace a newer one.

    After reading, `found` has the ids of places that were met, `overtaken` those of them that were passed over.
    """

    def __init__(
        self,
        inner: CaseConnector,
        places: Iterable[Place],
        *,
        by_id: bool,
        written_by: Callable[[Collection[str]], Mapping[str, int]],
    ) -> None:
        self.version = inner.version
        self.found: set[int] = set()
        self.overtaken: set[int] = set()
        self._inner, self._by_id, self._written_by = inner, by_id, written_by
        self._at: dict[tuple[str, str, str], list[Place]] = {}
        self._named: dict[str, list[Place]] = {}
        for place in places:
            self._at.setdefault((place.file_name, place.sha256, place.position), []).append(place)
            if by_id and place.external_id is not None:
                self._named.setdefault(place.external_id, []).append(place)

    def read(self, files: Sequence[SourceFile], *, identity: IdentityMode) -> Iterator[tuple[SourceFile, Found]]:
        """See CaseConnector.read."""
        if self._by_id:
            for file, found in self._inner.read(files, identity=identity):
                if self._met(file, found):
                    yield file, found
            return
        last = self._last_words(files, identity)
        reading = enumerate(self._inner.read(files, identity=identity))
        chosen = ((rank, file, found) for rank, (file, found) in reading if self._met(file, found))
        while batch := list(islice(chosen, _BATCH)):
            yield from self._not_overtaken(batch, last)

    def _places(self, file: SourceFile, found: Found) -> list[Place]:
        named = _id_of(found)
        here = self._at.get((file.name, file.sha256, found.position), [])
        return here + (self._named.get(named, []) if named else [])

    def _met(self, file: SourceFile, found: Found) -> bool:
        places = self._places(file, found)
        self.found.update(place.id for place in places)
        return bool(places)

    def _last_words(self, files: Sequence[SourceFile], identity: IdentityMode) -> dict[str, int]:
        """A first reading: for every chosen case, the rank of the last thing that is said of it."""
        last: dict[str, int] = {}
        for rank, (file, found) in enumerate(self._inner.read(files, identity=identity)):
            if isinstance(found, FoundRecord | FoundGone):
                named = _id_of(found)
                if named is not None and (named in last or self._places(file, found)):
                    last[named] = rank
        return last

    def _not_overtaken(
        self, batch: list[tuple[int, SourceFile, Found]], last: Mapping[str, int]
    ) -> Iterator[tuple[SourceFile, Found]]:
        written_by = self._written_by({named for _, _, found in batch if (named := _id_of(found)) is not None})
        for rank, file, found in batch:
            places, named = self._places(file, found), _id_of(found) or ""
            newer = max(place.run_id for place in places) < written_by.get(named, 0)
            if newer or rank < last.get(named, rank):
                self.overtaken.update(place.id for place in places)
            else:
                yield file, found


def _id_of(found: Found) -> str | None:
    return found.record.external_id if isinstance(found, FoundRecord) else found.external_id
