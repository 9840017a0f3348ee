"""From files to `case_staging`: parsed, validated, hashed and copied in batches, with constant memory."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.orm import Session

from connectors.cases.base import CaseConnector, Found, IdentityMode
from connectors.cases.record import CaseRecord, FoundRecord
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.faults import fault_point
from core.identity import RecordHasher, Sealer
from services.rejected import reject

_BATCH: Final = 2_000
_COPY: Final = (
    "COPY case_staging (run_id, position, external_id, file_name, file_sha256, place, record_hash, record) FROM STDIN"
)


def stage(
    session: Session,
    run_id: int,
    source: str,
    files: Sequence[SourceFile],
    *,
    connector: CaseConnector,
    hasher: RecordHasher,
    sealer: Sealer | None,
    check: Callable[[], None] = lambda: None,
    progress: Callable[[int], None] = lambda _read: None,
) -> int:
    """Stage the records of all files, in order, under `run_id`; what is invalid becomes RejectedRecords. Returns how many were read.

    Without a `sealer`, identity is dropped by the connector. `check` is called before each batch and raises where there is no
    point in going on (LeaseLost), `progress` is told how many were read. Raises RefusedFile when one is malformed, cut short or an attack: roll back to where you were
    before the call.
    """
    rank = 0
    read = 0
    identity: IdentityMode = "none" if sealer is None else "sealed"
    for batch in _batches(connector.read(files, identity=identity)):
        check()
        read += len(batch)
        progress(read)
        good = [(file, one) for file, one in batch if isinstance(one, FoundRecord)]
        rows = [
            (
                run_id,
                rank + number,
                one.record.external_id,
                file.name,
                file.sha256,
                one.position,
                hasher.digest(one.record.model_dump()),
                _staged_form(one.record, source, sealer),
            )
            for number, (file, one) in enumerate(good, start=1)
        ]
        rank += len(rows)
        _copy(session, rows)
        for file, found in groupby(batch, key=itemgetter(0)):
            bad = [one for _, one in found if isinstance(one, Rejection)]
            reject(session, run_id, source, file.name, file.sha256, bad)
    fault_point("sync.parsed")
    return read


def client_row(source: str, external_id: str) -> str:
    """How the row of a client is named where its identity is sealed: ids of the database are not known yet then."""
    return f"{quote(source, safe='')}/{quote(external_id, safe='')}"


def _batches(items: Iterator[tuple[SourceFile, Found]]) -> Iterator[list[tuple[SourceFile, Found]]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _staged_form(record: CaseRecord, source: str, sealer: Sealer | None) -> str:
    """The record as JSON; identity only as what was sealed of it."""
    data: dict[str, Any] = record.model_dump(mode="json", exclude_none=True, exclude={"client": {"identity"}})
    identity = record.client.identity
    if sealer is not None and identity is not None:
        row = client_row(source, record.client.external_id)
        blob = sealer.seal(identity.model_dump(exclude_none=True), table="client", row=row, column="sealed_identity")
        data["client"]["sealed"] = base64.b64encode(blob).decode()
        if identity.henkilotunnus is not None:
            data["client"]["blind"] = base64.b64encode(sealer.blind_index(identity.henkilotunnus)).decode()
    return json.dumps(data, ensure_ascii=False)


def _copy(session: Session, rows: list[tuple[Any, ...]]) -> None:
    """Rows in: one per valid record. COPY, because it is several times as fast as any INSERT."""
    connection = session.connection().connection.driver_connection
    if connection is None:  # pragma: no cover - SQLAlchemy's type allows it, a live connection has one
        raise RuntimeError("no connection")
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)
