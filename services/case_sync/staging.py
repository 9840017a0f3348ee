"""From files to the run's own tables: parsed, validated, hashed and copied in batches, with constant memory."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from connectors.cases.base import CaseConnector, Found, IdentityMode, RowReader
from connectors.cases.record import CaseRecord, FoundGone, FoundRecord
from connectors.cases.rows import RowBatch, Rows, SlowWayNeededError
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.faults import fault_point
from core.identity import RecordHasher, Sealer, client_row
from services.case_sync import tables
from services.case_sync.comparing import MISTAKEN
from services.case_sync.copying import Copier, copy_known
from services.rejected import reject

_BATCH: Final = 2_000


@dataclass(frozen=True)
class Protection:
    """The installation's secrets, as far as records need them. Without a `sealer` identity is dropped by the connector."""

    hasher: RecordHasher
    sealer: Sealer | None

    @property
    def identity(self) -> IdentityMode:
        """What connectors do with identity."""
        return "none" if self.sealer is None else "sealed"


@dataclass(frozen=True)
class Staging:
    """The files of a run on their way into its own tables. What is invalid becomes RejectedRecords.

    `check` is called after each batch with how many records were read so far, and raises where there is no point in going on (LeaseLost).
    """

    session: Session
    run_id: int
    source: str
    files: Sequence[SourceFile]
    protection: Protection
    check: Callable[[int], None]

    def stage(self, connector: CaseConnector) -> int:
        """Fill the run's tables, the fast way where there is one; how many records were read.

        A way that fails leaves nothing behind. Raises RefusedFile when a file is malformed, cut short or an attack.
        """
        if isinstance(connector, RowReader) and connector.can_read_rows(self.protection.identity):
            try:
                with self.session.begin_nested():
                    tables.create(self.session)
                    return self._rows(connector)
            except SlowWayNeededError:
                pass
        with self.session.begin_nested():
            tables.create(self.session)
            return self._records(connector)

    def _records(self, connector: CaseConnector) -> int:
        """Record by record, in the files' order."""
        copier = Copier(self.session)
        position = read = 0
        for batch in _batches(connector.read(self.files, identity=self.protection.identity)):
            rows = Rows()
            for file, found in batch:
                position += 1
                self._add(rows, position, file, found)
            copier.take(rows)
            copier.copy()
            for file, together in groupby(batch, key=itemgetter(0)):
                self._reject(file, [one for _, one in together if isinstance(one, Rejection)])
            read += sum(not isinstance(found, FoundGone) for _, found in batch)
            self.check(read)
        fault_point("sync.parsed")
        return read

    def _rows(self, connector: RowReader) -> int:
        """By rows that the connector writes itself; records whose hash is known are not even read. Raises SlowWayNeededError."""
        copier = Copier(self.session)
        key = self.protection.hasher.key_for(connector.version)
        read = 0
        # in the spool, which is emptied whatever becomes of us
        with tempfile.TemporaryDirectory(dir=self.files[0].path.parent) as folder:
            known = Path(folder) / "known"
            copy_known(self.session, self.source, known)
            for file, batch in connector.read_rows(self.files, key=key, known=known):
                copier.take(batch)
                copier.take(self._doubtful(connector, file, batch))
                read += batch.records
                if copier.enough:
                    copier.copy()
                    self.check(read)
            copier.copy()
            self.check(read)
        if self.session.execute(MISTAKEN, {"source": self.source}).scalar_one():
            raise SlowWayNeededError
        fault_point("sync.parsed")
        return read

    def _doubtful(self, connector: RowReader, file: SourceFile, batch: RowBatch) -> Rows:
        """Rows of what the fast way was not sure of; what is wrong is rejected."""
        rows, bad = Rows(), []
        for doubt in batch.doubts:
            found = connector.read_doubt(doubt)
            if isinstance(found, Rejection):
                bad.append(found)
            elif found is not None:
                self._add(rows, doubt.position, file, found, doubt.record_hash)
        self._reject(file, bad)
        return rows

    def _add(self, rows: Rows, position: int, file: SourceFile, found: Found, record_hash: bytes | None = None) -> None:
        """Add what was found to the rows; rejections have none. Without a `record_hash` the record itself is hashed."""
        rank = self._ranks[id(file)]
        if isinstance(found, FoundGone):
            rows.add_gone(position, rank, found.position, found.external_id)
        elif isinstance(found, FoundRecord):
            record = found.record
            digest = record_hash or self.protection.hasher.digest(record.model_dump())
            sealed = _sealed(record, self.source, self.protection.sealer)
            rows.add(position, rank, found.position, digest, record, *sealed)

    @cached_property
    def _ranks(self) -> dict[int, int]:
        return {id(file): rank for rank, file in enumerate(self.files)}

    def _reject(self, file: SourceFile, bad: Sequence[Rejection]) -> None:
        reject(self.session, self.run_id, self.source, file.name, file.sha256, bad)


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
