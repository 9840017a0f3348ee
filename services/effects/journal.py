"""The journal: one line outside the database for everything that leaves it, before and right after; what a restored database is told by.

Files of JSON lines in a folder of AVAIN_HOME, one a host and month, only ever appended to, removed after so many months. In them is what the other
side sees too (an order's number, a mail's Message-ID) and never whom it is about. A line is written and not forced to disk: it must outlive
the process and the database, which may both be gone a moment later; the machine's own power cut is rarer and would cost each order a
disk's patience.

    going    it is about to leave: nothing leaves without such a line
    gone     the other side has it
    back     the other side certainly does not have it
    numbers  how far the series of numbers were when this was written
"""

import errno
import json
import os
import re
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, cast
from uuid import UUID

Event = Literal["going", "gone", "back", "numbers"]
EVENTS: Final = ("going", "gone", "back", "numbers")

_NAME: Final = re.compile(r".+-(\d{4})-(\d{2})\.jsonl")
_TOKEN: Final = re.compile(rb'"token": "([0-9a-f-]{36})"')
_SERIES: Final = re.compile(r"[A-Z]+-\d{4}")
#: No series comes so far.
_FURTHEST: Final = 10**12
_WORDS: Final = ("event", "host", "instance", "kind", "key", "sha256", "way", "token")
#: A line is shorter; so much of a file's end holds its last ones.
_LONGEST: Final = 2048
_TAIL: Final = 4 * _LONGEST
#: Of so many files of the last two months in which anything left, those written last, the ends are looked at.
_LATEST: Final = 16


@dataclass(frozen=True)
class Line:
    """What stands in a line. `run` and `token` name the attempt, as the database kept it before anything left; `way` an order's channel."""

    at: datetime
    event: Event
    host: str
    instance: str
    kind: str = ""
    key: str = ""
    sha256: str = ""
    way: str = ""
    run: int = 0
    token: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)

    def written(self) -> bytes:
        """As it stands in the file."""
        said = {name: value for name, value in asdict(self).items() if value not in ("", 0, {})}
        return (json.dumps({**said, "at": self.at.isoformat(timespec="milliseconds")}) + "\n").encode("ascii")


def host() -> str:
    """This host's name in lines and file names."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()) or "host"


def write(folder: Path, line: Line, *, months: int) -> None:
    """Append a line to this month's file, in one piece whoever else writes. Raises OSError, and then it does not stand there."""
    file = folder / f"{line.host}-{line.at:%Y-%m}.jsonl"
    try:
        handle = os.open(file, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        _forget(folder, line.at, months)
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        size = os.fstat(handle).st_size
        half = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # of a disk that was full: its rest never comes
        content = (b"\n" if half else b"") + line.written()
        if os.write(handle, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(handle)


def _forget(folder: Path, at: datetime, months: int) -> None:
    """Remove files of months that are kept no more."""
    first = at.year * 12 + at.month - months
    for file in folder.glob("*.jsonl"):
        named = _NAME.fullmatch(file.name)
        if named and int(named[1]) * 12 + int(named[2]) < first:
            file.unlink(missing_ok=True)


def files(places: Iterable[Path]) -> list[Path]:
    """The journal's files in these folders; a file is itself."""
    found = {file for place in places for file in (place.glob("*.jsonl") if place.is_dir() else [place])}
    return sorted(found)


def lines(given: Iterable[Path]) -> Iterator[Line]:
    """Every line of these files; what is none (half a line of a full disk) is passed over. Raises OSError."""
    for file in given:
        with file.open("rb") as opened:
            for one in opened:
                found = _read(one)
                if found is not None:
                    yield found


def latest(folder: Path) -> list[Line]:
    """The last line of each sort in the files that were written last: what this database must know of, if it is not behind the journal."""
    try:
        recent = sorted(_of_two_months(folder), key=lambda one: one.stat().st_mtime, reverse=True)[:_LATEST]
        ends = [_end(file) for file in recent]
    except OSError:  # removed meanwhile, or nothing has ever left; where it cannot be read, it cannot be written either
        return []
    found: list[Line] = []
    for end in ends:
        wanted = {True, False}
        for one in reversed(end):
            if (b'"numbers"' in one) in wanted and (line := _read(one)) is not None:
                wanted.discard(line.event == "numbers")
                found.append(line)
            if not wanted:
                break
    return found


def gone_by(folder: Path, tokens: Collection[str]) -> list[Line]:
    """What certainly left in these attempts, of the last two months. What cannot be read is not known here."""
    found: list[Line] = []
    try:
        for file in _of_two_months(folder):
            with file.open("rb") as opened:
                mine = (
                    one
                    for one in opened
                    if b'"gone"' in one and (named := _TOKEN.search(one)) and named[1].decode() in tokens
                )
                found += [line for one in mine if (line := _read(one)) is not None and line.event == "gone"]
    except OSError:
        return []
    return found


def _of_two_months(folder: Path) -> list[Path]:
    """The files of the last two months there are, by their names: there may be many of many months, and this is asked often."""
    months = {one.path: named[1] + named[2] for one in os.scandir(folder) if (named := _NAME.fullmatch(one.name))}
    wanted = sorted(set(months.values()))[-2:]
    return [Path(path) for path, month in months.items() if month in wanted]


def _end(file: Path) -> list[bytes]:
    handle = os.open(file, os.O_RDONLY)
    try:
        size = os.fstat(handle).st_size
        return os.pread(handle, _TAIL, max(0, size - _TAIL)).splitlines()
    finally:
        os.close(handle)


def _read(line: bytes) -> Line | None:
    """A line, if it is one that Avain can have written. Anything else is passed over: of what the database could not even take, nothing that has
    to do with something else may fail.
    """
    if len(line) > _LONGEST:
        return None
    try:
        said: dict[str, Any] = json.loads(line)
        words = {name: str(said.get(name, "")) for name in _WORDS}
        numbers = {str(series): int(value) for series, value in said.get("numbers", {}).items()}
        run = int(said.get("run", 0))
        ours = (
            words["event"] in EVENTS
            and words["host"] != ""
            and words["instance"] != ""
            and all(one.isascii() and one.isprintable() for one in words.values())
            and all(_SERIES.fullmatch(series) and 0 <= value < _FURTHEST for series, value in numbers.items())
            and 0 <= run < 2**63
        )
        if not ours:
            return None
        words["token"] = words["token"] and str(UUID(words["token"]))
        at = datetime.fromisoformat(said["at"]).astimezone(UTC)
        return Line(at=at, event=cast("Event", words.pop("event")), run=run, numbers=numbers, **words)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
