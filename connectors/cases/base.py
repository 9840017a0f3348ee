"""What a case connector is.

A connector turns the files of a source into canonical records and rejections, in the source's order. It returns values, never table
rows, and knows nothing of what is in the database. Which there are: connectors/cases/registry.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from connectors.cases.record import FoundGone, FoundRecord
from connectors.cases.rows import Doubt, RowBatch
from connectors.rejection import Rejection
from connectors.transports.base import SourceFile
from core.errors import InputError, Message, RefusedInput

IdentityMode = Literal["none", "sealed"]
#: What a connector finds: a valid record, a record left out, or word that a case is there no more (deltas only).
Found = FoundRecord | FoundGone | Rejection


class RefusedFile(RefusedInput):
    """A file of the run that must not be applied; `file` is its name, the sentence says why."""

    def __init__(self, file: str, message: Message) -> None:
        self.file = file
        super().__init__(message)


@runtime_checkable
class CaseConnector(Protocol):
    """Reads the cases of one source, as it is set up."""

    #: Changes when the same bytes would be read another way: records read under another version are compared anew.
    version: str

    def read(self, files: Sequence[SourceFile], *, identity: IdentityMode) -> Iterator[tuple[SourceFile, Found]]:
        """What the files hold, each with the file it stands in, in the files' order, with constant memory.

        With `identity="none"` the fields of `CaseRecord.client.identity` are dropped before anything looks at them. Raises
        RefusedFile for a file that is malformed, cut short or an attack, possibly only at its end: apply nothing before that.
        """
        ...


class FileConnector(ABC):
    """A connector that reads one file after the other, each by itself."""

    version = "1"

    @abstractmethod
    def read_file(self, file: BinaryIO, *, identity: IdentityMode) -> Iterator[Found]:
        """What one file holds. Raises RefusedInput for one that is malformed, cut short or an attack."""

    def read(self, files: Sequence[SourceFile], *, identity: IdentityMode) -> Iterator[tuple[SourceFile, Found]]:
        """See CaseConnector.read."""
        for file in files:
            with opened(file) as content:
                for found in self.read_file(content, identity=identity):
                    yield file, found


class opened:  # noqa: N801 - used as a function, in `with`
    """A fetched file, open; what is wrong with it is raised as RefusedFile with its name. Raises InputError when the copy is gone."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file

    def __enter__(self) -> BinaryIO:
        try:
            self._content: BinaryIO = self._file.path.open("rb")
        except FileNotFoundError:
            raise InputError(
                "The fetched copy of {file} is gone. Run the source again.", file=self._file.name
            ) from None
        return self._content

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._content.close()
        if isinstance(error, RefusedInput) and not isinstance(error, RefusedFile):
            raise RefusedFile(self._file.name, error.message) from error


@runtime_checkable
class RowReader(CaseConnector, Protocol):
    """A connector that can also write rows itself, close to the speed of its parser, without a record in between."""

    def can_read_rows(self, identity: IdentityMode) -> bool:
        """Whether it can for this source."""
        ...

    def read_rows(
        self, files: Sequence[SourceFile], *, key: bytes, known: Path | None
    ) -> Iterator[tuple[SourceFile, RowBatch]]:
        """The rows of all files, in order. `key` is that of the hashes, `known` a file of hashes that need no reading.

        Raises SlowWayNeededError when the files must be read by `read` after all, possibly only at their end; RefusedFile for an attack.
        """
        ...

    def read_doubt(self, doubt: Doubt) -> Found | None:
        """What `read` would find in a record that `read_rows` was not sure of."""
        ...
