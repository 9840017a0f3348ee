"""From files to the run's own tables: parsed, validated, hashed and copied in batches, with constant memory."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import psycopg
from sqlalchemy.orm import Session

from connectors.cases.base import CaseConnector, Found, IdentityMode, RowReader
from connectors.cases.record import CaseRecord, FoundGone, FoundRecord
from connectors.cases.rows import (
    CASE_COLUMNS,
    DECISION_COLUMNS,
    ITEM_COLUMNS,
    SAME_COLUMNS,
    RowBatch,
    Rows,
    SlowWayNeededError,
    write_known,
)
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.faults import fault_point
from core.identity import RecordHasher, Sealer
from services.case_sync.comparing import MISTAKEN
from services.rejected import reject

_BATCH: Final = 2_000
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


@dataclass(frozen=True)
class Protection:
    """The installation's secrets, as far as records need them. Without a `sealer` identity is dropped by the connector."""

    hasher: RecordHasher
    sealer: Sealer | None

    @property
    def identity(self) -> IdentityMode:
        """What connectors do with identity."""
        return "none" if self.sealer is None else "sealed"


def stage(
    session: Session,
    run_id: int,
    source: str,
    files: Sequence[SourceFile],
    *,
    connector: CaseConnector,
    protection: Protection,
    check: Callable[[int], None] = lambda _read: None,
) -> int:
    """Stage the records of all files, in order; what is invalid becomes RejectedRecords. Returns how many were read.

    `check` is called after each batch with how many were read so far, and raises where there is no point in going on (LeaseLost).
    Raises RefusedFile when a file is malformed, cut short or an attack: roll back to where you were before the call.
    """
    ranks = {id(file): rank for rank, file in enumerate(files)}
    position = read = 0
    for batch in _batches(connector.read(files, identity=protection.identity)):
        rows = Rows()
        for file, found in batch:
            position += 1
            add(rows, position, ranks.get(id(file), 0), found, source, protection)
        copy(session, rows)
        for file, together in groupby(batch, key=itemgetter(0)):
            bad = [one for _, one in together if isinstance(one, Rejection)]
            reject(session, run_id, source, file.name, file.sha256, bad)
        read += sum(not isinstance(found, FoundGone) for _, found in batch)
        check(read)
    fault_point("sync.parsed")
    return read


def stage_rows(
    session: Session,
    run_id: int,
    source: str,
    files: Sequence[SourceFile],
    *,
    connector: RowReader,
    protection: Protection,
    check: Callable[[int], None] = lambda _read: None,
) -> int:
    """As `stage`, by rows that the connector writes itself; records whose hash is known are not even read.

    Raises SlowWayNeededError as well: roll back, then use `stage`.
    """
    ranks = {id(file): rank for rank, file in enumerate(files)}
    read = 0
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known"
        _write_known(session, source, known)
        waiting = _Waiting(session)
        for file, batch in connector.read_rows(files, key=protection.hasher.key_for(connector.version), known=known):
            waiting.add(batch)
            rows, bad = Rows(), []
            for doubt in batch.doubts:
                found = connector.read_doubt(doubt)
                if isinstance(found, Rejection):
                    bad.append(found)
                elif found is not None:
                    add(rows, doubt.position, ranks[id(file)], found, source, protection, doubt.record_hash)
            copy(session, rows)
            reject(session, run_id, source, file.name, file.sha256, bad)
            read += batch.records
            if waiting.enough:
                waiting.copy()
                check(read)
        waiting.copy()
        check(read)
    if session.execute(MISTAKEN, {"source": source}).scalar_one():
        raise SlowWayNeededError
    fault_point("sync.parsed")
    return read


class _Waiting:
    """Rows on their way: a COPY costs as much time to begin and end as some hundred rows take."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._texts: dict[str, list[bytes]] = {table: [] for table in _COPY}
        self._size = 0

    @property
    def enough(self) -> bool:
        """Whether there is enough for it to pay."""
        return self._size > _WORTH_A_COPY

    def add(self, batch: RowBatch) -> None:
        """The lines of a piece."""
        for table, texts in self._texts.items():
            if content := getattr(batch, table):
                texts.append(content)
                self._size += len(content)

    def copy(self) -> None:
        """Copy what waits."""
        for table, texts in self._texts.items():
            if texts:
                copy_text(self._session, table, b"".join(texts))
                texts.clear()
        self._size = 0


def _write_known(session: Session, source: str, path: Path) -> None:
    """The first eight bytes of the hash of every case the source has."""
    with (
        path.open("wb") as file,
        _connection(session).cursor() as cursor,
        cursor.copy(_KNOWN, {"source": source}) as copying,
    ):
        copying.set_types(["bytea"])
        write_known((row[0] for row in copying.rows()), file)


def add(  # noqa: PLR0917 - where it stands, in order
    rows: Rows,
    position: int,
    file: int,
    found: Found,
    source: str,
    protection: Protection,
    record_hash: bytes | None = None,
) -> None:
    """Add what was found to the rows; rejections have none. Without a `record_hash` the record itself is hashed."""
    if isinstance(found, FoundGone):
        rows.add_gone(position, file, found.position, found.external_id)
    elif isinstance(found, FoundRecord):
        record = found.record
        digest = record_hash or protection.hasher.digest(record.model_dump())
        rows.add(position, file, found.position, digest, record, *_sealed(record, source, protection.sealer))


def copy(session: Session, rows: Rows) -> None:
    """Rows in: lines of each table. COPY, because it is several times as fast as any INSERT."""
    for table, lines in vars(rows).items():
        if lines:
            copy_text(session, table, "".join(lines).encode())


def copy_text(session: Session, table: str, content: bytes) -> None:
    """Copy whole lines into one of the tables: cases, decisions, items, same."""
    with _connection(session).cursor() as cursor, cursor.copy(_COPY[table]) as copying:
        copying.write(content)


def _connection(session: Session) -> "psycopg.Connection[Any]":
    connection = session.connection().connection.driver_connection
    if connection is None:  # pragma: no cover - SQLAlchemy's type allows it, a live connection has one
        raise RuntimeError("no connection")
    return cast("psycopg.Connection[Any]", connection)


def client_row(source: str, external_id: str) -> str:
    """How the row of a client is named where its identity is sealed: ids of the database are not known yet then."""
    return f"{quote(source, safe='')}/{quote(external_id, safe='')}"


def _batches(items: Iterator[tuple[SourceFile, Found]]) -> Iterator[list[tuple[SourceFile, Found]]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _sealed(record: CaseRecord, source: str, sealer: Sealer | None) -> tuple[bytes | None, bytes | None]:
    """What is kept of who the client is: the sealed identity and the blind index."""
    identity = record.client.identity
    if sealer is None or identity is None:
        return None, None
    row = client_row(source, record.client.external_id)
    blob = sealer.seal(identity.model_dump(exclude_none=True), table="client", row=row, column="sealed_identity")
    return blob, None if identity.henkilotunnus is None else sealer.blind_index(identity.henkilotunnus)
