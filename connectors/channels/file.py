"""Channel `file`: the order is put into a directory somebody else collects from, whole or not at all.

The bytes are written beside their place, forced to disk and renamed, so a collector never sees half a file. The order number is
the file's name and thereby the key: the same bytes under that name are a repeat, other bytes an alarm. A file that was
collected and removed is written again by a repeat; whoever collects recognises it by its name.
"""

import errno
import os
import re
import stat
from pathlib import Path
from typing import ClassVar, Self

from connectors.channels.base import Delivery, Destination, Means, Receipt
from core.channel_settings import Connections
from core.errors import AlreadyDone, Message, Permanent, Transient
from core.i18n import N_
from core.reasons import os_reason

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: Trouble that passes or is mended without anybody touching the order.
_PASSING = {
    errno.ENOSPC,
    errno.EROFS,
    errno.EACCES,
    errno.EDQUOT,
    errno.EIO,
    errno.EAGAIN,
    errno.EBUSY,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EMFILE,
    errno.EFBIG,
}


class FileChannel:
    """Writes to `<outbox>/<folder>/<order number>.xml`; the folder is the provider's own, else its business id."""

    name: ClassVar[str] = "file"
    recognises_repeats: ClassVar[bool] = True
    settings: ClassVar[frozenset[str]] = frozenset({"folder"})

    def __init__(self, outbox: Path) -> None:
        self.outbox = outbox

    @classmethod
    def ready(cls, means: Means) -> Self:
        """With the installation's settings."""
        return cls(means.outbox)

    @staticmethod
    def problem(destination: Destination, connections: Connections) -> Message | None:  # noqa: ARG004 - the protocol's shape
        """A folder is one plain name, so that a provider's settings cannot point elsewhere on this machine."""
        return folder_problem(_folder(destination))

    def send(self, delivery: Delivery) -> Receipt:
        """Put the file in its place; the reply is its path below the outbox."""
        refusal = folder_problem(_folder(delivery.destination))
        if refusal:
            raise Permanent(refusal)
        relative = Path(_folder(delivery.destination), delivery.file_name)
        try:
            _place(self.outbox / relative, delivery.document)
        except OSError as error:
            what = Message(
                N_("The order could not be written to {path}: {error}"), path=str(relative), error=os_reason(error)
            )
            raise (Transient if error.errno in _PASSING else Permanent)(what) from error
        return Receipt(reply=str(relative))


def folder_problem(folder: str) -> Message | None:
    """Why a provider's setting is not the name of one folder, or None."""
    if _FOLDER.fullmatch(folder):
        return None
    return Message(
        N_("The folder for orders may hold letters, digits, hyphens and underscores only (channel setting `folder`).")
    )


def _folder(destination: Destination) -> str:
    return str(destination.settings.get("folder") or destination.business_id)


def _holds(target: Path, content: bytes) -> bool:
    """Whether a file is an ordinary one with these bytes. Others write here too: no link is followed, no pipe or device read."""
    found = target.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and target.read_bytes() == content


def _place(target: Path, content: bytes) -> None:
    """Write `content` to `target` atomically. Raises AlreadyDone, Permanent or OSError; leaves nothing half done."""
    if target.exists():
        if _holds(target, content):
            raise AlreadyDone("The file {name} was there already, with the same content.", name=target.name)
        raise Permanent("Another file named {name} is there already; it was left as it is.", name=target.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.part")
    beside.unlink(missing_ok=True)  # of an attempt that was killed
    try:
        with beside.open("xb") as file:  # whoever collects may write here: a link under this name must lead us nowhere
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # else the name itself may not survive a power cut
    finally:
        os.close(directory)
