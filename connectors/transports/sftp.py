"""Files by SFTP: one path, or a pattern for several. Copied while they are hashed; one that is still being written is left.

The server's clock is not ours, so whether a file has settled is seen by looking twice. What was applied before is known by size and
time of change and not carried over the network again.
"""

import asyncio
import posixpath
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, cast

import asyncssh
import structlog

from connectors.addresses import Resolver, resolve
from connectors.transports.base import Fetched, SourceFile, Visit
from connectors.transports.putting_away import free_names
from connectors.transports.sftp_session import LOST, MISSING, in_session, missing_is, version_of
from connectors.transports.spooling import CHUNK, incoming, plain_name, too_large
from core.errors import Message, NotFound, Permanent
from core.natural import in_order
from core.transport_settings import SftpFiles as Settings

#: A file that stays as it is for this long (seconds) is complete.
SETTLED_AFTER: Final = 2.0
LOOK_SECONDS: Final = 10.0
PUT_AWAY_SECONDS: Final = 270.0
_PATTERN: Final = frozenset("*?[")
_FILES: Final = (asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_UNKNOWN)

log = structlog.get_logger()
#: A file's path at the server, and size and times that say whether it changed.
Found = dict[str, list[int]]


class SftpFiles:
    """The transport for `kind = "sftp"`."""

    def __init__(
        self, configured: Settings, *, resolver: Resolver = resolve, settled_after: float = SETTLED_AFTER
    ) -> None:
        self._configured, self._resolver, self._settled_after = configured, resolver, settled_after

    def fetch(self, visit: Visit) -> Fetched:
        """See Transport.fetch."""

        async def act(sftp: asyncssh.SFTPClient) -> Fetched:
            return await self._fetch(sftp, visit)

        return in_session(self._configured, act, seconds=visit.seconds, resolver=self._resolver)

    def look(self) -> list[str]:
        """See Transport.look."""

        async def act(sftp: asyncssh.SFTPClient) -> list[str]:
            return [plain_name(path) for path in await self._found(sftp)]

        return in_session(self._configured, act, seconds=LOOK_SECONDS, resolver=self._resolver)

    def put_away(self, applied: Mapping[str, str]) -> None:
        """See Transport.put_away. Each file is read once more before it is moved: it may have been replaced by a newer one."""
        move_to = self._configured.move_to
        if move_to is None or not applied:
            return

        async def act(sftp: asyncssh.SFTPClient) -> None:
            for path, version in (await self._found(sftp)).items():
                name = plain_name(path)
                if name in applied:
                    unchanged = await self._sha256(sftp, path) == applied[name]
                    if unchanged and version_of(await sftp.stat(path)) == version:
                        await self._move(sftp, path, posixpath.join(posixpath.dirname(path), move_to), version)
                    else:
                        log.info("newer_file_left")  # by its Run it is found; a name may be somebody's

        in_session(self._configured, act, seconds=PUT_AWAY_SECONDS, resolver=self._resolver)

    async def _fetch(self, sftp: asyncssh.SFTPClient, visit: Visit) -> Fetched:
        place = f"{self._configured.host}:{self._configured.port}"
        known = visit.memory.get("files", {}) if visit.memory.get("place") == place else {}
        files: list[SourceFile] = []
        growing: list[str] = []
        processed: list[str] = []
        memory: dict[str, Any] = {}
        new: Found = {}
        for path, version in (await self._found(sftp)).items():
            before = known.get(_mark(path))
            if before is not None and before["version"] == version and before["sha256"] in visit.processed:
                processed.append(plain_name(path))
                memory[_mark(path)] = before
            else:
                new[path] = version
        if new:
            await asyncio.sleep(self._settled_after)
        for path, version in new.items():
            visit.pace.before_request()
            copy = await self._copy(sftp, path, version, visit)
            if copy is None:
                growing.append(plain_name(path))
                continue
            memory[_mark(path)] = {"version": version, "sha256": copy.sha256}
            if copy.sha256 in visit.processed:
                copy.path.unlink(missing_ok=True)
                processed.append(copy.name)
            else:
                files.append(copy)
        return Fetched(tuple(files), tuple(growing), tuple(processed), {"place": place, "files": memory})

    async def _found(self, sftp: asyncssh.SFTPClient) -> Found:
        """What is there, in name order. Raises NotFound for a path, or a pattern's folder, that is not there."""
        path = self._configured.path
        if not _PATTERN & set(path):
            message = Message("The file {path} does not exist at {host}.", path=path, host=self._configured.host)
            with missing_is(message):
                attributes = await sftp.stat(path)
            if attributes.type not in _FILES:
                raise NotFound("{path} at {host} is not an ordinary file.", path=path, host=self._configured.host)
            return {path: version_of(attributes)}
        found = {}
        for match in await self._matches(sftp):
            attributes = await sftp.stat(match)
            if attributes.type in _FILES:
                found[match] = version_of(attributes)
        return dict(sorted(found.items(), key=lambda one: (in_order(plain_name(one[0])), one[0])))

    async def _matches(self, sftp: asyncssh.SFTPClient) -> list[str]:
        """Paths that match, without hidden ones (an upload's temporary name) and those put away."""
        pattern = self._configured.path
        try:
            matches = [str(match) for match in await sftp.glob(pattern)]
        except MISSING:
            await self._check_folder(sftp, pattern)
            return []
        hidden_too = _is_hidden(pattern)
        return [path for path in matches if (hidden_too or not _is_hidden(path)) and not self._is_put_away(path)]

    async def _check_folder(self, sftp: asyncssh.SFTPClient, pattern: str) -> None:
        """A folder that is not there or may not be listed looks empty to a pattern; say what it is."""
        parts = pattern.split("/")
        fixed = parts[: next(index for index, part in enumerate(parts) if _PATTERN & set(part))]
        folder = "/".join(fixed) or ("/" if pattern.startswith("/") else ".")
        with missing_is(
            Message("The folder {path} does not exist at {host}.", path=folder, host=self._configured.host)
        ):
            async for _ in sftp.scandir(folder):
                return

    def _is_put_away(self, path: str) -> bool:
        move_to = self._configured.move_to
        if move_to is None:
            return False
        folder, kept = posixpath.dirname(path).split("/"), move_to.rstrip("/").split("/")
        return folder == kept if move_to.startswith("/") else folder[-len(kept) :] == kept

    async def _copy(self, sftp: asyncssh.SFTPClient, path: str, version: list[int], visit: Visit) -> SourceFile | None:
        """The spooled copy, or None for a file that changes while it is looked at or read."""
        name, limit = plain_name(path), self._configured.max_bytes
        if version_of(await sftp.stat(path)) != version:
            return None
        if version[0] > limit:
            raise too_large(name, limit)
        with incoming(visit.spool, name, limit=limit) as copy:
            async with sftp.open(path, "rb") as file:
                while chunk := cast("bytes", await file.read(CHUNK)):
                    copy.write(chunk)
            return copy.finish() if version_of(await sftp.stat(path)) == version else None

    async def _sha256(self, sftp: asyncssh.SFTPClient, path: str) -> str:
        digest = sha256()
        async with sftp.open(path, "rb") as file:
            while chunk := cast("bytes", await file.read(CHUNK)):
                digest.update(chunk)
        return digest.hexdigest()

    async def _move(self, sftp: asyncssh.SFTPClient, path: str, folder: str, version: list[int]) -> None:
        """Rename at the server. A plain rename of SFTP never replaces a file; a name that is taken is passed over beforehand."""
        try:
            if not await sftp.isdir(folder):
                await sftp.mkdir(folder)
            for name in free_names(posixpath.basename(path), version[1]):
                target = posixpath.join(folder, name)
                if not await sftp.exists(target):
                    await sftp.rename(path, target)
                    return
        except LOST:
            raise
        except asyncssh.SFTPError as error:
            raise Permanent(
                "The file {name} was applied but cannot be moved to {folder} at {host}. See whether the folder is there and this "
                "user may write to it.",
                name=plain_name(path),
                folder=folder,
                host=self._configured.host,
            ) from error


def _mark(path: str) -> str:
    """A path in the memory: short, and whatever bytes the server calls its files by."""
    return sha256(path.encode(errors="surrogateescape")).hexdigest()[:24]


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in path.split("/"))
