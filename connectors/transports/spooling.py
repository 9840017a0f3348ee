"""Into the spool: bytes from anywhere become a hashed copy that has its name only when it is whole.

Nothing is held in memory, and what was begun and not finished is removed, whatever went wrong.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, cast

from connectors.transports.base import SourceFile
from core.errors import RefusedInput, Transient
from core.faults import fault_point
from core.reasons import os_reason

#: Bytes moved at a time.
CHUNK: Final = 1024 * 1024
#: A file's name in the spool: 64 digits of sha256, a hyphen, and as much of its own name as file systems allow (255 bytes).
_LONGEST_NAME: Final = 180
_NAMELESS: Final = "file"


def plain_name(name: str) -> str:
    """What a file is called by people and in the spool: the last part of a path, only what can be printed, never empty or a dot.

    Names come from outside (a directory listing, a header): `../../etc/passwd` becomes `passwd`.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown if shown.strip(".") else _NAMELESS


def spool_path(spool: Path, sha256: str, name: str) -> Path:
    """Where a copy lies: `<sha256>-<name>`, of a long name its end."""
    return spool / f"{sha256}-{name.encode()[-_LONGEST_NAME:].decode(errors='ignore')}"


class Incoming:
    """A copy that is being made. `limit` bytes are accepted, None: any number."""

    def __init__(self, part: Path, content: BinaryIO, name: str, limit: int | None) -> None:
        self._part, self._content, self._limit = part, content, limit
        self._digest = hashlib.sha256()
        self.name, self.size = name, 0

    @property
    def sha256(self) -> str:
        """Of what has come so far."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Take more bytes. Raises RefusedInput beyond the limit, Transient when the spool's disk does not take them."""
        self.size += len(chunk)
        if self._limit is not None and self.size > self._limit:
            raise too_large(self.name, self._limit)
        self._digest.update(chunk)
        with _disk(self.name):
            self._content.write(chunk)

    def finish(self) -> SourceFile:
        """The whole copy, under its name."""
        with _disk(self.name):
            self._content.flush()
            copy = self._part.replace(spool_path(self._part.parent, self.sha256, self.name))
        fault_point("fetch.copied")
        return SourceFile(copy, self.name, self.sha256, self.size)


@contextmanager
def incoming(spool: Path, name: str, *, limit: int | None = None) -> Iterator[Incoming]:
    """A copy to be written inside the block; one that was not finished there leaves nothing behind."""
    with _disk(name):
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=spool, prefix=".part-")
    part = Path(made)
    content = os.fdopen(handle, "wb")
    try:
        yield Incoming(part, cast("BinaryIO", content), name, limit)
    finally:
        with suppress(OSError):  # of a full disk `write` or `finish` has told
            content.close()
        part.unlink(missing_ok=True)


def too_large(name: str, limit: int) -> RefusedInput:
    """The error for a file that is larger than the source is set up to accept."""
    return RefusedInput("The file {name} is larger than the accepted {limit} bytes.", name=name, limit=limit)


@contextmanager
def _disk(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Transient(
            "The file {name} cannot be copied to the spool: {detail}", name=name, detail=os_reason(error)
        ) from error
