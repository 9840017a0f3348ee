"""Put a copy into an empty database: all of it or nothing, and so that nothing leaves the new installation by itself.

The application's role gets its rights on `work` last, after the tables have this version's shape and the effects are paused
(services/effects): until then nobody can claim anything, whichever workers run, and a restore that was cut off is no installation.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final, cast

import psycopg
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from core import schema
from core.errors import ConfigurationError, InputError, Transient
from services.backup.archive import Contents, Entry, contents, lacking, noted_sha256, sha256
from services.backup.programs import Ended, Reach, program, run

#: The role that migrations grant to, and the one that only reads, where there is one.
APP: Final = "avain_app"
READER: Final = "avain_reader"
#: Rows out: one. What stands in the database that is nobody else's (of an extension), and how it is set up.
_TARGET: Final = """
    SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'), current_setting('TimeZone'),
           (SELECT count(*) FROM pg_class JOIN pg_namespace AS its ON its.oid = relnamespace
            WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND its.nspname !~ '^(pg_|information_schema$)'
              AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'))
         + (SELECT count(*) FROM pg_proc JOIN pg_namespace AS its ON its.oid = pronamespace
            WHERE its.nspname !~ '^(pg_|information_schema$)'
              AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')),
           EXISTS (SELECT FROM pg_roles WHERE rolname = %s), EXISTS (SELECT FROM pg_roles WHERE rolname = %s)
"""
#: Who was signed in or on the way in when the copy was made comes in anew; and no process of then is alive.
_ENDED: Final = (
    "UPDATE console_session SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL",
    "UPDATE family_session SET ended_at = clock_timestamp() WHERE ended_at IS NULL",
    "UPDATE entry_link SET used_at = clock_timestamp() WHERE used_at IS NULL",
    "DELETE FROM login_request",
    "DELETE FROM heartbeat",
)


@dataclass(frozen=True)
class Plan:
    """A copy that can be restored here. `checked`: its checksum was beside it and agrees; `later`: migrations it lacks; `reader`: whether the
    role that only reads can have its rights.
    """

    file: Path
    sha256: str
    checked: bool
    found: Contents
    later: int
    server: int
    role_missing: bool
    utc: bool
    reader: bool = True


def plan(url: str, app_url: str, file: Path, *, told: Callable[[], None] | None = None) -> Plan:
    """Look at everything before anything is changed: the file, its checksum and shape, the database it is to go to.

    Raises InputError or ConfigurationError with what is wrong.
    """
    if not file.is_file():
        raise InputError("There is no file {path}.", path=str(file))
    reach, app = Reach.of(url), Reach.of(app_url)
    if reach.database != app.database:
        raise ConfigurationError(
            "AVAIN_DATABASE_OWNER_URL names the database {owner} and AVAIN_DATABASE_URL the database {app}; a copy is restored into the one that both name",
            owner=reach.database, app=app.database,
        )  # fmt: skip
    with reach.connect() as connection:
        server, encoding, zone, things, role, reader = _state(connection)
    if encoding != "UTF8":
        raise InputError("The database {name} has the encoding {encoding}; it must be UTF8.", name=reach.database, encoding=encoding)  # fmt: skip
    if things:
        raise InputError(
            "The database {name} is not empty: {count} tables and other things are in it. A copy is restored into a new, empty database only.",
            name=reach.database, count=things,
        )  # fmt: skip
    digest, noted = sha256(file, told), noted_sha256(file)
    if noted not in (None, digest):
        raise InputError("{path} is not as it was made: its checksum has changed. Take another copy.", path=str(file))
    found = contents(program("pg_restore", server), file)
    later = schema.steps_after(found.revision)
    if later is None:
        raise InputError(
            "{path} was made by a newer version of Avain (shape {revision}; this one knows {wanted}). Restore it with that version.",
            path=str(file), revision=found.revision, wanted=schema.wanted_revision(),
        )  # fmt: skip
    missing = lacking(found)
    if missing is not None:
        raise InputError("{path} is not a whole copy: {reason}.", path=str(file), reason=missing)
    return Plan(file, digest, noted is not None, found, later, server, not role, zone in ("UTC", "Etc/UTC"), reader)


def restore(url: str, app_url: str, what: Plan, *, told: Callable[[str], None] = lambda _step: None) -> float:
    """Do what was planned, up to the last rights, which `open_to_the_application` gives; how many seconds it took.

    `told` hears of each step: `rows`, `shape`, `statistics`. Raises Transient or ConfigurationError; unless the rows were in already, the
    database is as empty as before.
    """
    reach, begun = Reach.of(url), perf_counter()
    with reach.connect() as connection:
        if what.role_missing:
            _make_role(connection, reach, Reach.of(app_url))
        lines = [one.line for one in what.found.entries if not _opens(one) and (what.reader or not _for_readers(one))]
        _restore(reach, what, lines, told=lambda: told("rows"))
        if not what.utc:
            name = sql.Identifier(reach.database)
            connection.execute(sql.SQL("ALTER DATABASE {} SET timezone TO 'UTC'").format(name))
    told("shape")
    try:
        schema.upgrade(url)
    except SQLAlchemyError as error:
        raise Transient(
            "The copy is in the database, but could not be brought to this version's shape ({error}). Nothing can work with it: drop the"
            " database, make it anew and restore again.",
            error=type(error).__name__,
        ) from error
    with reach.connect() as connection:
        with connection.transaction():
            for statement in _ENDED:
                connection.execute(statement)
        told("statistics")
        connection.execute("ANALYZE")
    return perf_counter() - begun


def open_to_the_application(url: str, what: Plan) -> None:
    """Give the application's role its rights on `work`, as the copy has them: from now on workers may work."""
    _restore(Reach.of(url), what, [one.line for one in what.found.entries if _opens(one)])


def _opens(entry: Entry) -> bool:
    return entry.kind == "ACL" and (entry.name == "TABLE work" or entry.name.startswith("COLUMN work."))


def _for_readers(entry: Entry) -> bool:
    """Rights on the views of those who only read (migration 0034)."""
    return entry.kind == "ACL" and (entry.schema == "reporting" or entry.name == "SCHEMA reporting")


def _state(connection: "psycopg.Connection[Any]") -> tuple[int, str, str, int, bool, bool]:
    found = connection.execute(_TARGET, [APP, READER]).fetchone()
    return cast("tuple[int, str, str, int, bool, bool]", found)


def _restore(reach: Reach, what: Plan, lines: list[str], *, told: Callable[[], None] | None = None) -> None:
    """Restore what is listed, in one transaction."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".list") as listed:
        listed.write("\n".join(lines) + "\n")
        listed.flush()
        options = ["--no-owner", "--single-transaction", "--exit-on-error", f"--use-list={listed.name}"]
        ended = run(program("pg_restore", what.server), [*options, what.file], reach, told=told)
    if ended.code != 0:
        raise _failed(reach, ended)


def _failed(reach: Reach, ended: Ended) -> Transient:
    try:
        with reach.connect():
            pass
    except psycopg.OperationalError:
        return Transient("The database went away while the copy was being restored. It is as it was before; try again.")
    return Transient(
        "The copy could not be restored, and the database is as it was before: {reason}", reason=ended.reason()
    )


def _make_role(connection: "psycopg.Connection[Any]", owner: Reach, app: Reach) -> None:
    """The application's role, with the password of its URL: the server gets what the password is checked by, not the password."""
    login = app.user == APP
    options: list[sql.Composable] = [
        sql.SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE"),
        sql.SQL("LOGIN" if login else "NOLOGIN"),
    ]
    if login and app.password is not None:
        scram = connection.pgconn.encrypt_password(app.password.encode(), APP.encode(), b"scram-sha-256").decode()
        options.append(sql.SQL("PASSWORD {}").format(sql.Literal(scram)))
    try:
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(APP), sql.SQL(" ").join(options)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            "The database server has no role {role}, and {owner} may not create it. As the server's administrator:"
            " CREATE ROLE {role} LOGIN PASSWORD '…' NOSUPERUSER NOCREATEDB NOCREATEROLE",
            role=APP, owner=owner.user,
        ) from error  # fmt: skip
    except psycopg.errors.DuplicateObject:
        pass  # another restore on this server was faster
