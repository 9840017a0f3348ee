"""The file between a visit and its reading: newline-delimited JSON, a slim resource a line.

The first line names the form, the visit and the server's address, so that no two visits give the same bytes (equal bytes would pass
for a file that was applied before, though the server may have gone there and back meanwhile). `{"gone": id}` says that an episode
was deleted. The last line counts the others: without it the file was cut.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from uuid import uuid4

from connectors.cases.fhir.wire import Resource
from connectors.transports.base import SourceFile
from core.errors import RefusedInput
from core.faults import fault_point

FORM: Final = "avain-fhir-1"
NAME: Final = "fhir.ndjson"
#: A line is one slim resource; a longer one is something else.
_LONGEST: Final = 4 * 1024 * 1024


class Writing:
    """Writes and hashes in one go; the file gets its name only when it is whole."""

    def __init__(self, spool: Path) -> None:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._spool = spool
        self._digest, self._size = hashlib.sha256(), 0
        self.count = -1  # the first line is none of the content

    def __enter__(self) -> Self:
        self._file = tempfile.NamedTemporaryFile(dir=self._spool, prefix=".part-", delete=False)
        self.write({"form": FORM, "visit": uuid4().hex})
        return self

    def write(self, line: dict[str, Any]) -> None:
        """One line more."""
        # in ASCII: half a character (a lone surrogate, which JSON may spell) is its record's fault, not the visit's
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)
        self.count += 1

    def finish(self) -> SourceFile:
        """End the file and put it in its place."""
        self.write({"end": self.count})
        self._file.close()
        digest = self._digest.hexdigest()
        path = Path(self._file.name).replace(self._spool / f"{digest}-{NAME}")
        fault_point("fetch.copied")
        return SourceFile(path, NAME, digest, self._size)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)


def reading(file: BinaryIO) -> Iterator[Resource]:
    """The lines between the first and the last. Raises RefusedInput for a file of another form, and at its end for one that was cut."""
    number = -1
    while line := file.readline(_LONGEST):
        found = _line(line)
        if number < 0:
            if found.get("form") != FORM:
                raise RefusedInput("The file was not written by Avain's FHIR transport, or by another version of it.")
        elif "end" in found:
            if found["end"] != number or file.read(1):
                raise RefusedInput("The file was changed after it was written.")
            return
        else:
            yield found
        number += 1
    raise RefusedInput("The file was cut short: its last line is missing.")


def _line(line: bytes) -> Resource:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RefusedInput("The file was not written by Avain's FHIR transport, or was cut short.")
    return found
