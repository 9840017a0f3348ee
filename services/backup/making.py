"""Make a copy of the database while everything goes on: whole, checked, and under its name only once it is on disk for certain.

pg_dump sees one moment of the database. It must not begin in the middle of a migration, for a table that is being written anew looks empty
to whoever looked before; so the row of the shape is held meanwhile, and migrations take it first (migrations/env.py).
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psycopg

from core.errors import InputError, Transient
from core.files import sync
from services.backup.archive import checksum_file, contents, lacking, readable, sha256
from services.backup.programs import Ended, Reach, program, run

#: What is not finished yet, beside where it will be.
_BEGINNING, _END = ".avain-", ".part"
#: A migration has so long to end before a copy is given up.
_LOCK_PATIENCE: Final = "60s"


@dataclass(frozen=True)
class Made:
    """A copy that is on disk. `taken_at`: it holds what was committed by then."""

    file: Path
    sha256: str
    size: int
    revision: str
    server: int
    taken_at: datetime
    seconds: float


@dataclass(frozen=True)
class _Held:
    """A database whose shape stays as it is."""

    connection: "psycopg.Connection[Any]"
    server: int
    revision: str
    moment: datetime


def make(url: str, file: Path, *, told: Callable[[str, int], None] = lambda _step, _size: None) -> Made:
    """Copy the database of `url` (its owner's) to `file`, with its checksum beside it.

    `told` hears now and then how far it is: `copying`, `reading` or `adding`, and how many bytes there are. Raises InputError where `file`
    exists or has no folder, Transient where the database or the disk gives out; then nothing is left of it.
    """
    _must_be_new(file)
    if not file.parent.is_dir():
        raise InputError("There is no folder {path}.", path=str(file.parent))
    reach, begun = Reach.of(url), perf_counter()
    with _unchanging(reach) as held, _part(file) as (part, handle):

        def tell(step: str) -> Callable[[], None]:
            return lambda: told(step, part.stat().st_size)

        options = ["--format=custom", f"--file={part}", f"--lock-wait-timeout={_LOCK_PATIENCE}"]
        dumped = run(program("pg_dump", held.server), options, reach, told=tell("copying"), inherit=[handle])
        if dumped.code != 0:
            raise _failed(held, dumped)
        _check(part, held, tell("reading"))
        digest = sha256(part, tell("adding"))
        made = Made(file, digest, part.stat().st_size, held.revision, held.server, held.moment, perf_counter() - begun)
        _put(part, file, digest)
    return made


@contextmanager
def _unchanging(reach: Reach) -> Iterator[_Held]:
    """Hold the database's shape as it is, after a migration that runs has ended."""
    with reach.connect() as connection, connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_PATIENCE}'")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        if connection.execute("SELECT to_regclass('public.alembic_version')").fetchone() == (None,):
            raise InputError("The database has no tables yet, so there is nothing to copy.")
        try:
            connection.execute("LOCK TABLE public.alembic_version IN SHARE MODE")
        except psycopg.errors.LockNotAvailable as error:
            raise Transient("The database is just being upgraded. Make the copy afterwards.") from error
        state: Any = connection.execute(
            "SELECT version_num, current_setting('server_version_num')::int / 10000, clock_timestamp() FROM public.alembic_version"
        ).fetchone()
        yield _Held(connection, state[1], state[0], state[2])


@contextmanager
def _part(file: Path) -> Iterator[tuple[Path, int]]:
    """A file of our own beside `file`, gone after the block. The lock on it lives as long as we or pg_dump do; without one it is swept away."""
    _sweep(file.parent)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=_BEGINNING, suffix=_END)  # mkstemp's files are 0600
    part = Path(name)
    try:
        with suppress(OSError):  # a network drive may know no locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield part, handle
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what a copy left that was killed."""
    for left in folder.glob(f"{_BEGINNING}*{_END}"):
        with suppress(OSError), left.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _check(part: Path, held: _Held, told: Callable[[], None]) -> None:
    """Read the copy as a restore would: one that cannot be read is none."""
    reader = program("pg_restore", held.server)
    found = contents(reader, part)
    missing = lacking(found)
    read = readable(reader, part, told)
    if read.code != 0 or missing is not None or found.revision != held.revision:
        raise Transient(
            "The copy was written, but cannot be read again: {reason}",
            reason=missing or (read.reason() if read.code else found.revision),
        )


def _put(part: Path, file: Path, digest: str) -> None:
    """Give the copy its name. Its checksum is there first: whoever finds the one finds the other."""
    beside = checksum_file(file)
    sync(part)
    _must_be_new(file)  # while this one was made, another may have been
    beside.write_text(f"{digest}  {file.name}\n", "utf-8")
    try:
        sync(beside)
        part.rename(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # some network drives sync files only
        sync(file.parent)


def _must_be_new(file: Path) -> None:
    if file.exists():
        raise InputError("{path} exists already and is left as it is.", path=str(file))


def _failed(held: _Held, ended: Ended) -> Transient:
    try:
        held.connection.execute("SELECT 1")
    except psycopg.Error:
        return Transient("The database went away while it was being copied; nothing of the copy was kept. Try again.")
    return Transient("The database could not be copied: {reason}", reason=ended.reason())
