"""Files on this machine or a mounted share: one path, or a pattern for several.

A file is copied while it is hashed, so that what is parsed later is what was hashed, whatever happens at the source meanwhile. One
that is still being written is left for the next run.
"""

import glob
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connectors.transports.base import Fetched, SourceFile, Visit
from core.errors import NotFound, Transient
from core.reasons import os_reason

_CHUNK: Final = 1024 * 1024
#: A file nobody has written to for this long (seconds) is complete; a fresher one is watched for the rest of it.
SETTLED_AFTER: Final = 2.0
_PATTERN: Final = frozenset("*?[")


class LocalFiles:
    """The transport for `path`: a file, or a pattern (`*`, `?`, `[…]`, `**`)."""

    def __init__(
        self, path: str, *, settled_after: float = SETTLED_AFTER, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._path, self._settled_after, self._wait = path, settled_after, wait

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch. A pattern that matches nothing gives no files; a path that is not there raises NotFound."""
        spool = visit.spool
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        files: list[SourceFile] = []
        growing: list[str] = []
        for path in self._paths():
            copy = _fetch_one(path, spool, self._settled(path))
            if copy is None:
                growing.append(path.name)
            else:
                files.append(copy)
        return Fetched(tuple(files), tuple(growing))

    def look(self) -> list[str]:
        """See Transport.look."""
        paths = self._paths()
        for path in paths:
            with _reading(path), path.open("rb"):
                pass
        return [path.name for path in paths]

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away."""

    def _paths(self) -> list[Path]:
        if not _PATTERN & set(self._path):
            path = Path(self._path)
            if not path.is_file():
                raise NotFound("The file {path} does not exist.", path=self._path)
            return [path]
        matches = (Path(match) for match in glob.glob(self._path, recursive=True))  # noqa: PTH207 - the pattern may be absolute
        return sorted((path for path in matches if path.is_file()), key=lambda path: (path.name, str(path)))

    def _settled(self, path: Path) -> tuple[int, int] | None:
        """Size and time of change, if they stayed for as long as it takes; None for a file still growing."""
        with _reading(path):
            before = path.stat()
            # A time of change ahead of our clock says nothing; the file is watched once.
            age = max(0.0, time.time() - before.st_mtime)
            if age < self._settled_after:
                self._wait(self._settled_after - age)
            return _version(before) if _version(path.stat()) == _version(before) else None


def _fetch_one(path: Path, spool: Path, version: tuple[int, int] | None) -> SourceFile | None:
    """The spooled copy, or None when the file is growing (`version` None) or was written to while it was copied."""
    if version is None:
        return None
    with _reading(path):
        copy = _copy(path, spool)
        if _version(path.stat()) == version:
            return copy
    copy.path.unlink()
    return None


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A share that is not there just now, or a file taken away under our hands, may be back the next time."""
    try:
        yield
    except OSError as error:
        raise Transient("The file {name} cannot be read: {detail}", name=path.name, detail=os_reason(error)) from error


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _copy(path: Path, spool: Path) -> SourceFile:
    """Copy and hash in one reading. The copy gets its name only when it is whole."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, tempfile.NamedTemporaryFile(dir=spool, prefix=".part-", delete=False) as target:
        part = Path(target.name)
        try:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
                size += len(chunk)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    copy = part.replace(spool / f"{digest.hexdigest()}-{path.name}")
    return SourceFile(copy, path.name, digest.hexdigest(), size)
