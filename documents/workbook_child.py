"""The process that reads one workbook from standard input and answers in JSON lines (see workbook.py).

Run as a script with `-I`: it sees installed packages only, neither Avain nor its environment. Nothing it writes is executed
or unpickled by the parent.
"""

import json
import os
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

_STANDARD_OUTPUT = 1
_MANIFEST = "META-INF/manifest.xml"


class _Beyond(Exception):  # noqa: N818 - it is an answer, not a fault
    """The workbook is larger than agreed; carries the answer."""

    def __init__(self, **answer: Any) -> None:
        super().__init__(answer["error"])
        self.answer = answer


def _confine(limits: dict[str, int]) -> None:
    """Memory, processor seconds, size of the answer, no core file. All are lowered only."""
    for kind, limit in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, limits["seconds"]),
        (resource.RLIMIT_FSIZE, limits["answer"]),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


#: What JSON has no form for → its name in the answer, and its form there.
_WRITTEN: dict[type, tuple[str, Callable[[Any], str | float]]] = {
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", timedelta.total_seconds),
}
#: Cells in one line of the answer: many rows at once cost a third of one at a time.
_BATCH_CELLS = 1024


def _batches(sheet: Any) -> Iterator[dict[str, Any]]:
    """`{"rows": [[…], …], "kinds": [[name, column, [row, …]], …]}`: cells that JSON has no form for are named by their places."""
    # iter_rows gives the empty rows before the data but not the columns; to_python(skip_empty_area=False) gives both but can panic.
    left = [None] * (sheet.start or (0, 0))[1]
    rows: list[list[Any]] = []
    places: dict[tuple[str, int], list[int]] = {}
    for cells in sheet.iter_rows():
        row = left + ([None if cell == "" else cell for cell in cells] if "" in cells else cells)
        if not _WRITTEN.keys().isdisjoint(map(type, row)):
            for column, cell in enumerate(row):
                if (kind := _WRITTEN.get(type(cell))) is not None:
                    row[column] = kind[1](cell)
                    places.setdefault((kind[0], column), []).append(len(rows))
        rows.append(row)
        if len(rows) * len(row) >= _BATCH_CELLS:
            yield {"rows": rows, "kinds": [[*key, at] for key, at in places.items()]}
            rows, places = [], {}
    if rows:
        yield {"rows": rows, "kinds": [[*key, at] for key, at in places.items()]}


def _is_encrypted_ods() -> bool:
    """ODF 1.2 part 3, 4.8: the manifest says so. The reader only says that it cannot tell what the file is."""
    if not zipfile.is_zipfile(sys.stdin.buffer):
        return False
    with zipfile.ZipFile(sys.stdin.buffer) as package:
        encrypted = _MANIFEST in package.namelist() and b":encryption-data" in package.read(_MANIFEST)
    sys.stdin.buffer.seek(0)
    return encrypted


def _answer(limits: dict[str, int], output: BinaryIO) -> None:
    # Imported under the limits, so that they hold for all the reader does.
    from python_calamine import CalamineWorkbook, SheetTypeEnum  # noqa: PLC0415

    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

    def write(value: Any) -> None:
        output.write(encode(value).encode("utf-8", "surrogatepass") + b"\n")

    if _is_encrypted_ods():
        raise _Beyond(error="password")
    workbook = CalamineWorkbook.from_filelike(sys.stdin.buffer)
    names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    if len(names) > limits["sheets"]:
        raise _Beyond(error="sheets", found=len(names), limit=limits["sheets"])
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        for kind, last in zip(("rows", "columns"), sheet.end or (-1, -1), strict=True):
            found = last + 1
            if found > limits[kind]:
                raise _Beyond(error=kind, sheet=name, found=found, limit=limits[kind])
        write({"sheet": name})
        for batch in _batches(sheet):
            write(batch)
    write({"end": True})
    output.flush()


def _explain(error: BaseException) -> dict[str, Any]:
    if isinstance(error, _Beyond):
        return error.answer
    if isinstance(error, MemoryError):
        return {"error": "memory"}
    if type(error).__name__ == "PasswordError":
        return {"error": "password"}
    if "detect file format" in str(error):
        return {"error": "unreadable"}
    return {"error": "damaged", "detail": str(error)[:200] or type(error).__name__}


def main() -> int:
    """Read, answer, and answer a failure of whatever kind as well."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    _confine(limits)
    output = os.fdopen(_STANDARD_OUTPUT, "wb", buffering=1024 * 1024, closefd=False)
    try:
        _answer(limits, output)
    except BaseException as error:  # noqa: BLE001 - a panic of the Rust part is a BaseException
        # EFBIG: the answer reached RLIMIT_FSIZE; what is in the buffer must not be tried again when the process ends.
        failure = {"error": "answer"} if isinstance(error, OSError) else _explain(error)
        os.ftruncate(_STANDARD_OUTPUT, 0)
        os.lseek(_STANDARD_OUTPUT, 0, os.SEEK_SET)
        os.write(_STANDARD_OUTPUT, json.dumps(failure).encode() + b"\n")
        os._exit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
