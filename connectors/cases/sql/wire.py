"""The result of a query as the spool keeps it: JSON lines. First the names of the columns, then the rows as lists of texts, at last their
number: a copy that was cut shows it.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from connectors.cases.table.wire import Row, pick
from connectors.transports.base import SourceFile
from core.errors import RefusedInput
from core.faults import fault_point


def write_result(folder: Path, name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> SourceFile:
    """Write a result into the spool as the file `name`; it gets its name only when it is whole."""
    digest, size, count = hashlib.sha256(), 0, 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as target:
        part = Path(target.name)

        def write(value: Any) -> int:
            line = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
            digest.update(line)
            return target.write(line)

        try:
            size += write({"columns": list(columns)})
            for count, row in enumerate(rows, start=1):  # noqa: B007 - how many there were
                size += write(row)
            size += write({"rows": count})
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    copy = part.replace(folder / f"{digest.hexdigest()}-{name}")
    fault_point("fetch.copied")
    return SourceFile(copy, name, digest.hexdigest(), size)


def read_result(file: BinaryIO, wanted: Sequence[str]) -> Iterator[Row]:
    """The rows of a result with the wanted columns. Raises RefusedInput for what is no whole result."""
    values = _values(file)
    header = next(values, None)
    if not isinstance(header, dict) or not _are_texts(header.get("columns")):
        raise RefusedInput("The copy of the query's result is damaged.")
    places, number = pick(header["columns"], wanted), 0
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            if value == {"rows": number - 1} and next(values, None) is None:
                return
            break
        if len(value) != len(header["columns"]) or not _are_texts(value):
            break
        yield Row(number, [value[place] for place in places])
    raise RefusedInput("The copy of the query's result was cut short or changed after row {row}.", row=number)


def _values(file: BinaryIO) -> Iterator[Any]:
    for number, line in enumerate(file):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RefusedInput(
                "The copy of the query's result was cut short or changed after row {row}.", row=max(number - 1, 0)
            ) from error
        if not isinstance(value, dict | list):
            raise RefusedInput("The copy of the query's result is damaged.")
        yield value


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {str}
