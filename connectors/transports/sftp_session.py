"""A session with an SFTP server whose key is known beforehand.

Who answers is decided by the pinned key alone: no known_hosts file, no agent, no configuration of the account Avain runs under takes
part. The address is judged before anything connects. What goes wrong becomes one of the kinds of `core.errors`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

import asyncssh

from connectors.addresses import Resolver, checked_addresses
from core.errors import ConfigurationError, Message, NotFound, Permanent, Transient
from core.reasons import os_reason
from core.transport_settings import SftpServer as Settings

_CONNECT_SECONDS: Final = 10.0
_LOGIN_SECONDS: Final = 20.0
MISSING: Final = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
LOST: Final = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
#: No matter of chance: the two have no method in common, or the server is no SSH server.
_NO_UNDERSTANDING: Final = (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported, asyncssh.ServiceNotAvailable)

#: So many names are taken in one visit, and so many folders within each other.
MOST_NAMES: Final = 50_000
MOST_FOLDERS: Final = 50
_MOST_NAME_BYTES: Final = 16 * 1024 * 1024

Result = TypeVar("Result")


class _Client(asyncssh.SSHClient):
    """Asked only about a key that is not the pinned one: remembers it, so that a person can compare, and refuses it."""

    offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        self.offered = key
        return False


def in_session(
    configured: Settings,
    act: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, Result]],
    *,
    seconds: float,
    resolver: Resolver,
) -> Result:
    """What `act` returns, done in one session that is over after at most `seconds`.

    Raises Transient (network, time), Permanent (another host key, a login that is not accepted, no permission), NotFound (a path),
    ConfigurationError (keys that cannot be read), and what `act` raises.
    """
    host = configured.host
    pinned, own = _pinned_key(configured), _own_key(configured)
    with _named_errors(host):
        try:
            addresses = checked_addresses(host, configured.port, resolver, allow_private=configured.allow_private)
        except OSError as error:
            raise Transient("The name of the server {host} is not known.", host=host) from error

        async def visit() -> Result:
            async with asyncio.timeout(seconds), _session(configured, addresses, pinned, own) as (connection, sftp):
                return await _unless_cut(connection, act(sftp))

        return asyncio.run(visit())


async def _unless_cut(connection: asyncssh.SSHClientConnection, acting: Coroutine[Any, Any, Result]) -> Result:
    """What `acting` returns. When its time is over, or this process must end, the connection goes first: what is open at the other side
    would else be closed in order, which is waiting for a server that may be silent.
    """
    task = asyncio.ensure_future(acting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        connection.abort()
        while not task.done():  # each file that is open is closed in order, and each of these has to be told
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains that nobody did
        raise


class _Bounded:
    """The folders of a server, of which one visit is told so much: names without end, or folders in folders, would cost us all memory."""

    def __init__(self, sftp: asyncssh.SFTPClient, host: str) -> None:
        self._scandir, self._host = sftp.scandir, host
        self._names = self._bytes = 0

    async def scandir(self, path: str | bytes = ".") -> AsyncIterator[asyncssh.SFTPName]:
        """As the client's. Raises Permanent beyond the bounds."""
        if len(path.split(b"/" if isinstance(path, bytes) else "/")) > MOST_FOLDERS:  # type: ignore[arg-type]
            raise Permanent("{host} has folders in folders, deeper than {limit}.", host=self._host, limit=MOST_FOLDERS)
        async for entry in self._scandir(path):
            self._names += 1
            self._bytes += len(entry.filename) + len(entry.longname or "")
            if self._names > MOST_NAMES or self._bytes > _MOST_NAME_BYTES:
                raise Permanent(
                    "{host} tells of more than {limit} files. Move those that were read into another folder: after = move.",
                    host=self._host,
                    limit=MOST_NAMES,
                )
            yield entry


@asynccontextmanager
async def _session(
    configured: Settings, addresses: list[str], pinned: asyncssh.SSHKey, own: asyncssh.SSHKey | None
) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]]:
    connection = await _connected(configured, addresses, pinned, own)
    try:
        async with connection.start_sftp_client(path_errors="surrogateescape") as sftp:
            # also for `glob`, which asks the client itself
            sftp.scandir = _Bounded(sftp, configured.host).scandir  # type: ignore[method-assign, assignment]
            yield connection, sftp
    finally:
        connection.close()
        await connection.wait_closed()


async def _connected(
    configured: Settings, addresses: list[str], pinned: asyncssh.SSHKey, own: asyncssh.SSHKey | None
) -> asyncssh.SSHClientConnection:
    """A connection to the first address that answers."""
    for address in addresses[:-1]:
        try:
            return await _connect(configured, address, pinned, own)
        except OSError:
            continue
    return await _connect(configured, addresses[-1], pinned, own)


async def _connect(
    configured: Settings, address: str, pinned: asyncssh.SSHKey, own: asyncssh.SSHKey | None
) -> asyncssh.SSHClientConnection:
    client = _Client()
    try:
        return await asyncssh.connect(
            address,
            configured.port,
            client_factory=lambda: client,
            config=None,
            agent_path=None,
            known_hosts=([pinned], [], []),
            server_host_key_algs=_algorithms(pinned),
            username=configured.username,
            client_keys=[own] if own is not None else None,
            password=configured.password.get_secret_value() if configured.password is not None else None,
            preferred_auth=["publickey"] if own is not None else ["password", "keyboard-interactive"],
            gss_host=None,
            connect_timeout=_CONNECT_SECONDS,
            login_timeout=_LOGIN_SECONDS,
        )
    except asyncssh.HostKeyNotVerifiable as error:
        raise Permanent(
            "{host} shows another key ({offered}) than the one Avain is set up with ({pinned}). Ask its owner whether the "
            "key was changed; if it was, correct host_key. Nothing was sent.",
            host=configured.host,
            offered=client.offered.get_fingerprint() if client.offered is not None else "–",
            pinned=pinned.get_fingerprint(),
        ) from error


def _algorithms(pinned: asyncssh.SSHKey) -> list[str]:
    """The pinned key's kind first: a server with several keys then shows the one we know, and one without it shows what it has."""
    own = [name.decode("ascii") for name in pinned.sig_algorithms]
    others = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]
    others += ["rsa-sha2-512", "rsa-sha2-256"]
    return [*own, *(name for name in others if name not in own)]


def _pinned_key(configured: Settings) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(configured.host_key)
    except asyncssh.KeyImportError as error:
        raise ConfigurationError(
            "The host_key of the SFTP server {host} is not a public key.", host=configured.host
        ) from error


def _own_key(configured: Settings) -> asyncssh.SSHKey | None:
    if configured.private_key is None:
        return None
    name = str(configured.private_key)
    passphrase = configured.passphrase.get_secret_value() if configured.passphrase is not None else None
    try:
        return asyncssh.read_private_key(name, passphrase)
    except OSError as error:
        raise ConfigurationError(
            "The private key {path} cannot be read: {detail}", path=name, detail=os_reason(error)
        ) from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigurationError(
            "The private key {path} cannot be opened: it is no key, or its passphrase is missing or wrong.", path=name
        ) from error


@contextmanager
def _named_errors(host: str) -> Iterator[None]:
    """What SSH and the network do to us, in words; errors of ours pass."""
    try:
        yield
    except TimeoutError as error:
        raise Transient("{host} did not answer in time.", host=host) from error
    except asyncssh.PermissionDenied as error:
        raise Permanent("{host} does not accept the user name with this key or password.", host=host) from error
    except _NO_UNDERSTANDING as error:
        raise Permanent("{host} and Avain have no way of secure connection in common.", host=host) from error
    except asyncssh.ChannelOpenError as error:
        raise Transient("{host} did not open SFTP for this user.", host=host) from error
    except MISSING as error:
        raise Transient("A file at {host} was taken away while it was being read.", host=host) from error
    except asyncssh.SFTPPermissionDenied as error:
        raise Permanent("{host} does not permit it: see what this user may do in its folders.", host=host) from error
    except (asyncssh.DisconnectError, *LOST) as error:
        raise Transient("The connection to {host} failed.", host=host) from error
    except asyncssh.SFTPError as error:
        raise Transient("The SFTP server {host} reports an error ({code}).", host=host, code=error.code) from error
    except OSError as error:
        raise Transient("The connection to {host} failed: {detail}", host=host, detail=os_reason(error)) from error


@contextmanager
def missing_is(error: Message) -> Iterator[None]:
    """What is not there is what the source is set up to, not a file under our hands: NotFound with `error`."""
    try:
        yield
    except MISSING as cause:
        raise NotFound(error) from cause


def version_of(attributes: Any) -> list[int]:
    """What tells whether a file is still the same: size and time of change, with the fraction of a second where it is given."""
    return [int(value or 0) for value in (attributes.size, attributes.mtime, attributes.mtime_ns)]
