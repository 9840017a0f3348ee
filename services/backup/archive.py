"""What a file made by pg_dump holds, found out before anybody relies on it: whole, of Avain, of which shape, with its rows and rights.

A checksum lies beside each copy that Avain makes (`<file>.sha256`, as `sha256sum` writes and checks it); one made otherwise may have none.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.errors import InputError, Message
from services.backup.programs import Ended, run

_MEGABYTE: Final = 1 << 20
_TAKEN: Final = re.compile(r"^;\s+Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", re.MULTILINE)
_SERVER: Final = re.compile(r"^;\s+Dumped from database version: (\d+)", re.MULTILINE)
#: One line of a table of contents: `217; 1259 17484 TABLE public alarm avain_owner`.
_ENTRY: Final = re.compile(r"^(\d+); \d+ \d+ ([A-Z][A-Z ]*[A-Z]) (\S+) (.+) \S+$")
_REVISION: Final = re.compile(rb"^COPY public\.alembic_version \(version_num\) FROM stdin;\n(\S+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One thing in a file: `line` as pg_restore lists it, `kind` (TABLE, TABLE DATA, ACL …) and what it is called."""

    line: str
    kind: str
    schema: str
    name: str


@dataclass(frozen=True)
class Contents:
    """What is in a file. `revision`: the shape its tables have; `server`: major version of the server it came from."""

    revision: str
    server: int
    taken_at: datetime
    entries: tuple[Entry, ...]

    @property
    def tables(self) -> frozenset[str]:
        """Tables by name."""
        return frozenset(one.name for one in self.entries if one.kind == "TABLE" and one.schema == "public")


def contents(program: Path, file: Path) -> Contents:
    """Read the table of contents by pg_restore. Raises InputError where the file is no whole copy of Avain's database."""
    listed = run(program, ["--list", file])
    if listed.code != 0:
        raise _unreadable(file, listed)
    text = listed.output.decode("utf-8", errors="replace")
    entries = tuple(_entries(text))
    taken, server = _TAKEN.search(text), _SERVER.search(text)
    version = run(program, ["--data-only", "--schema=public", "--table=alembic_version", "--file=-", file])
    if version.code != 0:
        raise _unreadable(file, version)
    revision = _REVISION.search(version.output)
    if taken is None or server is None or revision is None:
        raise InputError("{path} is a copy of a database, but holds no rows of Avain's.", path=str(file))
    made = datetime.strptime(taken[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Contents(revision[1].decode("ascii", errors="replace"), int(server[1]), made, entries)


def lacking(found: Contents) -> Message | None:
    """Why a file cannot become an installation, though it is Avain's: rows or rights were left out of it."""
    with_rows = {one.name for one in found.entries if one.kind == "TABLE DATA" and one.schema == "public"}
    empty = sorted(found.tables - with_rows)
    if empty:
        return Message("the rows of {count} tables are not in it ({tables})", count=len(empty), tables=", ".join(empty))
    if not any(one.kind == "ACL" for one in found.entries):
        return Message("the rights of the application's role are not in it (it was made with --no-privileges)")
    if not any(one.kind == "TRIGGER" for one in found.entries):
        return Message("the triggers that guard the tables are not in it")
    return None


def readable(program: Path, file: Path, told: Callable[[], None] | None = None) -> Ended:
    """Read a file from end to end, as a restore would, and throw away what it says."""
    return run(program, ["--data-only", "--file=/dev/null", file], told=told)


def sha256(file: Path, told: Callable[[], None] | None = None) -> str:
    """Digest of a file's content, in hex. Raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(8 * _MEGABYTE):
            digest.update(part)
            if told is not None:
                told()
    return digest.hexdigest()


def checksum_file(file: Path) -> Path:
    """Where the checksum of a copy lies."""
    return file.with_name(f"{file.name}.sha256")


def noted_sha256(file: Path) -> str | None:
    """What the checksum file says; None where there is none. Raises InputError where it is none."""
    beside = checksum_file(file)
    try:
        said = beside.read_text("utf-8", errors="replace").split()
    except FileNotFoundError:
        return None
    if not said or not re.fullmatch(r"[0-9a-f]{64}", said[0]):
        raise InputError("{path} is not a checksum as sha256sum writes it.", path=str(beside))
    return said[0]


def _entries(text: str) -> list[Entry]:
    """Lines of a table of contents that name something of a schema."""
    return [
        Entry(line, found[2], found[3], found[4])
        for line in text.splitlines()
        if not line.startswith(";") and (found := _ENTRY.match(line))
    ]


def _unreadable(file: Path, ended: Ended) -> InputError:
    if "text format" in ended.complaint:
        return InputError(
            "{path} is a copy as plain SQL. Make it with pg_dump --format=custom, or put it into an empty database with psql: docs/backup.md",
            path=str(file),
        )
    return InputError("{path} cannot be read as a copy of a database: {reason}", path=str(file), reason=ended.reason())
