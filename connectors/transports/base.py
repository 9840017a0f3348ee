"""What a transport is: the way things come in, whatever is in them. Shared by case sources and price lists.

A transport copies what is at the source into the spool and remembers how far it got; what the copies say is the connectors' matter.
So everything slow and outside happens in `fetch` Work, and what is parsed later is what was hashed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from connectors.pace import Pace, unhurried
from core.errors import Permanent


@dataclass(frozen=True)
class SourceFile:
    """A fetched file: where its copy lies, its name at the source, the sha256 (hex) and size of its bytes."""

    path: Path
    name: str
    sha256: str
    size: int

    def read(self, most: int = -1) -> bytes:
        """The bytes of the copy, the first `most` of them. Raises Permanent if it is gone: the spool was cleared, or is another machine's."""
        try:
            with self.path.open("rb") as content:
                return content.read(most)
        except FileNotFoundError as gone:
            raise Permanent("The fetched copy of {name} is gone. Run the source again.", name=self.name) from gone

    def to_json(self) -> dict[str, Any]:
        """The form that Work carries in its arguments."""
        return {"path": str(self.path), "name": self.name, "sha256": self.sha256, "size": self.size}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(Path(data["path"]), data["name"], data["sha256"], data["size"])


@dataclass(frozen=True)
class Visit:
    """What a transport is told before it goes: where copies go, how far the source was read, what it need not bring, how fast to ask.

    `memory` is what the last applied visit left (`Fetched.memory`); `processed` are sha256 of files that were applied; empty to have
    everything anew. `snapshot` says that everything is wanted, not only what changed. `seconds` bounds the whole visit.
    `most` is for a look: so many cases are enough, each of them whole, and where the source can be asked for just these (a FHIR server, a
    database) no more is. What such a visit brings is never applied.
    """

    spool: Path
    memory: Mapping[str, Any] = field(default_factory=dict)
    processed: Collection[str] = ()
    snapshot: bool = True
    pace: Pace = field(default_factory=unhurried)
    seconds: float = 270.0
    most: int | None = None


@dataclass(frozen=True)
class Fetched:
    """What a transport brought: files in name order, the names of those left because they are still being written, and of those
    that were applied before. `memory` is kept once the files have been applied. `reply` is the other side's own number for its
    answer, for the Run: what its operators ask for when something is wrong.
    """

    files: tuple[SourceFile, ...]
    growing: tuple[str, ...] = ()
    processed: tuple[str, ...] = ()
    memory: Mapping[str, Any] = field(default_factory=dict)
    reply: str | None = None


class Transport(Protocol):
    """Brings what is at a source. Nothing there is changed by fetching."""

    def fetch(self, visit: Visit) -> Fetched:
        """Copy what is there into `visit.spool` (as `<sha256>-<name>`).

        Raises Transient when the source cannot be reached now, NotFound when it is set up to something that is not there, Permanent
        when it refuses us, RefusedInput for what is too large.
        """
        ...

    def look(self) -> list[str]:
        """What a fetch would find just now, by name, at the least cost to the source: for doctor and `source test`. Raises as `fetch`."""
        ...

    def put_away(self, applied: Mapping[str, str]) -> None:
        """Move files that were applied to where the source is set up to keep them; without such a place, nothing.

        `applied` holds the sha256 of each by its name (`SourceFile.name`). A file that is gone was moved before; one with other
        bytes was put there since, has not been read yet and stays. Raises as `fetch`.
        """
        ...
