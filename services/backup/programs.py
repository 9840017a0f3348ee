"""pg_dump and pg_restore: those of this machine that fit a server, run so that no password is seen and none of them outlives us.

Neither works against a server that is newer than itself, and a file may only be readable by a program as new as its writer: so the version
decides, not the first one on the path.
"""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from core.database import make_engine
from core.embedded.programs import client_programs
from core.errors import ConfigurationError, Message
from core.reasons import os_reason

#: Where packages of several versions lie side by side: Debian's, and those of Red Hat.
_BESIDE_EACH_OTHER: Final = ("/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_COMPLAINT: Final = re.compile(r"^pg_\w+: (?:error|fatal): (.*)$", re.MULTILINE)
#: What may be wrong with the disk, as the C library words it.
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES)
_GLANCE_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 10.0
_LONGEST_COMPLAINT: Final = 300


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, what it wrote, and the first of its complaints in its own (English) words."""

    code: int
    output: bytes
    complaint: str

    def reason(self) -> Message | str:
        """Why it failed: in our words if it is the disk, else in its own."""
        for number in _DISK:
            if os.strerror(number) in self.complaint:
                return os_reason(OSError(number, ""))
        return self.complaint[:_LONGEST_COMPLAINT] or Message("it ended with {code}", code=self.code)


@dataclass(frozen=True)
class Reach:
    """How a program gets to a database: a connection string for its arguments, the password for its environment."""

    connection: str
    password: str | None
    database: str
    user: str

    @classmethod
    def of(cls, url: str) -> "Reach":
        """That of a database URL as it stands in the settings, with whatever else libpq is told there (sslmode, host of a socket)."""
        engine = make_engine(url, pool_size=1)
        keywords = {"connect_timeout": "10", **engine.dialect.create_connect_args(engine.url)[1]}
        keywords.pop("context", None)  # SQLAlchemy's own word to psycopg
        password = keywords.pop("password", None)
        return cls(make_conninfo(**keywords), password, str(keywords.get("dbname", "")), str(keywords.get("user", "")))

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection of our own, each statement for itself. Raises psycopg.OperationalError."""
        return psycopg.connect(self.connection, password=self.password, autocommit=True)


def program(name: str, server: int) -> Path:
    """`pg_dump` or `pg_restore` for a server of this major version: the same if it is here, else the next newer one.

    Raises ConfigurationError with what is here and what to do.
    """
    found = _found(name, os.environ.get("PATH", ""), server)
    fitting = sorted((version, place) for place, (path, version) in enumerate(found) if version >= server)
    if fitting:
        return found[fitting[0][1]][0]
    versions = ", ".join(sorted({str(version) for _, version in found})) or "–"
    raise ConfigurationError(
        "The database server has version {server} and needs {program} of that version; found here: {versions}. Install PostgreSQL's client"
        " programs of version {server} (package postgresql-client-{server}), or use {program} on the database's own machine: docs/backup.md",
        program=name,
        server=server,
        versions=versions,
    )


@lru_cache(maxsize=4)
def _found(name: str, path: str, server: int) -> tuple[tuple[Path, int], ...]:
    """All of them with their major versions; those of the path first, those that came with the embedded server last."""
    folders = [*filter(None, path.split(os.pathsep)), *(one.format(major=server) for one in _BESIDE_EACH_OTHER)]
    places = [shutil.which(name, path=folder) for folder in folders]
    ours = client_programs()
    candidates = [Path(place) for place in dict.fromkeys(filter(None, places))] + ([ours / name] if ours else [])
    return tuple((one, version) for one in candidates if (version := _version(one)) is not None)


def _version(candidate: Path) -> int | None:
    try:
        said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(said)
    return int(found[1]) if found else None


def run(
    name: Path,
    arguments: Sequence[str | Path],
    reach: Reach | None = None,
    *,
    told: Callable[[], None] | None = None,
    inherit: Collection[int] = (),
) -> Ended:
    """Run a program to its end; `told` is called a few times a second meanwhile. Whatever ends us ends it too, if we can still see to it.

    `inherit`: file descriptors that it keeps open as long as it lives.
    """
    # Its words in English, for we read them; the time zone of its listings is known. A file that grows too large is a complaint, not a signal.
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    if reach is not None and reach.password is not None:
        environment["PGPASSWORD"] = reach.password
    connection = [] if reach is None else [f"--dbname={reach.connection}", "--no-password"]
    with subprocess.Popen(
        [name, *connection, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        pass_fds=tuple(inherit),
        restore_signals=False,
    ) as process:
        try:
            output, said = _to_its_end(process, told)
        except BaseException:
            _end(process)
            raise
    complaints = said.decode("utf-8", errors="replace")
    first = _COMPLAINT.search(complaints)
    lines = complaints.strip().splitlines()
    return Ended(process.returncode, output, first[1].strip() if first else (lines[-1] if lines else ""))


def _to_its_end(process: "subprocess.Popen[bytes]", told: Callable[[], None] | None) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=_GLANCE_SECONDS)
        except subprocess.TimeoutExpired:
            if told is not None:
                told()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
