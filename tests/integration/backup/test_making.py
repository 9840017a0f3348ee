"""Copies of a database in use: whole, nobody else's, under their name only when they are on disk, and no half ones left."""

import fcntl
import hashlib
import json
import os
import shlex
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from typer.testing import CliRunner

from cli.installation import db_app
from core.embedded import Embedded
from core.embedded.programs import client_programs
from core.errors import AvainError, ConfigurationError, InputError, Transient
from core.schema import alembic_configuration
from services.backup import programs
from services.backup.making import make
from services.backup.programs import Ended, Reach, program
from tests.support.copies import empty_database, owner
from tests.support.full_disk import files_no_larger_than
from tests.support.in_process import InProcess

WORD = "a-secret-password"


@contextmanager
def blocked(database: Embedded) -> Iterator[Callable[[], bool]]:
    """A table is locked, so that pg_dump waits before it copies anything. Says whether it does."""
    with owner(database) as holder, holder.transaction(), owner(database) as looking:
        holder.execute("LOCK TABLE work IN ACCESS EXCLUSIVE MODE")
        yield lambda: bool(waits(looking))


def waits(looking: "psycopg.Connection[Any]") -> list[Any]:
    """Locks that somebody waits for in this database: of which table, and which; looked at outside of any transaction, which would see the same always."""
    return looking.execute(
        "SELECT relation::regclass::text, mode FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchall()


def until(happened: Callable[[], object]) -> None:
    """Wait for what other processes do."""
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end, "not within 20 seconds"
        time.sleep(0.02)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_copy_is_checked_private_recorded_and_never_written_over(here: InProcess, database, tmp_path):
    here.configure(database_owner_url=database.database_owner_url)
    folder = tmp_path / "copies"
    folder.mkdir()
    told = CliRunner().invoke(db_app, ["backup", str(folder), "--json", "--as", "liisa"])
    assert told.exit_code == 0, told
    made = json.loads(told.stdout)
    file = Path(made["file"])
    assert files(folder) == [file.name, f"{file.name}.sha256"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert made["sha256"] == digest
    assert (folder / f"{file.name}.sha256").read_text() == f"{digest}  {file.name}\n"
    assert made["bytes"] == file.stat().st_size
    events = here.rows("SELECT actor, subject, details FROM audit_event WHERE action = 'database.backed_up'")
    assert events == [("cli:liisa", f"backup:{file.name}", {"sha256": digest, "bytes": made["bytes"]})]
    with pytest.raises(InputError, match="exists already"):
        make(database.database_owner_url, file)
    meanwhile = folder / "same-name.dump"
    with pytest.raises(InputError, match="exists already"):
        make(database.database_owner_url, meanwhile, told=lambda _step, _size: meanwhile.write_bytes(b"another's"))
    assert meanwhile.read_bytes() == b"another's"
    assert not (folder / "same-name.dump.sha256").exists()
    with pytest.raises(InputError, match="There is no folder"):
        make(database.database_owner_url, tmp_path / "nowhere" / "x.dump")


def test_nobody_sees_the_password(original, tmp_path, monkeypatch):
    """pg_dump itself tells what it was started with: it runs behind a script of that name, first on the path."""
    ours = client_programs()
    assert ours is not None
    seen = tmp_path / "seen"
    script = tmp_path / "bin" / "pg_dump"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] || {{ echo "$@"; echo "PGPASSWORD=$PGPASSWORD"; }} >> {shlex.quote(str(seen))}\n'
        f'exec {shlex.quote(str(ours / "pg_dump"))} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    make(original.database_owner_url.replace("avain_owner@", f"avain_owner:{WORD}@"), tmp_path / "a.dump")
    arguments, environment = seen.read_text().splitlines()
    assert "--dbname=" in arguments
    assert WORD not in arguments
    assert environment == f"PGPASSWORD={WORD}"


def test_what_stands_in_the_url_reaches_the_programs():
    reach = Reach.of(f"postgresql://liisa:{WORD}@db.test:6543/avain?sslmode=verify-full&sslrootcert=/etc/ca.pem")
    assert reach.password == WORD
    assert WORD not in reach.connection
    for word in (
        "host=db.test",
        "port=6543",
        "user=liisa",
        "dbname=avain",
        "sslmode=verify-full",
        "sslrootcert=/etc/ca.pem",
    ):
        assert word in reach.connection


def test_the_program_that_fits_the_server_is_taken_not_the_first(tmp_path, monkeypatch):
    def put(folder: str, version: str) -> Path:
        file: Path = tmp_path / folder / "pg_dump"
        file.parent.mkdir()
        file.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version} (Debian)'\n")
        file.chmod(0o755)
        return file

    old, exact, newer = put("a", "15.18"), put("c", "91.0"), put("b", "92.3")
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / one) for one in "abc"))
    assert program("pg_dump", 15) == old
    assert program("pg_dump", 91) == exact
    exact.unlink()
    programs._found.cache_clear()
    assert program("pg_dump", 91) == newer
    with pytest.raises(
        ConfigurationError, match=r"has version 93 and needs pg_dump.*found here: 15, .*92.*postgresql-client-93"
    ):
        program("pg_dump", 93)


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        ("could not write to output file: No space left on device", "the disk is full"),
        ("could not write to output file: Disk quota exceeded", "the quota of disk space is used up"),
        (
            "query failed: ERROR:  permission denied for table work",
            "query failed: ERROR:  permission denied for table work",
        ),
        ("", "it ended with 7"),
    ],
)
def test_why_a_program_failed(complaint, said):
    assert str(Ended(7, b"", complaint).reason()) == said


def test_a_disk_that_takes_no_more_leaves_no_half_copy(original, tmp_path):
    with files_no_larger_than(50_000), pytest.raises(Transient, match="could not be copied: the file is too large"):
        make(original.database_owner_url, tmp_path / "a.dump")
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("whom", "said"),
    [
        ("application_name = 'pg_dump'", "could not be copied"),
        ("application_name <> 'test'", "The database went away while it was being copied"),
    ],
)
def test_a_database_that_goes_away_leaves_no_half_copy(database, tmp_path, whom, said):
    with blocked(database) as waiting, owner(database) as connection:

        def told(step: str, _size: int) -> None:
            if step == "copying" and waiting():
                connection.execute(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND {whom}"
                )

        with pytest.raises(Transient, match=said):
            make(database.database_owner_url, tmp_path / "a.dump", told=told)
    assert files(tmp_path) == []


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(psycopg.OperationalError):
        make("postgresql://nobody@127.0.0.1:1/none", tmp_path / "a.dump")
    assert files(tmp_path) == []


def test_whoever_is_interrupted_leaves_neither_half_a_copy_nor_pg_dump(database, tmp_path):
    with blocked(database) as waiting:

        def told(_step: str, _size: int) -> None:
            if waiting():
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make(database.database_owner_url, tmp_path / "a.dump", told=told)
    assert files(tmp_path) == []
    alive = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump' AND datname = current_database()"
    with owner(database) as connection:
        until(lambda: not connection.execute(alive).fetchall())


def test_what_a_killed_copy_left_is_swept_away_and_what_is_being_written_is_not(original, tmp_path):
    left, written = tmp_path / ".avain-left.part", tmp_path / ".avain-written.part"
    left.touch()
    with written.open("wb") as under_way:
        fcntl.flock(under_way, fcntl.LOCK_EX)
        make(original.database_owner_url, tmp_path / "a.dump")
        assert files(tmp_path) == [written.name, "a.dump", "a.dump.sha256"]


def test_nothing_to_copy(services, tmp_path):
    with empty_database(services) as nothing, pytest.raises(InputError, match="no tables yet"):
        make(nothing.database_owner_url, tmp_path / "a.dump")


def test_a_migration_is_over_before_a_copy_begins(database, tmp_path):
    """A migration holds the row of the shape from its first statement on: the copy waits, and then has its shape."""
    made: list[Any] = []
    copying = threading.Thread(target=lambda: made.append(make(database.database_owner_url, tmp_path / "a.dump")))
    with owner(database) as looking, owner(database) as connection, connection.transaction():
        connection.execute("LOCK TABLE alembic_version IN ROW EXCLUSIVE MODE")
        connection.execute("ALTER TABLE work ADD COLUMN newest int")
        copying.start()
        until(lambda: waits(looking))
        connection.execute("UPDATE alembic_version SET version_num = 'newest'")
    copying.join()
    assert made[0].revision == "newest"


def test_no_migration_begins_while_a_copy_is_made(database):
    """Each transaction of a migration asks for the row of the shape before it changes anything."""
    going_back = threading.Thread(
        target=lambda: command.downgrade(alembic_configuration(database.database_owner_url), "-1")
    )
    with owner(database) as looking, owner(database) as copying:
        shape = "SELECT version_num FROM alembic_version"
        before = looking.execute(shape).fetchall()
        with copying.transaction():
            copying.execute("LOCK TABLE alembic_version IN SHARE MODE")  # as making.py does
            going_back.start()
            until(lambda: waits(looking))
            assert waits(looking) == [("alembic_version", "RowExclusiveLock")]
        going_back.join()
        assert looking.execute(shape).fetchall() != before


def test_an_upgrade_that_meets_a_copy_says_so(here: InProcess, database):
    here.configure(database_owner_url=database.database_owner_url)
    command.downgrade(alembic_configuration(database.database_owner_url), "-1")
    with owner(database) as copying, copying.transaction():
        copying.execute("LOCK TABLE alembic_version IN SHARE MODE")
        told = CliRunner().invoke(db_app, ["upgrade"])
    assert isinstance(told.exception, AvainError)
    assert "A table is in use" in str(told.exception)
