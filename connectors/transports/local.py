"""Files on this machine or a mounted share: one path, or a pattern for several.

A file is copied while it is hashed, so that what is parsed later is what was hashed, whatever happens at the source meanwhile. One
that is still being written is left for the next run. A share is a place where others put things: only regular files are opened, and
a pattern follows no link out of its own folder.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import structlog

from connectors.transports.base import Fetched, SourceFile, Visit
from connectors.transports.putting_away import move_aside, sha256_of
from connectors.transports.spooling import CHUNK, incoming, plain_name
from core.errors import ConfigurationError, NotFound, Transient
from core.natural import in_order
from core.reasons import os_reason

#: A file nobody has written to for this long (seconds) is complete; a fresher one is watched for the rest of it.
SETTLED_AFTER: Final = 2.0
_PATTERN: Final = frozenset("*?[")

log = structlog.get_logger()


class LocalFiles:
    """The transport for `path`: a file, or a pattern (`*`, `?`, `[…]`, `**`). `move_to`: where applied files go, relative to their folder."""

    def __init__(
        self,
        path: str,
        *,
        move_to: Path | None = None,
        settled_after: float = SETTLED_AFTER,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path, self._move_to = path, move_to
        self._settled_after, self._wait = settled_after, wait
        self._within = _split(Path(path))[0] if _PATTERN & set(path) else None

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch. A pattern that matches nothing gives no files; a path that is not there raises NotFound."""
        visit.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        files: list[SourceFile] = []
        growing: list[str] = []
        processed: list[str] = []
        for path in self._paths():
            copy = _fetch_one(path, visit.spool, self._settled(path), self._within)
            if copy is None:
                growing.append(plain_name(path.name))
            elif copy.sha256 in visit.processed:
                copy.path.unlink(missing_ok=True)
                processed.append(copy.name)
            else:
                files.append(copy)
        return Fetched(tuple(files), tuple(growing), tuple(processed))

    def look(self) -> list[str]:
        """See Transport.look."""
        paths = self._paths()
        for path in paths:
            with _reading(path), _opened(path, self._within):
                pass
        return [plain_name(path.name) for path in paths]

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away. A link stays where it is: what it leads to belongs elsewhere."""
        if self._move_to is None:
            return
        for path in self._matches():
            name = plain_name(path.name)
            if name not in applied or path.is_symlink():
                continue
            with _reading(path):
                before = path.stat()
                with _opened(path, self._within) as content:
                    sha256 = sha256_of(content)
                if sha256 == applied[name] and _version(path.stat()) == _version(before):
                    move_aside(path, path.parent / self._move_to)
                else:
                    log.info("newer_file_left")  # by its Run it is found; a name may be somebody's

    def _paths(self) -> list[Path]:
        """What is there, in name order. Raises NotFound for a path (not a pattern) that is no file."""
        found = self._matches()
        if not found and not _PATTERN & set(self._path):
            if Path(self._path).exists():
                raise NotFound("{path} is not an ordinary file.", path=self._path)
            raise NotFound("The file {path} does not exist.", path=self._path)
        return found

    def _matches(self) -> list[Path]:
        path = Path(self._path)
        with _reading(path):
            if not _PATTERN & set(self._path):
                return [path] if path.is_file() else []
            return self._matching(*_split(path))

    def _matching(self, folder: Path, pattern: str) -> list[Path]:
        try:
            # unlike glob.glob this does not walk through links to folders, and so never in circles
            matches = [path for path in folder.glob(pattern) if self._is_ours(path, folder, pattern)]
        except ValueError as error:
            raise ConfigurationError(
                "The pattern {path} cannot be used: ** has to stand alone between two slashes.", path=self._path
            ) from error
        return sorted(matches, key=lambda path: (in_order(path.name), str(path)))

    def _is_ours(self, path: Path, folder: Path, pattern: str) -> bool:
        """Whether a match is an ordinary file of this folder that is neither hidden nor already put away."""
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden and not any(part.startswith(".") for part in pattern.split("/")):
            return False
        return path.is_file() and not self._is_put_away(path) and not _leads_out(path, folder)

    def _is_put_away(self, path: Path) -> bool:
        if self._move_to is None:
            return False
        if self._move_to.is_absolute():
            return path.parent.absolute() == self._move_to
        return path.parent.parts[-len(self._move_to.parts) :] == self._move_to.parts

    def _settled(self, path: Path) -> tuple[int, int] | None:
        """Size and time of change, if they stayed for as long as it takes; None for a file still growing."""
        with _reading(path):
            before = path.stat()
            # A time of change ahead of our clock says nothing; the file is watched once.
            age = max(0.0, time.time() - before.st_mtime)
            if age < self._settled_after:
                self._wait(self._settled_after - age)
            return _version(before) if _version(path.stat()) == _version(before) else None


def _split(path: Path) -> tuple[Path, str]:
    """A pattern as the folder it begins in and the rest."""
    first = next(index for index, part in enumerate(path.parts) if _PATTERN & set(part))
    return Path(*path.parts[:first]), "/".join(path.parts[first:])


def _leads_out(path: Path, folder: Path) -> bool:
    if not path.is_symlink():
        return False
    outside = not path.resolve().is_relative_to(folder.resolve())
    if outside:
        log.warning("link_not_followed", folder=str(folder))  # its own name may be somebody's
    return outside


def _fetch_one(path: Path, spool: Path, version: tuple[int, int] | None, within: Path | None) -> SourceFile | None:
    """The spooled copy, or None when the file is growing (`version` None) or was written to while it was copied."""
    if version is None:
        return None
    with _reading(path):
        copy = _copy(path, spool, within)
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
        raise Transient(
            "The file {name} cannot be read: {detail}", name=plain_name(path.name), detail=os_reason(error)
        ) from error


@contextmanager
def _opened(path: Path, within: Path | None) -> Iterator[BinaryIO]:
    """An ordinary file; what took its place since it was looked at is not waited for (a pipe would never answer), nor is it read where it lies
    outside of `within` (a link would lead there).
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotFound("{path} is not an ordinary file.", path=plain_name(path.name))
        if within is not None and not _place_of(handle).is_relative_to(within.resolve()):
            raise Transient("The file {name} was replaced while it was being read.", name=plain_name(path.name))
        yield cast("BinaryIO", file)


def _place_of(handle: int) -> Path:
    """Where an open file lies, whatever its name has become since."""
    return Path(f"/proc/self/fd/{handle}").resolve()


def _version(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _copy(path: Path, spool: Path, within: Path | None) -> SourceFile:
    """Copy and hash in one reading."""
    with _opened(path, within) as source, incoming(spool, plain_name(path.name)) as copy:
        while chunk := source.read(CHUNK):
            copy.write(chunk)
        return copy.finish()
