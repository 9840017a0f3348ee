"""Secrets in files of their own: who else could read one, or put another in its place, is kept out, or the file is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.identity import fingerprint
from core.keys import fingerprints
from core.secret_files import read_secret
from core.secret_settings import IN_FILES
from core.setting_groups import RefusedSettingError
from core.settings import load

SECRET = "h" * 40


@pytest.fixture(autouse=True)
def _no_other_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*(f"AVAIN_{one.upper()}" for one in IN_FILES), "AVAIN_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "hash.key"
    made.write_text(f"{SECRET}\n", "ascii")
    made.chmod(0o600)
    return made


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let something belong to another account than ours."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.lchown(path, 65_534, 65_534)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    return give


def why(file: Path) -> str:
    with pytest.raises(RefusedSettingError) as refused:
        read_secret(file)
    return refused.value.message.text("en")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_ours_alone_is_read_without_the_end_of_its_line(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read_secret(file) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o610, 0o777])
def test_a_file_that_others_can_read_or_change_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert "others on this machine" in why(file)
    assert SECRET not in why(file)


def test_a_file_of_somebody_elses_is_refused(file: Path, give_away: Callable[[Path], None]) -> None:
    give_away(file)
    assert "belongs to somebody else" in why(file) or "somebody else could put another" in why(file)


def test_a_link_of_ours_is_followed_and_a_link_into_foreign_hands_is_not(
    file: Path, tmp_path: Path, give_away: Callable[[Path], None]
) -> None:
    link = tmp_path / "link"
    link.symlink_to(file.name)
    assert read_secret(link) == SECRET
    foreign = tmp_path / "theirs"
    foreign.mkdir()
    (foreign / "key").write_text(SECRET, "ascii")
    (foreign / "key").chmod(0o600)
    (tmp_path / "away").symlink_to(foreign / "key")
    give_away(foreign)
    assert "somebody else could put another in its place" in why(tmp_path / "away")


def test_a_link_that_somebody_else_made_is_refused(
    file: Path, tmp_path: Path, give_away: Callable[[Path], None]
) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    give_away(link)
    assert "somebody else could put another in its place" in why(link)


def test_a_folder_that_others_can_write_to_is_refused_unless_they_can_only_add_to_it(
    file: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    assert "somebody else could put another in its place" in why(file)
    tmp_path.chmod(0o1777)
    assert read_secret(file) == SECRET


@pytest.mark.parametrize("content", ["", "\n", "ä" * 40, "h" * 70_000], ids=["empty", "blank", "no text", "long"])
def test_what_is_no_key_is_refused(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
    assert "empty, or no text" in why(file)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in why(tmp_path / "none")
    assert "it is no file" in why(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "it is no file" in why(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    assert "circle" in why(tmp_path / "round")


@pytest.mark.parametrize("by", ["environment", ".env"])
def test_the_setting_is_what_the_file_says(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("AVAIN_HASH_KEY_FILE", str(file))
    else:
        (tmp_path / ".env").write_text(f"AVAIN_HASH_KEY_FILE={file}\n", "utf-8")
    configured = load(tmp_path / "avain.toml")
    assert configured.hash_key is not None
    assert configured.hash_key.get_secret_value() == SECRET
    assert SECRET not in repr(configured) + configured.model_dump_json()
    assert fingerprints(configured) == {"AVAIN_HASH_KEY": fingerprint(SECRET.encode())}


@pytest.mark.parametrize("name", IN_FILES)
def test_a_file_that_cannot_be_used_is_said_as_any_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"AVAIN_{name.upper()}_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="no such file") as refused:
        load(tmp_path / "avain.toml")
    assert "avain.toml: " not in str(refused.value), "the mistake is not there"


def test_a_secret_said_twice_is_refused(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVAIN_HASH_KEY_FILE", str(file))
    monkeypatch.setenv("AVAIN_HASH_KEY", SECRET)
    with pytest.raises(ConfigurationError, match="AVAIN_HASH_KEY is set more than once"):
        load(tmp_path / "avain.toml")


def test_systemd_hands_keys_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = tmp_path / "credentials" / "AVAIN_HASH_KEY"
    handed.parent.mkdir()
    handed.write_text(SECRET, "ascii")
    handed.chmod(0o440)  # as an access list looks
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed.parent))
    configured = load(tmp_path / "avain.toml")
    assert configured.hash_key is not None
    assert configured.hash_key.get_secret_value() == SECRET
    handed.chmod(0o444)
    with pytest.raises(ConfigurationError, match="others on this machine"):
        load(tmp_path / "avain.toml")
