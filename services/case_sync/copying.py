"""Rows into the run's own tables, and known hashes out of the database: COPY, because it is several times as fast as any statement."""

from pathlib import Path
from typing import Any, Final, cast

import psycopg
from sqlalchemy.orm import Session

from connectors.cases.rows import (
    CASE_COLUMNS,
    DECISION_COLUMNS,
    ITEM_COLUMNS,
    SAME_COLUMNS,
    RowBatch,
    Rows,
    write_known,
)
from core.faults import fault_point

#: Bytes.
_WORTH_A_COPY: Final = 2 * 1024 * 1024
#: Rows in: a source. Rows out: the beginnings of the hashes of its cases, eight bytes each, in order.
_KNOWN: Final = """
    COPY (SELECT substring(record_hash FOR 8) FROM client_case WHERE source = %(source)s AND gone_at IS NULL ORDER BY 1)
    TO STDOUT (FORMAT binary)
"""
_COPY: Final = {
    "cases": f"COPY staged_case ({', '.join(CASE_COLUMNS)}) FROM STDIN",
    "decisions": f"COPY staged_decision ({', '.join(DECISION_COLUMNS)}) FROM STDIN",
    "items": f"COPY staged_item ({', '.join(ITEM_COLUMNS)}) FROM STDIN",
    "same": f"COPY staged_same ({', '.join(SAME_COLUMNS)}) FROM STDIN",
}


class Copier:
    """Takes rows, and copies them when there is enough: beginning and ending a COPY costs as much time as some hundred rows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._texts: dict[str, list[bytes]] = {table: [] for table in _COPY}
        self._size = 0

    @property
    def enough(self) -> bool:
        """Whether there is enough for it to pay."""
        return self._size > _WORTH_A_COPY

    def take(self, rows: RowBatch | Rows) -> None:
        """Lines for each of the tables: as a connector wrote them, or one by one."""
        for table, texts in self._texts.items():
            lines: bytes | list[str] = getattr(rows, table)
            if lines:
                texts.append(lines if isinstance(lines, bytes) else "".join(lines).encode())
                self._size += len(texts[-1])

    def copy(self) -> None:
        """Copy what was taken."""
        for table, texts in self._texts.items():
            if texts:
                with connection_of(self._session).cursor() as cursor, cursor.copy(_COPY[table]) as copying:
                    copying.write(b"".join(texts))
                texts.clear()
        self._size = 0
        fault_point("sync.copied")


def copy_known(session: Session, source: str, path: Path) -> None:
    """The first eight bytes of the hash of every case the source has, into a file (connectors/cases/rows.write_known)."""
    with (
        path.open("wb") as file,
        connection_of(session).cursor() as cursor,
        cursor.copy(_KNOWN, {"source": source}) as copying,
    ):
        copying.set_types(["bytea"])
        write_known((row[0] for row in copying.rows()), file)


def connection_of(session: Session) -> "psycopg.Connection[Any]":
    """Psycopg's own connection, in the session's transaction."""
    connection = session.connection().connection.driver_connection
    if connection is None:  # pragma: no cover - SQLAlchemy's type allows it, a live connection has one
        raise RuntimeError("no connection")
    return cast("psycopg.Connection[Any]", connection)
