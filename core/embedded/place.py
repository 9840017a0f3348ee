"""Where the embedded services live: data, sockets, and the lock that lets one command at a time start or stop them.

    <home>/embedded/                  lock, postgres/ (0700), valkey/ (0700)
    /tmp/avain-<uid>-<hash of home>/  the unix sockets (0700): a socket's path may hold 107 bytes at most, a home can be longer

PostgreSQL trusts whoever reaches its socket, so the socket directory must be ours and closed to everybody else; the user's
number in its name keeps two people on one machine apart. Root gives the data to an unprivileged account. When that account
cannot enter the home (a checkout in /root) nobody's permissions are loosened: the data goes to a directory of our own under
/var/lib, and a text file in the home says so.
"""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.embedded.process import GLANCE, Account
from core.errors import ConfigurationError, Transient
from core.reasons import os_reason

#: Where root puts data that its unprivileged account cannot reach at home, in order of preference.
ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - what is found there must be root's own, see _roots_own
_POINTER = "embedded-data.txt"
_LOCK_PATIENCE = 120.0
#: PostgreSQL's tools put paths between double quotes into a shell line, unescaped.
_UNQUOTABLE = frozenset('"$`\\\n\r')


@dataclass(frozen=True)
class Place:
    """What belongs to one home: the directory `base` that holds the data, the sockets' directory, and the account."""

    home: Path
    base: Path
    sockets: Path
    account: Account

    @property
    def postgres(self) -> Path:
        """PostgreSQL's directory: `data`, `server.log`."""
        return self.base / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's directory: settings, pid, log."""
        return self.base / "valkey"

    def guards_sockets(self) -> bool:
        """Whether the sockets' directory is ours alone. If not, somebody else may be listening in our server's name."""
        try:
            return is_private(self.sockets.lstat(), self.account)
        except OSError:
            return False


def find(home: Path) -> Place | None:
    """The place of `home` as an earlier start left it, or None. Creates nothing."""
    home = home.resolve()
    for base in _bases(home):
        if _exists(base / "postgres"):
            return _place(home, base, _account(base))
    return None


def prepare(home: Path) -> Place:
    """The place of `home`, created as far as it is missing. Call it under `locked`. Raises ConfigurationError."""
    home = home.resolve()
    known = find(home)
    if known is None:
        account = _account(home / "embedded")
        known = _place(home, _choose_base(home, account), account)
    elif known.account.switch and not known.account.reaches(known.base):
        raise ConfigurationError(
            "The account {account} can no longer reach the data of the embedded services in {path}: let it enter the directory again",
            account=known.account.name,
            path=str(known.base),
        )
    _refuse_unquotable(known.base)
    for directory in (known.postgres, known.valkey, known.sockets):
        private_directory(directory, known.account)
    return known


def remove(place: Place) -> None:
    """Delete data, sockets, pointer and lock of a place whose services are stopped."""
    for directory in (place.sockets, place.base, place.home / "embedded"):
        shutil.rmtree(directory, ignore_errors=True)
    (place.home / _POINTER).unlink(missing_ok=True)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock: whoever starts or stops services does it alone. The kernel frees it when its holder dies."""
    directory = home.resolve() / "embedded"
    try:
        descriptor = _take(directory)
    except OSError as error:
        raise _unusable(directory, error) from error
    try:
        yield
    finally:
        os.close(descriptor)


def private_directory(path: Path, account: Account) -> None:
    """Make `path` a directory only `account` may enter, or refuse it: a link, somebody else's, or open to others.

    As root the directory is made first and given away then; one that is still root's was left by a start that was killed.
    """
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if account.switch and stat.S_ISDIR(found.st_mode) and found.st_uid == 0:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
            found = path.lstat()
    except FileExistsError:
        found = path.lstat()
    except OSError as error:
        raise _unusable(path, error) from error
    if not is_private(found, account):
        raise ConfigurationError(
            "{path} is not a directory that only {account} can enter: somebody else made it, it is a link or it is open "
            "to others. Find out who did, and remove it",
            path=str(path),
            account=account.name,
        )


def is_private(found: os.stat_result, account: Account) -> bool:
    """Whether an `lstat` result is a directory of `account`'s that nobody else may enter."""
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and not found.st_mode & 0o077


def write_for(account: Account, file: Path, text: str) -> None:
    """Write `text` to `file` in a directory of `account`'s, to be read by it. Whole or not at all.

    Written aside and renamed: a link that the account put in the file's place is replaced, not followed by root.
    """
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=file.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as new:
        new.write(text)
        if account.switch:
            os.fchown(descriptor, account.uid, account.gid)
    Path(name).replace(file)


def _bases(home: Path) -> tuple[Path, ...]:
    at_home = home / "embedded"
    if os.geteuid() != 0:
        return (at_home,)
    return (at_home, *(parent / f"avain-embedded-{_digest(home)}" for parent in ELSEWHERE))


def _digest(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:12]


def _account(base: Path) -> Account:
    """Who runs the servers. Root goes on as whoever owns the data already: the checkout may be an ordinary user's."""
    if os.geteuid() != 0:
        return Account.own()
    for path in (base / "postgres", base):
        if _exists(path) and path.lstat().st_uid != 0:
            return Account.unprivileged(path.lstat().st_uid)
    return Account.unprivileged()


def _place(home: Path, base: Path, account: Account) -> Place:
    # Not TMPDIR, which differs between the sessions of one user: every command must find the same sockets.
    temporary = Path("/tmp")  # noqa: S108 - what is found there is checked by private_directory
    if not os.access(temporary, os.W_OK | os.X_OK):
        temporary = Path(tempfile.gettempdir())
    return Place(home, base, temporary / f"avain-{account.uid}-{_digest(home)}", account)


def _choose_base(home: Path, account: Account) -> Path:
    at_home, *elsewhere = _bases(home)
    if not account.switch or account.reaches(at_home):
        return at_home
    for base in elsewhere:
        try:
            base.mkdir(mode=0o711)
        except FileExistsError:
            pass
        except OSError:
            continue
        if not _roots_own(base.lstat()):
            continue
        base.chmod(0o711)  # the umask may have taken away what the account needs to pass through
        if account.reaches(base):
            _write_pointer(home, base, account)
            return base
    raise ConfigurationError(
        "The account {account} cannot enter {home}, and neither {places} could be used instead: run Avain as an ordinary user",
        account=account.name,
        home=str(home),
        places=", ".join(str(base) for base in elsewhere),
    )


def _roots_own(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022


def _write_pointer(home: Path, base: Path, account: Account) -> None:
    (home / _POINTER).write_text(
        f"The data of Avain's embedded PostgreSQL and Valkey is in {base}:\n"
        f"Avain was started as root, and the account {account.name}, which runs the servers, cannot enter this directory.\n",
        "utf-8",
    )


def _refuse_unquotable(path: Path) -> None:
    if _UNQUOTABLE.intersection(str(path)):
        raise ConfigurationError(
            "PostgreSQL's tools cannot work in {path}: a directory's name must not hold quotation marks, dollar signs, backquotes or backslashes",
            path=str(path),
        )


def _make_embedded(directory: Path) -> None:
    if directory.is_dir():
        return
    directory.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        directory.chmod(0o700)
        return
    # The account must pass through to its own directories; the home above keeps the mode it has.
    directory.chmod(0o711)
    owner = directory.parent.stat().st_uid
    if Account.exists(owner):  # root at work in an ordinary user's checkout leaves it usable for them
        os.chown(directory, owner, -1)


def _take(directory: Path) -> int:
    """An open descriptor holding the lock; never inherited by what we start. Raises Transient after two minutes."""
    path = directory / "lock"
    until = time.monotonic() + _LOCK_PATIENCE
    while True:
        _make_embedded(directory)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.geteuid() == 0:
                os.fchown(descriptor, directory.stat().st_uid, -1)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except (BlockingIOError, FileNotFoundError):  # held by another, or deleted by `remove` meanwhile
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > until:
            raise Transient(
                "Another command has been starting or stopping the embedded services for {seconds} seconds; try again",
                seconds=int(_LOCK_PATIENCE),
            )
        time.sleep(GLANCE)


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "The embedded services cannot use {path}: {error}", path=str(path), error=os_reason(error)
    )


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
