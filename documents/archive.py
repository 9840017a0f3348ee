"""The archive door: compressed files as streams that cannot grow beyond what was agreed.

A kilobyte can unpack to a gigabyte. So a zip's directory is judged before anything is read (number, names, sizes, ratio), and
what is then unpacked is counted again, because a directory can lie. Nothing is ever unpacked to disk.
"""

import errno
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from core.errors import RefusedInput
from core.i18n import N_
from core.natural import in_order

MEBIBYTE: Final = 1024 * 1024
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP_MAGIC: Final = b"\x1f\x8b"
#: First bytes of what may not stand inside an archive: zip (and so XLSX, ODS), gzip, 7-Zip, RAR, xz, bzip2, Zstandard.
_NESTED_MAGIC: Final = (
    *_ZIP_MAGIC,
    _GZIP_MAGIC,
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\xfd7zXZ\x00",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
)
_LONGEST_MAGIC: Final = 6
#: Bytes of a directory for each file: 46, its name, times and a comment; and what any directory may have.
_DIRECTORY_ENTRY: Final = 1024
_SHORTEST_DIRECTORY: Final = 128 * 1024
_DAMAGED: Final = N_("The archive is damaged or was cut short.")


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may unpack to: bytes in all, number of members, and unpacked bytes per packed byte.

    The ratio is judged from `ratio_floor` unpacked bytes on; a short file of equal lines may well shrink to a thousandth.
    """

    unpacked: int = 1024 * MEBIBYTE
    members: int = 1000
    ratio: int = 100
    ratio_floor: int = MEBIBYTE


@dataclass(frozen=True)
class Member:
    """One file of an archive: its name (never a path out of the archive) and its bytes, readable until the next one is asked for."""

    name: str
    file: BinaryIO


DEFAULT_LIMITS: Final = ArchiveLimits()


def members(file: BinaryIO, name: str, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> Iterator[Member]:
    """The files in a seekable `file`: a zip's members in name order, a gzip's one member, or the file itself if it is neither.

    The content decides, not the name. Raises RefusedInput where the archive breaks a rule, possibly only when a member is
    read to its end (wrong checksum, cut short, larger than its directory says): apply nothing before that.
    """
    beginning = file.read(4)
    file.seek(0)
    if beginning.startswith(_ZIP_MAGIC):
        yield from _zip_members(file, limits)
    elif beginning.startswith(_GZIP_MAGIC):
        yield Member(name.removesuffix(".gz"), _not_nested(_gzip_stream(file, name, limits), name))
    else:
        yield Member(name, file)


def check_directory(file: BinaryIO, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> list[str]:
    """Judge a zip's directory without unpacking anything; the member names. For workbooks, whose reader unpacks by itself.

    Raises RefusedInput if `file` is no zip or its directory breaks a rule.
    """
    with _open_zip(file, limits) as archive:
        return [info.filename for info in _checked(archive, file, limits)]


@contextmanager
def _faults_of_the_archive() -> Iterator[None]:
    """What zipfile and gzip raise for bytes they cannot unpack, as a refusal: that is the sender's matter. A disk that fails is ours, and
    passes: such an OSError has a number of its own, while theirs have none, or EINVAL for a place no file has.
    """
    try:
        yield
    # Not our own: zipfile raises it for a dialect that it lacks (several disks, patches, strong encryption).
    except NotImplementedError as error:
        raise RefusedInput("The archive is packed by a method that is not read here; use ordinary zip.") from error
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error) as error:
        # zipfile says in words of its own what it met at the end of a file; RuntimeError: a password that only a member's own header asks for
        for fault in (error, error.__context__):
            if isinstance(fault, OSError) and fault.errno not in {None, errno.EINVAL}:
                raise fault from None
        raise RefusedInput(_DAMAGED) from error


def _open_zip(file: BinaryIO, limits: ArchiveLimits) -> zipfile.ZipFile:
    with _faults_of_the_archive():
        return zipfile.ZipFile(cast("BinaryIO", _ShortDirectory(file, limits)))


def _checked(archive: zipfile.ZipFile, file: BinaryIO, limits: ArchiveLimits) -> list[zipfile.ZipInfo]:
    """The archive's files, directories left out, in name order; raises RefusedInput at the first broken rule."""
    entries = archive.infolist()
    if len(entries) > limits.members:
        raise RefusedInput(
            "The archive holds {count} files; at most {limit} are accepted.", count=len(entries), limit=limits.members
        )
    files = sorted((entry for entry in entries if not entry.is_dir()), key=lambda entry: in_order(entry.filename))
    for before, entry in zip([None, *files], files, strict=False):
        _check_entry(entry, limits)
        if before is not None and before.filename == entry.filename:
            raise RefusedInput("The archive holds the file {name} twice.", name=_shown(entry.filename))
    unpacked = sum(entry.file_size for entry in files)
    if unpacked > limits.unpacked:
        raise RefusedInput(
            "The archive unpacks to {size} bytes; at most {limit} are accepted.", size=unpacked, limit=limits.unpacked
        )
    if sum(entry.compress_size for entry in files) > file.seek(0, io.SEEK_END):
        raise RefusedInput("The archive's files overlap each other.")
    return files


def _shown(name: str) -> str:
    """A name as it goes on from here: into sentences, rows and terminals, which obey what cannot be printed."""
    return "".join(sign for sign in name if sign.isprintable())


def _check_entry(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    name = _shown(entry.filename)
    # orig_filename: zipfile itself cuts a name at a NUL and turns backslashes round on Windows only.
    parts = entry.orig_filename.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0] or "\0" in entry.orig_filename:
        raise RefusedInput("The archive holds a file whose name leads out of it: {name}", name=name)
    if entry.flag_bits & _ENCRYPTED:
        raise RefusedInput("The archive is protected by a password. Send it without one.")
    if entry.compress_type not in _METHODS:
        raise RefusedInput(
            "The file {name} in the archive is packed by a method that is not read here; use ordinary zip.", name=name
        )
    if entry.file_size > limits.ratio_floor and entry.file_size > entry.compress_size * limits.ratio:
        raise _too_dense(name, limits)


def _too_dense(name: str, limits: ArchiveLimits) -> RefusedInput:
    return RefusedInput(
        "The file {name} unpacks to more than {ratio} times its packed size; that is refused as an attack.",
        name=name,
        ratio=limits.ratio,
    )


def _zip_members(file: BinaryIO, limits: ArchiveLimits) -> Iterator[Member]:
    with _open_zip(file, limits) as archive:
        for entry in _checked(archive, file, limits):
            with _faults_of_the_archive():
                opened = cast("BinaryIO", archive.open(entry))
            name = _shown(entry.filename)
            with _BoundedReader(opened, name, entry.file_size, exact=True) as counted:
                yield Member(name, _not_nested(counted, name))


def _gzip_stream(file: BinaryIO, name: str, limits: ArchiveLimits) -> "_BoundedReader":
    packed = file.seek(0, io.SEEK_END)
    file.seek(0)
    dense = max(limits.ratio_floor, packed * limits.ratio)
    bound = min(limits.unpacked, dense)
    return _BoundedReader(cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")), name, bound)


def _not_nested(file: "_BoundedReader", name: str) -> BinaryIO:
    """Refuse an archive in an archive by its first bytes, whatever it is called."""
    reader = io.BufferedReader(file, 64 * 1024)
    if reader.peek(_LONGEST_MAGIC).startswith(_NESTED_MAGIC):
        raise RefusedInput("The archive holds another archive ({name}); send the files themselves.", name=name)
    return cast("BinaryIO", reader)


class _ShortDirectory(io.RawIOBase):
    """A zip whose directory is as long as one of so many files may be.

    zipfile reads a directory at once and makes an object of each entry before anybody can count them: a gigabyte of entries would cost ten.
    Nothing else in a zip is read in such pieces.
    """

    def __init__(self, file: BinaryIO, limits: ArchiveLimits) -> None:
        self._file, self._limits = file, limits

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size > max(_DIRECTORY_ENTRY * self._limits.members, _SHORTEST_DIRECTORY):
            raise RefusedInput(
                "The archive's list of its files is {size} bytes long; that is refused as an attack.", size=size
            )
        return self._file.read(size)


class _BoundedReader(io.RawIOBase):
    """At most `bound` bytes of an unpacking file, or precisely as many; its errors become sentences."""

    def __init__(self, source: BinaryIO, name: str, bound: int, *, exact: bool = False) -> None:
        self._source, self._name, self._bound, self._exact, self._read = source, name, bound, exact, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _faults_of_the_archive():
            part = self._source.read(len(buffer))
        self._read += len(part)
        if self._exact and not part and self._read < self._bound:
            raise RefusedInput(_DAMAGED)
        if self._read > self._bound:
            raise RefusedInput(
                "The file {name} unpacks to more than the accepted {limit} bytes.", name=self._name, limit=self._bound
            )
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._source.close()
        super().close()
