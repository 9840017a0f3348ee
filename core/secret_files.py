"""Keys and addresses with passwords from files of their own instead of the environment, which children inherit and `ps e` may show.

`AVAIN_SEAL_KEYS_FILE` and the like name a file; without one, a file called `AVAIN_SEAL_KEYS` in the folder that systemd hands a service its
credentials in ($CREDENTIALS_DIRECTORY) is taken. A file that anybody else on the machine could read or put another in the place of is refused.
"""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.errors import Message
from core.reasons import os_reason
from core.setting_groups import RefusedSettingError

#: More is no key.
_LONGEST: Final = 64 * 1024
_MOST_LINKS: Final = 40
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def read_secret(path: Path) -> str:
    """What a file holds, without the end of its last line.

    Raises RefusedSettingError where it cannot be read, is empty, is not ours (or root's) alone, or lies where somebody else could put another.
    """
    for step in _steps(path):
        _must_be_guarded(path, step)
    return _read(path, forbidden=_OTHERS)


def credential(name: str) -> Path | None:
    """The file in which systemd hands over the credential of this name, if it does."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    found = Path(folder) / name
    return found if found.is_file() else None


def read_credential(path: Path) -> str:
    """The same of a file that systemd guards: it lets the service in by an access list, which looks like rights of a group."""
    return _read(path, forbidden=_OTHERS & ~stat.S_IRGRP)


def _read(path: Path, *, forbidden: int) -> str:
    try:
        # what was looked at on the way must not become another file now; a pipe must not hold us up
        opened = os.open(path.resolve(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, os_reason(error)) from error
    try:
        _must_be_ours_alone(path, os.fstat(opened), forbidden)
        content = os.read(opened, _LONGEST + 1)
    finally:
        os.close(opened)
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(content) > _LONGEST:
        raise _unreadable(path, Message("it is empty, or no text"))
    return text


def _must_be_ours_alone(path: Path, found: os.stat_result, forbidden: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _unreadable(path, Message("it is no file"))
    if found.st_uid not in _ours():
        raise RefusedSettingError(
            Message("{path} belongs to somebody else. Let it belong to the account that runs Avain.", path=str(path))
        )
    if found.st_mode & forbidden:
        raise RefusedSettingError(
            Message("others on this machine can read or change {path}: chmod 600", path=str(path))
        )


def _unreadable(path: Path, reason: Message | str) -> RefusedSettingError:
    return RefusedSettingError(Message("{path} cannot be read: {error}", path=str(path), error=reason))


def _ours() -> set[int]:
    return {0, os.geteuid()}


def _steps(path: Path) -> Iterator[Path]:
    """Every folder and link that is passed on the way to what `path` names, and that itself."""
    ahead, here, links = deque(path.absolute().parts[1:]), Path("/"), 0
    while ahead:
        part = ahead.popleft()
        if part == "..":
            here = here.parent
            continue
        step = here / part
        yield step
        if not step.is_symlink():
            here = step
            continue
        links += 1
        if links > _MOST_LINKS:
            raise _unreadable(path, os_reason(OSError(errno.ELOOP, "")))
        target = step.readlink()
        here = Path("/") if target.is_absolute() else here
        ahead.extendleft(reversed(target.parts[1:] if target.is_absolute() else target.parts))


def _must_be_guarded(path: Path, step: Path) -> None:
    """Nobody else may lead us elsewhere: links are ours, and so are folders, in which nobody else may move what is ours."""
    try:
        found = step.lstat()
    except OSError as error:
        raise _unreadable(path, os_reason(error)) from error
    if not (stat.S_ISLNK(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return  # looked at once it is open
    open_to_others = stat.S_ISDIR(found.st_mode) and found.st_mode & _WRITE and not found.st_mode & stat.S_ISVTX
    if found.st_uid not in _ours() or open_to_others:
        raise RefusedSettingError(
            Message(
                "{path} lies where somebody else could put another in its place ({step}). Put it into a folder of your own.",
                path=str(path), step=str(step),
            )
        )  # fmt: skip
