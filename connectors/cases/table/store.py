"""Rows of all files of an export on disk, found again case by case: the rows of a case may stand anywhere, and memory stays constant.

A B-tree in the order wanted (SQLite), so that nothing is sorted: a sort would spill rows, which may be personal, outside the spool.
"""

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Self

from connectors.cases.table.wire import Row
from core.errors import Message, Transient

#: Rows of one case that are gathered in memory; one beyond them is read, so that their number can be judged.
LARGEST_CASE: Final = 10_000
_BATCH: Final = 256
_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_TABLES: Final = """
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16000;
    CREATE TABLE known (place INTEGER PRIMARY KEY, case_id TEXT NOT NULL UNIQUE);
    CREATE TABLE gathered (
        place INTEGER, number INTEGER, part INTEGER, file INTEGER, line INTEGER, cells TEXT, fault TEXT,
        PRIMARY KEY (place, number)
    ) WITHOUT ROWID;
    CREATE TABLE waiting (number INTEGER PRIMARY KEY, case_id TEXT, part INTEGER, file INTEGER, line INTEGER, cells TEXT, fault TEXT);
"""
#: Rows that wait go to their case if there is one by now.
_GATHER: Final = """
    INSERT INTO gathered SELECT place, number, part, file, line, cells, fault FROM waiting JOIN known USING (case_id)
    ORDER BY waiting.number
"""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row with its file and part (both as numbers), and the case it names."""

    case_id: str
    part: int
    file: int
    number: int
    cells: list[str]
    fault: Message | None


class RowStore:
    """Rows go in file by file, then come out case by case in the order the cases were first seen."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix=".rows-")  # noqa: SIM115 - closed in __exit__
        self._rows = sqlite3.connect(self._file.name, isolation_level=None)
        self._number = 0

    def __enter__(self) -> Self:
        self._rows.executescript(_TABLES)
        self._rows.execute("BEGIN")
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._rows.close()
        self._file.close()
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in _DISK:
            raise Transient("The rows could not be gathered in the spool: {detail}", detail=str(error)) from error

    def add(self, rows: Iterable[Row], *, part: int, file: int, key: int, makes_cases: bool) -> None:
        """Add the rows of a file; `key` is the cell that names the case. Where they do not make cases, or are faulty, they wait."""
        rows = iter(rows)
        while batch := list(islice(rows, _BATCH)):
            known: list[tuple[Any, ...]] = []
            waiting: list[tuple[Any, ...]] = []
            for row in batch:
                self._number += 1
                fault = None if row.fault is None else json.dumps(row.fault.to_json())
                stored = (row.cells[key], self._number, part, file, row.number, json.dumps(row.cells), fault)
                (known if makes_cases and row.fault is None and row.cells[key] else waiting).append(stored)
            self._rows.executemany("INSERT OR IGNORE INTO known (case_id) VALUES (?)", [one[:1] for one in known])
            self._rows.executemany(
                "INSERT INTO gathered SELECT place, ?2, ?3, ?4, ?5, ?6, ?7 FROM known WHERE case_id = ?1", known
            )
            self._rows.executemany(
                "INSERT INTO waiting (case_id, number, part, file, line, cells, fault) VALUES (?, ?, ?, ?, ?, ?, ?)",
                waiting,
            )

    def cases(self) -> Iterator[list[StoredRow]]:
        """The rows of each case, at most `LARGEST_CASE` and one. To be called once, when all files are in."""
        self._rows.execute(_GATHER)
        found = self._rows.execute(
            "SELECT place, case_id, part, file, line, cells, fault FROM gathered JOIN known USING (place) ORDER BY place, number"
        )
        for _, rows in groupby(found, key=itemgetter(0)):
            yield [_stored(row[1:]) for row in islice(rows, LARGEST_CASE + 1)]

    def strays(self) -> Iterator[StoredRow]:
        """The rows that name no case, or none that there is, in the order they came."""
        found = self._rows.execute(
            "SELECT case_id, part, file, line, cells, fault FROM waiting"
            " WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.case_id = waiting.case_id) ORDER BY number"
        )
        return map(_stored, found)


def _stored(row: tuple[Any, ...]) -> StoredRow:
    case_id, part, file, line, cells, fault = row
    return StoredRow(
        case_id, part, file, line, json.loads(cells), None if fault is None else Message.from_json(json.loads(fault))
    )
