"""Reading XLSX, XLS and ODS workbooks, in a child process that may use only so much memory and time.

A 2.7 MB workbook that unpacks to 300 MB cost the reader 655 MB, and two cells in opposite corners ask for half a terabyte. The
archive door judges the zip's directory first; then `workbook_child.py` reads under RLIMIT_AS and answers in JSON lines. The child is started by
`subprocess`, not `multiprocessing`: Celery's own children are daemonic and may not have multiprocessing children.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final

from core.errors import InputError, Message, RefusedInput
from core.i18n import N_
from documents import archive

MEBIBYTE: Final = 1024 * 1024
_CHILD: Final = Path(__file__).with_name("workbook_child.py")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: An encrypted XLSX is an OLE file with a stream of this name (MS-OFFCRYPTO 1.3.2).
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")

#: A cell as the reader gives it: numbers are float in XLSX; None is an empty cell; a time or duration as Excel formats it.
Cell = str | int | float | bool | date | datetime | time | timedelta | None


@dataclass(frozen=True)
class WorkbookLimits:
    """What one workbook may cost. `rows` and `columns` are per sheet, `memory` and `answer` in bytes, `seconds` wall clock."""

    packed: int = 32 * MEBIBYTE
    unpacked: archive.ArchiveLimits = field(
        default_factory=lambda: archive.ArchiveLimits(unpacked=200 * MEBIBYTE, members=2000)
    )
    sheets: int = 100
    rows: int = 250_000
    columns: int = 512
    memory: int = 512 * MEBIBYTE
    answer: int = 256 * MEBIBYTE
    seconds: int = 60


@dataclass(frozen=True)
class Sheet:
    """A worksheet. `rows[i]` is row i + 1 as a person sees it, `rows[i][0]` column A; all rows are of one length."""

    name: str
    rows: list[list[Cell]]


DEFAULT_LIMITS: Final = WorkbookLimits()

_DAMAGED: Final = N_("The workbook is damaged and cannot be read ({detail}).")
_TOO_MUCH: Final = N_(
    "The workbook needs more memory than the accepted {megabytes} MB; it may have cells far from all others."
)
_TOO_SLOW: Final = N_("The workbook could not be read in {seconds} seconds.")
_PASSWORD: Final = N_("The workbook is protected by a password. Save it without one.")
_ERRORS: Final = {
    "password": _PASSWORD,
    "damaged": _DAMAGED,
    "unreadable": N_(
        "The file cannot be read as a workbook (XLSX, XLS or ODS): it is damaged, has a password or is something else."
    ),
    "memory": _TOO_MUCH,
    "sheets": N_("The workbook has {found} sheets; at most {limit} are accepted."),
    "rows": N_("The sheet {sheet} has {found} rows; at most {limit} are accepted."),
    "columns": N_("The sheet {sheet} has {found} columns; at most {limit} are accepted."),
    "answer": N_("The workbook holds more text than the accepted {megabytes} MB."),
}
#: What the child wrote of a cell that JSON has no form for → the cell. Days repeat.
_CELLS: Final[dict[str, Callable[[Any], Cell]]] = {
    "date": lru_cache(4096)(date.fromisoformat),
    "datetime": lru_cache(4096)(datetime.fromisoformat),
    "time": time.fromisoformat,
    "timedelta": lambda seconds: timedelta(seconds=seconds),
}


def read_workbook(source: Path | bytes, *, limits: WorkbookLimits = DEFAULT_LIMITS) -> list[Sheet]:
    """The worksheets of a workbook, hidden ones too, in its own order; chart sheets are left out.

    Raises InputError if it is no workbook or has a password, RefusedInput if it is damaged, an attack or beyond `limits`.
    """
    with source.open("rb") if isinstance(source, Path) else tempfile.TemporaryFile() as file:
        if isinstance(source, bytes):
            file.write(source)
        return [Sheet(name, list(rows)) for name, rows in stream_workbook(file, limits=limits)]


def stream_workbook(
    file: BinaryIO, *, limits: WorkbookLimits = DEFAULT_LIMITS
) -> Iterator[tuple[str, Iterator[list[Cell]]]]:
    """The worksheets of a seekable `file` one by one, each name with its rows: as `read_workbook`, but in constant memory here.

    A sheet's rows must be read, or left, before the next sheet is asked for.
    """
    file.seek(0)
    _check(file, limits)
    with tempfile.TemporaryFile() as answer:
        yield from _understand(answer, _read_in_child(file, answer, limits), limits)


def _check(file: BinaryIO, limits: WorkbookLimits) -> None:
    """Refuse what must not even be shown to the reader; leaves `file` at its start."""
    size = file.seek(0, os.SEEK_END)
    if size > limits.packed:
        raise RefusedInput(
            "The workbook has {size} bytes; at most {limit} are accepted.", size=size, limit=limits.packed
        )
    file.seek(0)
    beginning = file.read(1024)
    if beginning.startswith(b"PK"):
        archive.check_directory(file, limits=limits.unpacked)
    elif beginning.startswith(_OLE):
        file.seek(0)
        if _ENCRYPTED_PACKAGE in file.read():
            raise InputError(_PASSWORD)
    elif beginning.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise InputError(
            "The file is a web page or XML under a workbook's name. Open it in a spreadsheet program and save it as XLSX."
        )
    else:
        raise InputError("The file is not a workbook (XLSX, XLS or ODS).")
    file.seek(0)


def _read_in_child(file: BinaryIO, answer: BinaryIO, limits: WorkbookLimits) -> int:
    """The child's exit code. Files as its input and output: no pipe to fill up, and RLIMIT_FSIZE bounds the answer."""
    numbers = {name: value for name, value in asdict(limits).items() if isinstance(value, int)}
    environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_CHILD), json.dumps(numbers)],
            stdin=file,
            stdout=answer,
            stderr=subprocess.DEVNULL,  # a reader's backtrace may quote the document
            env=environment | {"RUST_BACKTRACE": "0"},
            timeout=limits.seconds,
            check=False,
            start_new_session=True,  # Ctrl-C at a terminal is the parent's to handle
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedInput(_TOO_SLOW, seconds=limits.seconds) from error
    answer.seek(0)
    return done.returncode


def _understand(
    answer: Iterable[bytes], exit_code: int, limits: WorkbookLimits
) -> Iterator[tuple[str, Iterator[list[Cell]]]]:
    """Lines `{"sheet": name}`, then its rows in batches `{"rows": …}`; the last line is `{"end": true}` or `{"error": …}`."""
    if exit_code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise RefusedInput(_TOO_SLOW, seconds=limits.seconds)
    if exit_code < 0:  # the reader aborts when an allocation fails
        raise RefusedInput(_TOO_MUCH, megabytes=limits.memory // MEBIBYTE)
    values = _Ahead(map(json.loads, answer))
    while values.next is not None and values.next.keys() == {"sheet"}:  # an error may name a sheet too
        name = values.take()["sheet"]
        rows = _rows(values)
        yield name, rows
        for _ in rows:
            pass
    if values.next is None:
        raise RefusedInput(_DAMAGED, detail=Message("its reader stopped with {code}", code=exit_code))
    if "error" in values.next:
        raise _error(values.next, limits)


class _Ahead:
    """Values of which the next one can be looked at; None after the last."""

    def __init__(self, values: Iterator[Any]) -> None:
        self._values = values
        self.next: Any = next(values, None)

    def take(self) -> Any:
        """The next value, taken off."""
        taken, self.next = self.next, next(self._values, None)
        return taken


def _rows(values: _Ahead) -> Iterator[list[Cell]]:
    while values.next is not None and "rows" in values.next:
        batch = values.take()
        rows = batch["rows"]
        for kind, column, places in batch["kinds"]:
            make = _CELLS[kind]
            for place in places:
                rows[place][column] = make(rows[place][column])
        yield from rows


def _error(value: dict[str, Any], limits: WorkbookLimits) -> InputError:
    code = value.pop("error")
    megabytes = (limits.answer if code == "answer" else limits.memory) // MEBIBYTE
    message = Message(_ERRORS[code], **value, megabytes=megabytes)
    return InputError(message) if code == "password" else RefusedInput(message)
