"""Embedded services on real processes: what runs, who shares it, what a crash leaves behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import textwrap
import time
from typing import Any

import psycopg
import pytest
import redis

from core import embedded
from core.embedded import place as places
from core.embedded import postgres, valkey
from core.embedded.process import works_for
from core.errors import Transient
from core.redis import redis_client_url
from tests.support.embedded import AS_ROOT, STARTER, connect, finished, one, place_of, python

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
