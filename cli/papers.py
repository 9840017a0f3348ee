"""Papers about people as files: their owner's alone, and never in place of something else without being asked."""

from pathlib import Path

from core.errors import InputError
from core.reasons import os_reason


def is_there(target: Path, content: bytes, *, force: bool) -> bool:
    """Whether this very paper is there already. Raises InputError when something else is and may not be replaced, or nothing can be put there."""
    try:
        if target.exists() and not target.is_file():
            raise InputError("{path} is no file that could be written to.", path=str(target))
        if target.exists() and target.read_bytes() == content:
            return True
        if target.exists() and not force:
            raise InputError(
                "{path} is there already and holds something else; it was left as it is. Replace it with --force, or name another file.",
                path=str(target),
            )
        if not target.absolute().parent.is_dir():
            raise InputError("There is no folder {path}.", path=str(target.absolute().parent))
    except OSError as error:
        raise _not_written(target, error) from error
    return False


def put(target: Path, content: bytes, *, force: bool) -> None:
    """Write a paper with mode 0600; with `force` in place of what is there. Raises InputError where it cannot be."""
    from core.files import create_privately, put_privately

    try:
        (put_privately if force else create_privately)(target, content)
    except OSError as error:
        raise _not_written(target, error) from error


def _not_written(target: Path, error: OSError) -> InputError:
    return InputError("{file} cannot be written: {reason}", file=str(target), reason=os_reason(error))
