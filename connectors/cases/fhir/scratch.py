"""What a visit has to remember while it goes on (what came, what is still wanted), on disk, so that memory stays constant."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from connectors.cases.fhir.wire import Key

_TABLES: Final = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE came (search INTEGER, id TEXT, PRIMARY KEY (search, id)) WITHOUT ROWID;
    CREATE TABLE marked (mark TEXT, kind TEXT, id TEXT, number INTEGER PRIMARY KEY, UNIQUE (mark, kind, id));
"""


class Scratch:
    """Sets of keys on disk. A mark is the name of a set: `written`, `wanted`, `affected`, …"""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "visit.sqlite", isolation_level=None)
        self._database.executescript(_TABLES)
        self._searches = 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def tally(self) -> "Tally":
        """A count of what one search brings."""
        self._searches += 1
        return Tally(self._database, self._searches)

    def mark(self, mark: str, key: Key) -> bool:
        """Put a key into a set. False if it was there."""
        cursor = self._database.execute("INSERT OR IGNORE INTO marked (mark, kind, id) VALUES (?, ?, ?)", (mark, *key))
        return cursor.rowcount > 0

    def has(self, mark: str, key: Key) -> bool:
        """Whether a key is in a set."""
        query = "SELECT 1 FROM marked WHERE mark = ? AND kind = ? AND id = ?"
        return self._database.execute(query, (mark, *key)).fetchone() is not None

    def batches(self, mark: str, kind: str, size: int, *, without: tuple[str, ...] = ()) -> Iterator[list[str]]:
        """The ids of a type in a set, and in none of the sets `without`, in the order they came; also those that come meanwhile."""
        excluded = " ".join(
            "AND NOT EXISTS (SELECT 1 FROM marked AS other WHERE other.mark = ? AND other.kind = marked.kind AND other.id = marked.id)"
            for _ in without
        )
        query = f"SELECT number, id FROM marked WHERE mark = ? AND kind = ? AND number > ? {excluded} ORDER BY number LIMIT ?"  # noqa: S608 - only placeholders
        last = 0
        while rows := self._database.execute(query, (mark, kind, last, *without, size)).fetchall():
            last = rows[-1][0]
            yield [id_ for _, id_ in rows]


class Tally:
    """How many different resources a search has brought."""

    def __init__(self, database: sqlite3.Connection, search: int) -> None:
        self._database, self._search = database, search
        self.count = 0

    def add(self, ids: Iterable[str]) -> int:
        """Count these; how many of them are new."""
        before = self._database.total_changes
        self._database.executemany("INSERT OR IGNORE INTO came VALUES (?, ?)", ((self._search, id_) for id_ in ids))
        new = self._database.total_changes - before
        self.count += new
        return new
