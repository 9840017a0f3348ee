"""Channel `sftp`: the order is put into a folder of the provider's or an operator's server, whole or not at all.

The bytes are written under a hidden name, forced to disk where the server can do that, and renamed. As with files of this machine, the
order number is the name and thereby the key: the same bytes under it are a repeat, other bytes an alarm. A file that was collected and
removed is written again by a repeat; whoever collects recognises it by its name.
"""

import posixpath
from contextlib import suppress
from typing import ClassVar, Final, Self, cast

import asyncssh

from connectors.addresses import Resolver, resolve
from connectors.channels.base import Delivery, Destination, Means, Receipt
from connectors.channels.connecting import connection_of, connection_problem
from connectors.channels.file import folder_problem
from connectors.transports.sftp_session import LOST, MISSING, in_session
from core.channel_settings import Connections, SftpConnection
from core.errors import AlreadyDone, Message, Permanent, Transient, Unclear

#: For one delivery, less than its Work may take.
SECONDS: Final = 60.0
#: Of what a server says in its own words.
_LONGEST_REASON: Final = 200


class SftpChannel:
    """Puts `<order number>.xml` into the connection's folder, or the provider's own inside it."""

    name: ClassVar[str] = "sftp"
    recognises_repeats: ClassVar[bool] = True
    settings: ClassVar[frozenset[str]] = frozenset({"connection", "folder"})

    def __init__(self, connections: Connections, *, resolver: Resolver = resolve) -> None:
        self._connections, self._resolver = connections, resolver

    @classmethod
    def ready(cls, means: Means) -> Self:
        """With the installation's connections."""
        return cls(means.connections)

    @staticmethod
    def problem(destination: Destination, connections: Connections) -> Message | None:
        """The connection must be there, and the provider's folder one plain name."""
        folder = destination.settings.get("folder")
        wrong = folder_problem(str(folder)) if folder else None
        return wrong or connection_problem(destination, connections, SftpConnection)

    def send(self, delivery: Delivery) -> Receipt:
        """Put the file in its place; the reply is its path at the server."""
        connection = connection_of(delivery.destination, self._connections, SftpConnection)
        folder = delivery.destination.settings.get("folder")
        wrong = folder_problem(str(folder)) if folder else None
        if wrong:
            raise Permanent(wrong)
        target = posixpath.normpath(posixpath.join(connection.folder, str(folder or ""), delivery.file_name))
        placing = _Placing(connection.host, target, delivery.document)
        try:
            in_session(connection, placing.act, seconds=SECONDS, resolver=self._resolver)
        except Transient as error:
            if placing.renaming:  # the last word was not heard: the file may have its name already
                raise Unclear(error.message) from error
            raise
        return Receipt(reply=f"{connection.host}: {target}")


class _Placing:
    """One file put in its place; `renaming` once the server was asked to give it its name."""

    def __init__(self, host: str, target: str, content: bytes) -> None:
        self._host, self._target, self._content = host, target, content
        self.renaming = False

    async def act(self, sftp: asyncssh.SFTPClient) -> None:
        folder, name = posixpath.split(self._target)
        beside = posixpath.join(folder, f".{name}.part")
        try:
            await self._must_be_free(sftp)
            await self._write(sftp, beside)
            self.renaming = True
            await self._rename(sftp, beside)
        except LOST:
            raise
        except MISSING as error:
            raise Permanent(
                "The folder {path} does not exist at {host}.", path=folder or ".", host=self._host
            ) from error
        except asyncssh.SFTPPermissionDenied as error:
            raise Permanent(
                "{host} does not permit writing to {path}: see what this user may do there.",
                host=self._host,
                path=folder or ".",
            ) from error
        except asyncssh.SFTPError as error:
            self.renaming = False  # it answered, and that is a no
            with suppress(asyncssh.SFTPError):
                await sftp.remove(beside)
            raise Transient(
                "{host} could not take the file {path}: {error}",
                host=self._host,
                path=self._target,
                error=_readable(error.reason),
            ) from error

    async def _must_be_free(self, sftp: asyncssh.SFTPClient) -> None:
        """Raises AlreadyDone when the same bytes are in the place, Permanent when others are."""
        name = posixpath.basename(self._target)
        try:
            same = await self._is_there(sftp)
        except MISSING:
            return
        if same:
            raise AlreadyDone("The file {name} was there already, with the same content.", name=name)
        raise Permanent("Another file named {name} is there already; it was left as it is.", name=name)

    async def _is_there(self, sftp: asyncssh.SFTPClient) -> bool:
        """Whether the file in the place is this one. In a box that may only be dropped into, its size must do."""
        try:
            async with sftp.open(self._target, "rb") as file:
                return cast("bytes", await file.read(len(self._content) + 1)) == self._content
        except asyncssh.SFTPPermissionDenied:
            return (await sftp.stat(self._target)).size == len(self._content)

    async def _write(self, sftp: asyncssh.SFTPClient, path: str) -> None:
        async with sftp.open(path, "wb") as file:
            await file.write(self._content)
            with suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()

    async def _rename(self, sftp: asyncssh.SFTPClient, path: str) -> None:
        try:
            await sftp.posix_rename(path, self._target)
        except asyncssh.SFTPOpUnsupported:
            await sftp.rename(path, self._target)


def _readable(reason: str) -> str:
    """One line of what the server said, short enough to keep."""
    return "".join(letter if letter.isprintable() else " " for letter in reason)[:_LONGEST_REASON] or "–"
