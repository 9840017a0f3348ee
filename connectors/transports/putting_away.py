"""Where an applied file goes: into a folder beside it or elsewhere, under a name that nothing has yet.

What was put away earlier is evidence and is never overwritten.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

from connectors.transports.spooling import CHUNK
from core.clock import local_date
from core.errors import Permanent
from core.files import sync
from core.reasons import os_reason

_TIMES_DIFFER: Final = 2.0


def free_names(name: str, changed_at: float) -> Iterator[str]:
    """Names to try in turn: its own, with the date the file was last written (Helsinki), then with a number as well.

    `changed_at` is in seconds since 1970. `cases.xml.gz`, `cases-2026-11-22.xml.gz`, `cases-2026-11-22-2.xml.gz` …
    """
    stem, dot, endings = name.partition(".") if not name.startswith(".") else (name, "", "")
    dated = f"{stem}-{local_date(datetime.fromtimestamp(changed_at, UTC))}"
    yield name
    yield f"{dated}{dot}{endings}"
    yield from (f"{dated}-{number}{dot}{endings}" for number in count(2))


def sha256_of(file: BinaryIO) -> str:
    """The sha256 (hex) of what is left to read."""
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def move_aside(path: Path, folder: Path) -> Path:
    """Move a file into `folder` (made if only it is missing), also on another file system; where it is now.

    It may be ended at any moment and done again: what lies in `folder` is whole, and there once. The file stays where it was until its
    copy is safe. Raises Permanent when the folder cannot be used.
    """
    try:
        folder.mkdir(exist_ok=True)
        with _alone_in(folder):
            return _move(path, folder)
    except FileNotFoundError:
        if not path.exists():  # somebody else has moved it
            return path
        raise _unusable(path, folder, FileNotFoundError(errno.ENOENT, "")) from None
    except OSError as error:
        raise _unusable(path, folder, error) from error


def _unusable(path: Path, folder: Path, error: OSError) -> Permanent:
    return Permanent(
        "The file {name} was applied but cannot be moved to {folder}: {detail}",
        name=path.name,
        folder=str(folder),
        detail=os_reason(error),
    )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other process of ours moves files into `folder` meanwhile: between looking for a free name and taking it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a share without locks: there the lane of the source must do
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move(path: Path, folder: Path) -> Path:
    """Into `folder` under the first free name, or out of the way where an attempt that was ended had copied it."""
    for name in free_names(path.name, path.stat().st_mtime):
        target = folder / name
        if not target.exists():
            _replace(path, target)
        elif _is_copy(target, path):
            path.unlink()
        else:
            continue
        return target
    raise AssertionError  # there is always another number


def _is_copy(target: Path, path: Path) -> bool:
    """The same bytes, last written at the same time (which some file systems keep to two seconds)."""
    one, other = target.stat(), path.stat()
    if one.st_size != other.st_size or abs(one.st_mtime - other.st_mtime) > _TIMES_DIFFER:
        return False
    with target.open("rb") as kept, path.open("rb") as there:
        return sha256_of(kept) == sha256_of(there)


def _replace(path: Path, target: Path) -> None:
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(path, target)


def _copy_across(path: Path, target: Path) -> None:
    """To another file system: the copy is on disk, under its name, before the file goes."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)  # of an attempt that was killed
    try:
        with path.open("rb") as content, part.open("xb") as copy:  # others may write here: no link is followed
            shutil.copyfileobj(content, copy, CHUNK)
        shutil.copystat(path, part)
        sync(part)
        part.replace(target)
        sync(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    path.unlink()
