"""`avain keys status` and `rotate`, and what the doctor says of keys."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import keys
from cli.keys import app
from core.channel_settings import HttpsConnection
from core.clock import business_now
from core.database import transaction
from core.errors import ConfigurationError, Transient
from core.keys import DERIVED
from core.settings import Settings, settings
from services.health import Ground
from services.health.keys import files, sealing
from services.sealing import kept, rotating
from tests.support.in_process import InProcess
from tests.support.sealed import KEYS, configure, fill, opened, sealed_by
from workers.task import perform
from workers.tasks.sealing import seal_anew


@pytest.fixture
def before(here: InProcess) -> Settings:
    configured = configure(here, "a")
    with transaction() as session:
        fill(session, configured)
    return configured


def avain(*arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def status() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(avain("status", "--json").stdout)
    return found


def doctor() -> list[tuple[str, str]]:
    """Each finding's state and words."""
    return [(one.state, str(one.found)) for one in sealing(Ground(settings()))]


def test_the_whole_way_from_one_key_to_the_next(here: InProcess, before: Settings) -> None:
    with transaction() as session:
        content = opened(session, before)
    assert doctor() == [("warning", "sealed with a former key: 1")], "a wish from before there were keys"
    configure(here, "b", "a")
    assert doctor() == [("warning", "sealed with a former key: 9")]
    assert [(one["key"], one["state"], one["sealed"]) for one in status()["keys"]] == [
        ("key-b", "current", 0), ("key-a", "needed", 8), (DERIVED, "needed", 1),
    ]  # fmt: skip
    tried = json.loads(avain("rotate", "--dry-run", "--json").stdout)
    assert (tried["to_seal_anew"], tried["state"], tried["dry_run"]) == (9, None, True)
    assert not here.rows("SELECT 1 FROM work WHERE kind = 'reseal'")
    done = json.loads(avain("rotate", "--inline", "--json", "--as", "kalle").stdout)
    assert (done["key"], done["resealed"], done["unopened"], done["state"]) == ("key-b", 9, 0, "succeeded")
    said = avain("status").stdout
    assert "may be dropped" in said
    assert not any(key in said for key in KEYS.values())
    configure(here, "b")
    assert doctor() == [("ok", "everything is sealed with the present key (9): key-b")]
    with transaction() as session:
        assert opened(session, settings()) == content
    assert [tuple(one) for one in here.rows("SELECT actor, action FROM audit_event WHERE action LIKE 'keys.%'")] == [
        ("cli:kalle", "keys.rotation_asked"), ("avain", "keys.resealed"),
    ]  # fmt: skip


def test_a_key_that_is_missing_is_said_by_all_and_stops_the_change_unless_it_is_lost(
    here: InProcess, before: Settings
) -> None:
    configure(here, "b")
    assert doctor()[0] == ("broken", "sealed with keys that are not set: key-a (8)")
    told = avain("status")
    assert told.exit_code == 1
    assert "IS MISSING" in told.stdout
    with pytest.raises(ConfigurationError, match=r"key-a \(8\)"):
        avain("rotate", "--inline")
    ended = avain("rotate", "--inline", "--despite-missing")
    assert ended.exit_code == 1, "what could not be opened is told"
    with transaction() as session:
        assert sealed_by(session) == {"key-a": 8, "key-b": 1}


def test_the_index_key_that_is_in_force_is_told(here: InProcess, before: Settings) -> None:
    from core.keys import sealer
    from services.sealing import indexing_in_force

    with transaction() as session:
        own = sealer(before)
        assert own is not None
        indexing_in_force(session, own)
    assert status()["index_key"] == "current"
    configure(here, "a", index="yx")
    assert status()["index_key"] == "former"
    configure(here, "a", index="y")
    assert avain("status").exit_code == 1
    assert ("broken", "the index key in force is missing: nobody is found again") in doctor()
    assert not any("former index key" in said for _, said in doctor()), "it is not there to be changed"
    configure(here, "a", index="yx")
    tried = avain("rotate", "--dry-run")
    assert "the index of everybody is made anew" in tried.stdout
    assert json.loads(avain("rotate", "--dry-run", "--json").stdout)["to_index_anew"] is True
    avain("rotate", "--inline")
    assert "index of everybody" not in avain("rotate", "--dry-run").stdout
    assert status()["index_key"] == "current"
    assert [state for state, _ in doctor()] == ["ok"]


def test_who_waits_is_told_what_a_worker_says(here: InProcess, before: Settings) -> None:
    configure(here, "b", "a")
    with transaction() as session:
        work = rotating.call_for(session, kept(settings()), actor="cli:a", now=business_now(session))
    with pytest.raises(Transient, match="goes on when a worker is there"):
        keys.follow(work, 9, inline=False, patience=0, quiet=True)
    configure(here, "a", "b")
    perform(work, seal_anew)
    with pytest.raises(Transient, match="still has other keys than the command"):
        keys.follow(work, 9, inline=False, patience=0, quiet=True)


def test_where_nothing_is_sealed_nobody_speaks_of_keys(here: InProcess) -> None:
    here.configure(hash_key="h" * 40)
    assert doctor() == []
    assert status() == {
        "keys": [{"key": DERIVED, "state": "current", "derived": True, "sealed": 0, "places": {}}], "index_key": None,
    }  # fmt: skip


def test_files_with_keys_that_others_can_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    ground = Ground(Settings(home=home).model_copy(update={"home": home}))
    for file in (home / "hash.key", tmp_path / ".env"):
        file.write_text("AVAIN_HASH_KEY=hush\n", "ascii")
        file.chmod(0o600)
    assert files(ground) == []
    (home / "hash.key").chmod(0o640)
    (tmp_path / ".env").chmod(0o644)
    (told,) = files(ground)
    assert told.state == "warning"
    assert all(name in str(told.found) for name in ("hash.key", ".env"))
    assert "hush" not in str(told)


def test_a_connection_s_key_and_a_configuration_with_a_password_that_others_can_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVAIN_CONFIG", "avain.toml")
    for name in ("client.key", "client.pem", "avain.toml"):
        (tmp_path / name).write_text('bearer_token = "hush-hush"\n', "ascii")
        (tmp_path / name).chmod(0o644)
    told = {
        "url": "https://access.test/", "client_certificate": tmp_path / "client.pem", "client_key": tmp_path / "client.key", "bearer_token": "hush-hush",
    }  # fmt: skip
    own = Settings()
    orders = own.orders.model_copy(update={"connections": {"access": HttpsConnection(kind="https", **told)}})
    ground = Ground(own.model_copy(update={"home": tmp_path, "orders": orders}))
    (finding,) = files(ground)
    assert "client.key" in str(finding.found)
    assert "avain.toml" in str(finding.found)
    assert "client.pem" not in str(finding.found)
    assert "hush" not in str(finding)
    (tmp_path / "avain.toml").write_text("", "ascii")
    (tmp_path / "client.key").chmod(0o600)
    assert files(ground) == []
