"""Reading XML the fast way and the slow one, in a form in which they can be compared."""

import io
from collections.abc import Iterator
from pathlib import Path

from connectors.cases.contract import fetched
from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.rows import RowBatch, Rows
from connectors.cases.xml.client import XmlCases
from connectors.rejection import Rejection

KEY = b"k" * 64


def fast(connector: XmlCases, *contents: bytes, known: Path | None = None) -> list[RowBatch]:
    """What the fast way hands out of files with these contents."""
    with fetched({f"{rank}.xml": content for rank, content in enumerate(contents)}) as files:
        return [batch for _, batch in connector.read_rows(files, key=KEY, known=known)]


def rows_of(connector: XmlCases, batches: list[RowBatch]) -> tuple[list[str], list[Rejection]]:
    """All lines without positions and hashes, what was doubtful read the slow way; and the rejections."""
    rows, bad = Rows(), []
    for batch in batches:
        for table in ("cases", "decisions", "items"):
            getattr(rows, table).extend(getattr(batch, table).decode().splitlines(keepends=True))
        for doubt in batch.doubts:
            found = connector.read_doubt(doubt)
            if isinstance(found, FoundRecord):
                rows.add(doubt.position, 0, found.position, doubt.record_hash, found.record)
            elif isinstance(found, FoundGone):
                rows.add_gone(doubt.position, 0, found.position, found.external_id)
            elif found is not None:
                bad.append(found)
    return sorted(_bare(rows)), bad


def slow_rows(connector: XmlCases, content: bytes) -> tuple[list[str], list[Rejection]]:
    """What the slow way makes of a document, in the same form as `rows_of`."""
    rows, bad = Rows(), []
    for position, found in enumerate(connector.read_file(io.BytesIO(content), identity="none")):
        if isinstance(found, FoundRecord):
            rows.add(position, 0, found.position, b"", found.record)
        elif isinstance(found, FoundGone):
            rows.add_gone(position, 0, found.position, found.external_id)
        else:
            bad.append(found)
    return sorted(_bare(rows)), bad


def _bare(rows: Rows) -> Iterator[str]:
    """Lines without positions and hashes; parts with the id of their case instead."""
    ids = {}
    for line in rows.cases:
        cells = line.rstrip("\n").split("\t")
        ids[cells[0]] = cells[4]
        yield "\t".join([*cells[1:5], *cells[6:]])
    for line in rows.decisions + rows.items:
        position, _, rest = line.partition("\t")
        yield f"{ids[position]}\t{rest}"


def same(connector: XmlCases, content: bytes) -> list[RowBatch]:
    """Read the content both ways, which must say the same; what the fast one handed out."""
    batches = fast(connector, content)
    assert rows_of(connector, batches) == slow_rows(connector, content)
    return batches
