"""Files that only their owner may read, and files that are on disk for certain."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_PRIVATE = 0o600


def put_privately(target: Path, content: bytes) -> None:
    """Write `content` to `target` with mode 0600, in place of whatever is there: beside it, forced to disk, then renamed.

    So nobody meets half a file. Raises OSError; leaves nothing behind.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mkstemp's files are 0600
    beside = Path(name)
    try:
        _fill(handle, content)
        beside.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise


def create_privately(target: Path, content: bytes) -> None:
    """Write `content` to a new file with mode 0600. Raises FileExistsError rather than touch another file, and OSError."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    try:
        _fill(handle, content)
    except BaseException:
        target.unlink()
        raise


def sync(path: Path) -> None:
    """Force a file's content, or the names in a folder, to disk: else they may not survive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _fill(handle: int, content: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
