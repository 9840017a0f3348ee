"""Reading an export of tables: which files belong together, their rows case by case, and the records they make."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import BinaryIO

from connectors.cases.base import Found, IdentityMode, RefusedFile, opened
from connectors.cases.profile import Profile, TableShape
from connectors.cases.table.mapping import CaseRows, Part, parts_of
from connectors.cases.table.store import RowStore
from connectors.cases.table.wire import Row, read_table
from connectors.transports.base import SourceFile
from core.errors import Message

#: Reads the rows of a file: its bytes, and the columns that are wanted. Raises RefusedInput.
ReadRows = Callable[[BinaryIO, Sequence[str]], Iterator[Row]]


class RowCases:
    """A connector of what comes in rows. `patterns` name the files of each group; a group without one stands beside the cases.

    A record's position is the number of its row.
    """

    def __init__(self, profile: Profile, read_rows: ReadRows, patterns: Mapping[str, str | None]) -> None:
        self.version = f"{profile.kind}-1-{profile.version}"
        self._profile, self._read_rows, self._patterns = profile, read_rows, patterns
        #: What a header may name: the columns of each kind of file.
        self.headers = tuple(part.columns for part in parts_of(profile, patterns))

    def read(self, files: Sequence[SourceFile], *, identity: IdentityMode) -> Iterator[tuple[SourceFile, Found]]:
        """See CaseConnector.read."""
        profile = self._profile if identity == "sealed" else self._profile.without_identity()
        parts = parts_of(profile, self._patterns)
        rows = CaseRows(profile, parts)
        for export in _exports(files, parts):
            yield from self._read_export(export, parts, rows)

    def _read_export(
        self, export: Sequence[SourceFile], parts: Sequence[Part], rows: CaseRows
    ) -> Iterator[tuple[SourceFile, Found]]:
        with RowStore(export[0].path.parent) as store:
            for number, (file, part) in enumerate(zip(export, parts, strict=True)):
                with opened(file) as content:
                    found = self._read_rows(content, part.columns)
                    store.add(found, part=number, file=number, key=0, makes_cases=part.makes_cases)
            for of_case in store.cases():
                for file_number, one in rows.read(of_case):
                    yield export[file_number], one
            for row in store.strays():
                file_number, rejection = rows.stray(row)
                yield export[file_number], rejection


class TableCases(RowCases):
    """The connector of kind `table`."""

    def __init__(self, profile: Profile) -> None:
        shape = profile.table or TableShape()
        groups = {"cases": profile.cases, "decisions": profile.decisions, "plan_items": profile.plan_items}
        patterns = {name: group.file for name, group in groups.items() if group is not None}
        super().__init__(profile, lambda file, wanted: read_table(file, shape, wanted), patterns)


def _exports(files: Sequence[SourceFile], parts: Sequence[Part]) -> Iterator[list[SourceFile]]:
    """The files that belong together, one for each part: the first of each, the second of each, in the order of their names.

    Raises RefusedFile where a file is of no part or of two, or one is missing: half an export would look as if things had ended.
    """
    of_part: list[list[SourceFile]] = [[] for _ in parts]
    for file in files:
        fits = [place for place, part in enumerate(parts) if _fits(file.name, part.pattern)]
        if len(fits) != 1:
            patterns = ", ".join(part.pattern or "*" for part in parts)
            raise RefusedFile(
                file.name,
                Message("The name fits none of the profile's patterns of files ({patterns}).", patterns=patterns)
                if not fits
                else Message(
                    "The name fits several of the profile's patterns of files ({patterns}).", patterns=patterns
                ),
            )
        of_part[fits[0]].append(file)
    most = max(map(len, of_part))
    for part, found in zip(parts, of_part, strict=True):
        if len(found) < most:
            reason = Message(
                "An export needs a file of each kind: there are {found} of {pattern}, and {most} of another kind.",
                found=len(found),
                pattern=part.pattern or "*",
                most=most,
            )
            raise RefusedFile(next(one for one in of_part if len(one) == most)[-1].name, reason)
    yield from map(list, zip(*of_part, strict=True))


def _fits(name: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(name.casefold(), pattern.casefold())
