"""Restoring a copy: into an empty database only, all of it or nothing, with the rights and guards there were, and nobody let in before the end."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from typer.testing import CliRunner

from cli.installation import db_app
from core import embedded
from core.embedded import Embedded
from core.embedded.programs import client_programs
from core.errors import AvainError, ConfigurationError, InputError, Message, Transient
from core.schema import alembic_configuration, wanted_revision
from services.backup import keys
from services.backup.archive import checksum_file, sha256
from services.backup.making import Made, make
from services.backup.programs import Reach
from services.backup.restoring import Plan, open_to_the_application, plan, restore
from tests.conftest import own_database
from tests.support.copies import app, content, empty_database, in_database, owner, rights
from tests.support.in_process import in_process


@pytest.fixture
def empty(services: Embedded) -> Iterator[Embedded]:
    with empty_database(services) as made:
        yield made


def planned(database: Embedded, file: Path) -> Plan:
    return plan(database.database_owner_url, database.database_url, file)


def restored(database: Embedded, what: Plan) -> None:
    restore(database.database_owner_url, database.database_url, what)


def opened(database: Embedded, file: Path) -> Plan:
    """The whole restore."""
    what = planned(database, file)
    restored(database, what)
    open_to_the_application(database.database_owner_url, what)
    return what


def state(database: Embedded) -> str:
    with app(database) as connection:
        found = connection.execute("SELECT effects_state()").fetchone()
    assert found is not None
    return str(found[0])


def things(database: Embedded) -> int:
    with owner(database) as connection:
        return len(connection.execute("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall())


def dumped(database: Embedded, file: Path, *options: str) -> Path:
    """What a database administrator makes by hand."""
    ours = client_programs()
    assert ours is not None
    subprocess.run(
        [ours / "pg_dump", "--dbname", Reach.of(database.database_owner_url).connection, "--file", file, *options],
        check=True,
    )
    return file


def test_all_of_it_comes_back_and_nothing_may_leave(original, copied: Made, empty):
    what = planned(empty, copied.file)
    assert (what.checked, what.later, what.role_missing) == (True, 0, False)
    assert things(empty) == 0, "looking changes nothing"
    restored(empty, what)
    with app(empty) as early, pytest.raises(psycopg.errors.InsufficientPrivilege, match="table work"):
        early.execute("UPDATE work SET token = NULL")
    open_to_the_application(empty.database_owner_url, what)
    here, there = content(empty), content(original)
    assert {name for name in there if here.get(name) != there[name]} == set()
    assert rights(empty) == rights(original)
    assert state(empty) == "restored"
    with app(empty) as connection:
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        connection.execute("UPDATE work SET lane = lane")
        assert connection.execute("SELECT count(*) FROM console_session WHERE revoked_at IS NULL").fetchone() == (0,)
        for statement in (
            "DELETE FROM audit_event",
            "UPDATE purchase_order SET document = ''",
            "CREATE TABLE mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with owner(empty) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="insert-only"):
        connection.execute("DELETE FROM audit_event")


def test_the_command_looks_first_and_says_what_is_left(copied: Made, empty, tmp_path, monkeypatch):
    with in_process(empty, tmp_path / "home", monkeypatch) as here:
        place = f'{{ kind = "local", path = "{tmp_path}/in", after = "move", move_to = "done" }}'
        configuration = tmp_path / "avain.toml"
        configuration.write_text(f"[sources.incoming.answers]\ntransport = {place}\n")
        here.configure(database_owner_url=empty.database_owner_url, config=configuration)

        def avain(*arguments: str) -> dict[str, Any]:
            told = CliRunner().invoke(db_app, ["restore", str(copied.file), "--json", *arguments])
            assert told.exit_code == 0, told.exception
            found: dict[str, Any] = json.loads(told.stdout)
            return found

        looked = avain("--dry-run")
        assert (looked["dry_run"], looked["checked"], looked["shape"]) == (True, True, wanted_revision())
        assert things(empty) == 0
        restored = avain("--as", "liisa")
        left = " ".join(restored["left"])
        for what in ("AVAIN_HASH_KEY", "AVAIN_HOME", "avain doctor --deep", "avain effects release", "here: answers"):
            assert what in left
        assert "checksum" not in left
        assert "anchor" not in left
        (event,) = here.rows(
            "SELECT actor, subject, details ->> 'sha256' AS sha256 FROM audit_event WHERE action = 'database.restored'"
        )
        assert event == ("cli:liisa", f"backup:{copied.file.name}", copied.sha256)
        (row,) = here.rows("SELECT away_why FROM effects")
        assert str(Message.from_json(row.away_why)).startswith(f"It was restored from {copied.file.name}, a copy of ")


def test_other_keys_than_those_of_the_copy_are_named(session):
    ours = {"AVAIN_HASH_KEY": "a", "AVAIN_SEAL_KEYS (2026)": "b"}
    assert keys.differing(session, ours) is None
    keys.remember(session, ours)
    assert keys.differing(session, {**ours, "AVAIN_SEAL_KEYS (2027)": "c"}) == []
    assert keys.differing(session, {"AVAIN_HASH_KEY": "z"}) == ["AVAIN_HASH_KEY", "AVAIN_SEAL_KEYS (2026)"]


def test_once_only_also_what_an_administrator_copied_by_hand(original, copied: Made, empty, tmp_path):
    assert not opened(empty, dumped(original, tmp_path / "theirs.dump", "--format=custom")).checked
    assert state(empty) == "restored"
    with pytest.raises(InputError, match="is not empty"):
        planned(empty, copied.file)


def test_a_database_with_one_thing_of_somebodys_is_not_empty(copied: Made, empty):
    with owner(empty) as connection:
        connection.execute("CREATE SCHEMA theirs CREATE VIEW one AS SELECT 1 AS one")
    with pytest.raises(InputError, match="is not empty: 1 "):
        planned(empty, copied.file)


def test_a_copy_that_has_changed_since_is_refused_and_one_without_checksum_is_told_of(copied: Made, empty, tmp_path):
    file = tmp_path / "copy.dump"
    shutil.copy(copied.file, file)
    assert not planned(empty, file).checked
    checksum_file(file).write_text(f"{copied.sha256}  copy.dump\n")
    assert planned(empty, file).checked
    with file.open("r+b") as changed:
        changed.seek(-1000, 2)
        changed.write(b"?")
    with pytest.raises(InputError, match="is not as it was made: its checksum has changed"):
        planned(empty, file)
    checksum_file(file).write_text("what?\n")
    with pytest.raises(InputError, match="is not a checksum"):
        planned(empty, file)


def test_a_copy_that_cannot_be_read_to_its_end_leaves_the_database_empty(copied: Made, empty, tmp_path):
    """Its checksum is right or missing, so that only pg_restore finds out; another copy goes in afterwards."""
    file = tmp_path / "copy.dump"
    shutil.copy(copied.file, file)
    with file.open("r+b") as spoilt:
        spoilt.seek(-3000, 2)
        spoilt.write(b"?" * 500)
    with pytest.raises(Transient, match="could not be restored, and the database is as it was before"):
        restored(empty, planned(empty, file))
    assert things(empty) == 0
    opened(empty, copied.file)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format=plain",), "is a copy as plain SQL"),
        (("--format=custom", "--schema-only"), "holds no rows of Avain's"),
        (
            ("--format=custom", "--exclude-table-data=audit_*"),
            "the rows of 3 tables are not in it .audit_event, audit_seal, audit_sealing",
        ),
        (("--format=custom", "--no-privileges"), "the rights of the application's role are not in it"),
    ],
)
def test_what_is_no_whole_copy_is_refused(original, empty, tmp_path, options, said):
    with pytest.raises(InputError, match=said):
        planned(empty, dumped(original, tmp_path / "theirs", *options))


def test_what_is_no_copy_at_all_is_refused(empty, tmp_path):
    file = tmp_path / "letter.dump"
    file.write_text("Dear colleague")
    with pytest.raises(
        InputError, match="cannot be read as a copy of a database: input file does not appear to be a valid archive"
    ):
        planned(empty, file)
    with pytest.raises(InputError, match="There is no file"):
        planned(empty, tmp_path / "nowhere.dump")


def test_a_copy_of_a_newer_version_waits_for_that_version(database, empty, tmp_path):
    with owner(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    made = make(database.database_owner_url, tmp_path / "newer.dump")
    with pytest.raises(InputError, match=r"newer version of Avain .shape 9999; this one knows"):
        planned(empty, made.file)


def test_a_copy_of_an_older_version_gets_the_present_shape(services, empty, tmp_path):
    """Also one from before effects could be paused: whoever brings it here, brings it paused."""
    with own_database(services) as older:
        with app(older) as connection:
            connection.execute("INSERT INTO counter VALUES ('T-2026', 41)")
        command.downgrade(alembic_configuration(older.database_owner_url), "0030")
        made = make(older.database_owner_url, tmp_path / "older.dump")
    what = planned(empty, made.file)
    assert what.later > 0
    opened(empty, made.file)
    with app(empty) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (wanted_revision(),)
        assert connection.execute("SELECT value FROM counter").fetchone() == (41,)


def test_a_copy_of_an_older_version_put_in_by_hand_is_no_home_after_its_upgrade(services, empty, tmp_path):
    """Also on the very server of the original, which is at home where it is."""
    with own_database(services) as older:
        with app(older) as connection:
            connection.execute(
                "INSERT INTO work (kind, key, queue, arguments) VALUES ('deliver_order', 'a', 'orders', '{}')"
            )
            connection.execute(
                "INSERT INTO audit_event (business_at, actor, action, subject, reason, details) VALUES (now(), 'a', 'b', 'c', '', '{}')"
            )
            connection.execute(
                "UPDATE audit_sealing SET cluster = (SELECT system_identifier::text FROM pg_control_system())"
            )
        settings = alembic_configuration(older.database_owner_url)
        command.downgrade(settings, "0030")
        file = dumped(older, tmp_path / "older.dump", "--format=custom")
        command.upgrade(settings, "head")
        assert state(older) == "go"
    ours = client_programs()
    assert ours is not None
    subprocess.run(
        [ours / "pg_restore", "--dbname", Reach.of(empty.database_owner_url).connection, "--no-owner", file], check=True
    )
    command.upgrade(alembic_configuration(empty.database_owner_url), "head")
    assert state(empty) == "restored"


def test_who_only_reads_reads_the_restored_views_and_no_table(copied: Made, empty):
    assert opened(empty, copied.file).reader
    reader = empty.database_owner_url.replace("avain_owner@", "avain_reader@").replace("+psycopg", "")
    with psycopg.connect(reader) as connection:
        assert connection.execute("SELECT count(*) FROM reporting.client_case").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM client_case")


def test_both_urls_must_name_the_same_database(original, copied: Made, empty):
    with pytest.raises(ConfigurationError, match="a copy is restored into the one that both name"):
        plan(empty.database_owner_url, original.database_url, copied.file)


def test_an_encoding_that_cannot_hold_every_name_is_refused(services, copied: Made):
    with Reach.of(services.database_owner_url).connect() as admin:
        admin.execute("CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
        try:
            with pytest.raises(InputError, match="the encoding LATIN1; it must be UTF8"):
                planned(in_database(services, "latin"), copied.file)
        finally:
            admin.execute("DROP DATABASE latin")


def test_a_server_without_the_applications_role(copied: Made, tmp_path):
    """A new machine: the role is made with the password of AVAIN_DATABASE_URL, which the server never sees; or an administrator is asked for it."""
    servers = embedded.start(tmp_path, durable=False, services=("postgres",))
    try:
        with owner(servers) as connection:
            connection.execute("DROP ROLE avain_app")
            connection.execute("DROP ROLE avain_reader")
            connection.execute("CREATE ROLE little LOGIN")
            connection.execute("CREATE DATABASE theirs OWNER little")
            connection.execute("ALTER DATABASE avain SET timezone TO 'Europe/Helsinki'")
        little = servers.database_owner_url.replace("avain_owner@/avain?", "little@/theirs?")
        what = plan(little, little, copied.file)
        with pytest.raises(
            ConfigurationError, match=r"no role avain_app, and little may not create it.*CREATE ROLE avain_app LOGIN"
        ):
            restore(little, little, what)
        url = servers.database_url.replace("avain_app@", "avain_app:a-secret-password@")
        what = plan(servers.database_owner_url, url, copied.file)
        assert what.role_missing
        assert not what.reader, "nobody is made to read reports, and nothing fails for want of them"
        restore(servers.database_owner_url, url, what)
        open_to_the_application(servers.database_owner_url, what)
        with owner(servers) as connection:
            found = connection.execute(
                "SELECT rolpassword, rolsuper, rolcreatedb, rolcanlogin FROM pg_authid WHERE rolname = 'avain_app'"
            ).fetchone()
            assert found is not None
            assert found[0].startswith("SCRAM-SHA-256$")
            assert found[1:] == (False, False, True)
            assert connection.execute("SELECT count(*) FROM reporting.unit").fetchone() == (1,)
        with app(servers) as connection:
            assert connection.execute("SELECT count(*) FROM work").fetchone() == (1,)
            assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert state(servers) == "restored"
    finally:
        embedded.remove(tmp_path)


def test_the_server_goes_away_in_the_middle(copied: Made, empty):
    what = planned(empty, copied.file)

    def told(_step: str) -> None:
        with owner(empty) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg_restore'"
            )

    with owner(empty) as another, another.transaction(force_rollback=True):
        another.execute("CREATE TABLE work (id int)")  # one of that name keeps pg_restore waiting
        with pytest.raises(AvainError):
            restore(empty.database_owner_url, empty.database_url, what, told=told)
    assert things(empty) == 0
    assert sha256(copied.file) == copied.sha256
