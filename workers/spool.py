"""The spool: copies of fetched files between the task that fetches and the one that reads, for cases and prices alike.

Its files may hold personal data, so nothing stays longer than it is needed: a copy goes when its reading has ended for good. What a
killed process left goes when the source is fetched from again; what nobody came back for after its last attempt, after a week.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from connectors.transports.base import SourceFile
from core.errors import AvainError, LeaseLost, Transient
from services.sources import Source, copies_to_read
from workers.task import Lease

_LIFE_SECONDS: Final = 7 * 24 * 3600.0


def empty_spool(lease: Lease, session: Session, source: Source) -> Path:
    """The directory of this fetch alone, emptied of what an earlier attempt left. Those of earlier fetches of the source are removed
    unless they are still to be read (nobody else fetches or reads it meanwhile: we hold its lane), and forgotten ones of any source.
    """
    root = _root(lease)
    own = root / source.name / str(lease.claimed.work_id)
    wanted = {path.parent for path in copies_to_read(session, source)}
    for found in root.glob("*/*"):
        of_ended_fetch = found.parent == own.parent and found.name.isdecimal() and found not in wanted
        if found == own or of_ended_fetch or found.stat().st_mtime < time.time() - _LIFE_SECONDS:
            shutil.rmtree(found, ignore_errors=True)
    return own


def own_folder(lease: Lease, source: str) -> Path:
    """Where this Work may put what it makes for other Work: beside it, with its name before theirs."""
    return _root(lease) / source / str(lease.claimed.work_id)


def keep_only(lease: Lease, spool: Path, files: Sequence[SourceFile]) -> None:
    """Remove from the spool what was fetched and will not be read."""
    kept = {file.path for file in files}
    if not kept:
        shutil.rmtree(spool, ignore_errors=True)
    for found in spool.glob("*"):
        if found not in kept and _root(lease) in found.parents:
            found.unlink(missing_ok=True)


@contextmanager
def reading(lease: Lease, files: Sequence[SourceFile]) -> Iterator[None]:
    """Read `files` inside the block: they are removed at its end, unless another attempt will want them.

    That is so after a passing error, a lost lease, or an error of ours; done, refused and failed for good are the end.
    """
    try:
        yield
    except (Transient, LeaseLost):
        raise
    except AvainError:
        _remove(lease, files)
        raise
    _remove(lease, files)


def _remove(lease: Lease, files: Sequence[SourceFile]) -> None:
    """Only what lies in the spool: the paths come from a row, and nothing else may ever be deleted by one."""
    root = _root(lease).resolve()
    for directory in {file.path.parent.resolve() for file in files}:  # `..` or a link in a row must not lead out
        if root in directory.parents:
            shutil.rmtree(directory, ignore_errors=True)


def _root(lease: Lease) -> Path:
    return lease.settings.home.absolute() / "spool"
