"""The embedded PostgreSQL: create its data, start it detached, recover it after any crash, stop it.

The cluster trusts its socket, whose directory only its own account may enter. Its log must hold no personal data, and even a
plain error can quote a value ("invalid input syntax … 010198-9…"), so errors of statements are not logged at all:
the application that caused them gets them.
"""

import os
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

from core.embedded.place import Place, write_for
from core.embedded.process import GLANCE, end, end_strays, read_pid, works_for
from core.embedded.programs import Programs, programs
from core.errors import ConfigurationError

MAJOR = "18"
PORT = 5432  # no TCP port: it only names the socket file
DATABASE = "avain"
OWNER = "avain_owner"
APP = "avain_app"
READER = "avain_reader"

#: A server that replays its log after a crash may need a while.
_READY_PATIENCE = 120.0
#: Orphans of a killed postmaster end within moments; until then a new one refuses to start.
_LAUNCH_PATIENCE = 15.0
_SETTINGS_FILE = "avain.conf"
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # No personal data in the log: no statement, no parameter, no DETAIL line, no error a statement caused.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_parameter_max_length": "0",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    # The defaults are for the smallest of machines: a first load would spend a tenth of its time on moving pages about.
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_buffers": "16MB",
    "log_checkpoints": "off",
}
#: A test cluster may lose everything at a power cut. Not `synchronous_commit`: without fsync it costs next to nothing, and
#: tests that kill the server must find what was committed.
_CARELESS = {"fsync": "off", "full_page_writes": "off"}


def data_directory(place: Place) -> Path:
    """Where the cluster's files are."""
    return place.postgres / "data"


def log_file(place: Place) -> Path:
    """What the server had to say."""
    return place.postgres / "server.log"


def socket_file(place: Place) -> Path:
    """The socket; clients name its directory."""
    return place.sockets / f".s.PGSQL.{PORT}"


def url(place: Place, role: str) -> str:
    """SQLAlchemy URL of the database for `role`. The port is stated, so that a PGPORT in the environment changes nothing."""
    return f"postgresql+psycopg://{role}@/{DATABASE}?host={place.sockets}&port={PORT}"


def pid(place: Place) -> int | None:
    """The live postmaster of this place, or None."""
    found = read_pid(data_directory(place) / "postmaster.pid")
    return found if found is not None and works_for(found, data_directory(place)) else None


def answers(place: Place) -> bool:
    """Whether a live postmaster takes connections on its socket."""
    if pid(place) is None or not place.guards_sockets():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(socket_file(place)))
        except OSError:
            return False
    return True


def start(place: Place, *, durable: bool) -> bool:
    """Have the server run, with database and roles. True when this call launched it. Call it under the place's lock.

    `durable=False` (tests) skips every sync to disk. Raises ConfigurationError with what the server said.
    """
    _check_version(place)
    if pid(place) is not None and _lost_its_socket(place):
        stop(place)
    launched = pid(place) is None
    if launched:
        found = programs(place)
        end_strays("postgres", data_directory(place), signal.SIGQUIT, signal.SIGKILL)
        if not data_directory(place).exists():
            _create_cluster(place, found, durable=durable)
        _write_settings(place, durable=durable)
        _launch(place, found)
    _create_database(place)
    return launched


def stop(place: Place) -> None:
    """Stop the server: fast (roll back and close), at once after half a minute, by force after another."""
    found = pid(place)
    if found is not None:
        end(found, data_directory(place), signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)


def _check_version(place: Place) -> None:
    try:
        found = (data_directory(place) / "PG_VERSION").read_text("ascii").strip()
    except OSError:
        return
    if found != MAJOR:
        raise ConfigurationError(
            "The data in {path} was written by PostgreSQL {found}; this Avain brings PostgreSQL {needed}. Move the directory away "
            "to start empty, or bring its content over with pg_dump of version {found}",
            path=str(data_directory(place)),
            found=found,
            needed=MAJOR,
        )


def _create_cluster(place: Place, found: Programs, *, durable: bool) -> None:
    """Run initdb beside the final place and rename the result, so that `data` is always whole."""
    for unfinished in place.postgres.glob("new-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    # A name of its own: an initdb whose starter was killed may still be writing into the one before.
    new = Path(tempfile.mkdtemp(prefix="new-", dir=place.postgres))
    if place.account.switch:
        os.chown(new, place.account.uid, place.account.gid)
    done = place.account.run(
        found.postgres / "initdb",
        f"--pgdata={new}",
        f"--username={OWNER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        *(() if durable else ("--no-sync",)),
    )
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        raise _failed("initdb", done.stdout)
    # initdb's own findings (shared memory, connections) stay in postgresql.conf; ours are read after them.
    with (new / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"\ninclude = '{_SETTINGS_FILE}'\n")
    new.rename(data_directory(place))


def _write_settings(place: Place, *, durable: bool) -> None:
    """Our settings, written anew at each start: a newer Avain may have changed them."""
    values = _SETTINGS | {"unix_socket_directories": str(place.sockets)} | ({} if durable else _CARELESS)
    text = "# Written by Avain at each start.\n" + "".join(
        f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in values.items()
    )
    write_for(place.account, data_directory(place) / _SETTINGS_FILE, text)


def _launch(place: Place, found: Programs) -> None:
    """pg_ctl start, as often as a killed predecessor's remains stand in the way. The server has its own session."""
    until = time.monotonic() + _LAUNCH_PATIENCE
    while True:
        _forget_the_dead(place)
        done = place.account.run(
            found.postgres / "pg_ctl",
            "start",
            "--wait",
            "--silent",
            "--timeout=60",
            f"--pgdata={data_directory(place)}",
            f"--log={log_file(place)}",
        )
        # A postmaster of an earlier, killed start may have been faster; it will do as well.
        if done.returncode == 0 or pid(place) is not None:
            return
        if time.monotonic() > until:
            raise _failed("PostgreSQL", done.stdout + _tail(log_file(place)))
        time.sleep(10 * GLANCE)


def _forget_the_dead(place: Place) -> None:
    """Remove pid and lock files of a server that is gone, when its number now belongs to somebody else.

    PostgreSQL clears such files itself, except when the number lives on as another process of the same account. Orphaned
    backends stay guarded: the server looks for their shared memory by the data directory, not only by this file.
    """
    file = data_directory(place) / "postmaster.pid"
    if read_pid(file) is not None and pid(place) is None:
        file.unlink(missing_ok=True)
    if not file.exists():
        for stale in place.sockets.glob(f"{socket_file(place).name}*"):
            stale.unlink(missing_ok=True)


def _lost_its_socket(place: Place) -> bool:
    """Whether a ready server can be reached by nobody, because something cleaned the directory of temporary files."""
    try:
        lines = (data_directory(place) / "postmaster.pid").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready" and not socket_file(place).exists()


def _create_database(place: Place) -> None:
    """Database, application's role and reader's, where they are missing (as deploy/create-app-role.sh). Grants come from the migrations."""
    with _connect(place) as connection:
        for role in (APP, READER):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS").format(
                        sql.Identifier(role)
                    )
                )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )


def _connect(place: Place) -> "psycopg.Connection[tuple[object, ...]]":
    """The owner's connection, waiting out a server that is starting or replaying its log."""
    until = time.monotonic() + _READY_PATIENCE
    while True:
        try:
            return psycopg.connect(
                host=str(place.sockets), port=PORT, user=OWNER, dbname="postgres", autocommit=True, connect_timeout=10
            )
        except psycopg.OperationalError as error:
            if pid(place) is None or time.monotonic() > until:
                raise _failed("PostgreSQL", f"{error}\n{_tail(log_file(place))}") from error
        time.sleep(GLANCE)


def _tail(file: Path) -> str:
    try:
        return "\n".join(file.read_text("utf-8", errors="replace").splitlines()[-5:])
    except OSError:
        return ""


def _failed(program: str, said: str) -> ConfigurationError:
    return ConfigurationError("{program} could not be started: {reason}", program=program, reason=said.strip())
