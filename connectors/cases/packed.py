"""gz and zip files of cases, unpacked in the spool before anything is read.

So a connector meets plain files only, and may read them in pieces or twice. What an archive may grow to is bounded by the archive
door (documents/archive.py) while it is written. A workbook is a zip too, but a file in itself: it stays as it is.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from connectors.cases.base import RefusedFile, opened
from connectors.transports.base import SourceFile
from connectors.transports.spooling import CHUNK, plain_name, spool_path
from core.errors import RefusedInput, Transient
from core.reasons import os_reason
from documents.archive import DEFAULT_LIMITS, ArchiveLimits, check_directory, members

_ZIP: Final = b"PK"
_GZIP: Final = b"\x1f\x8b"
#: What only a workbook holds at its root (XLSX, ODS).
_WORKBOOK: Final = frozenset({"[Content_Types].xml", "mimetype"})


def unpacked(files: Sequence[SourceFile], *, limits: ArchiveLimits = DEFAULT_LIMITS) -> list[SourceFile]:
    """The files with each archive replaced by what is in it, in name order, beside it in the spool.

    A member is called `archive.zip/member.xml`, so that a position says where to look; its sha256 is the archive's, which is what was
    fetched, and its size that of the unpacked bytes. Raises RefusedFile for an archive that is damaged, empty or an attack,
    InputError when a fetched copy is gone, Transient when the disk does not take it.
    """
    plain: list[SourceFile] = []
    for file in files:
        with opened(file) as content:
            if _is_archive(content):
                plain += _unpack(file, content, limits)
            else:
                plain.append(file)
    return plain


def _is_archive(content: BinaryIO) -> bool:
    beginning = content.read(len(_GZIP))
    content.seek(0)
    if beginning != _ZIP:
        return beginning == _GZIP
    try:
        return not _WORKBOOK & set(check_directory(content))
    except RefusedInput:
        return True  # whatever is wrong with it is said when it is unpacked
    finally:
        content.seek(0)


def _unpack(file: SourceFile, content: BinaryIO, limits: ArchiveLimits) -> list[SourceFile]:
    made: list[SourceFile] = []
    for number, member in enumerate(members(content, file.name, limits=limits), start=1):
        name = file.name if member.name == file.name else f"{file.name}/{member.name}"
        target = spool_path(file.path.parent, file.sha256, f"{number}-{plain_name(member.name)}")
        made.append(SourceFile(target, name, file.sha256, _write(member.file, target, name)))
    if not made:
        raise RefusedFile(file.name, RefusedInput("The archive holds no files.").message)
    return made


def _write(member: BinaryIO, target: Path, name: str) -> int:
    """The bytes written. A repeat writes the same again; its owner alone may read it, as the archive."""
    size = 0
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as copy:
            while chunk := member.read(CHUNK):
                size += copy.write(chunk)
    except OSError as error:
        raise Transient("The file {name} cannot be unpacked: {detail}", name=name, detail=os_reason(error)) from error
    return size
