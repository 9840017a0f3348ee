"""What a transport is: the way files come in, whatever is in them. Shared by case sources and price lists."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class SourceFile:
    """A fetched file: where its copy lies, its name at the source, the sha256 (hex) and size of its bytes."""

    path: Path
    name: str
    sha256: str
    size: int

    def to_json(self) -> dict[str, Any]:
        """The form that Work carries in its arguments."""
        return {"path": str(self.path), "name": self.name, "sha256": self.sha256, "size": self.size}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(Path(data["path"]), data["name"], data["sha256"], data["size"])


@dataclass(frozen=True)
class Fetched:
    """What a transport brought: the files in name order, and the names of those left because they are still being written."""

    files: tuple[SourceFile, ...]
    growing: tuple[str, ...] = ()


class Transport(Protocol):
    """Brings files. Nothing at the source is changed."""

    def fetch(self, spool: Path) -> Fetched:
        """Copy what is there into `spool` (as `<sha256>-<name>`).

        Raises Transient when the source cannot be reached now, NotFound when it is set up to something that is not there.
        """
        ...
