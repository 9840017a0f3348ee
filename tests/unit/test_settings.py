"""Settings: what is wrong is refused with the key's path and what is allowed, one line per mistake."""

import re

import pytest

from cli.sample_configuration import SAMPLE
from core.errors import ConfigurationError
from core.settings import load


@pytest.fixture
def file(tmp_path, monkeypatch):
    for name in ("AVAIN_DATABASE_URL", "AVAIN_REDIS_URL", "AVAIN_HASH_KEY", "AVAIN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AVAIN_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "avain.toml"


def refused(file, content: str) -> str:
    file.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    return caught.value.message.params.get("lines") or caught.value.message.text("en")


def test_without_a_file_the_defaults_hold(file):
    assert load(file).embedded
    assert load(file).budgets.tolerance == load(file).budgets.tolerance


def test_the_sample_that_init_writes_is_valid_also_with_its_comments_removed(file):
    file.write_text(SAMPLE, "utf-8")
    assert load(file).privacy.identity == "none"
    body = SAMPLE[SAMPLE.index("[organisation]") :]
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in body.splitlines()]
    file.write_text("\n".join(lines), "utf-8")
    assert set(load(file).sources.prices) == {"esimerkkivalmennus", "own"}
    assert set(load(file).sources.cases) == {"lifecare-vienti"}


@pytest.mark.parametrize(
    ("content", "path", "hint"),
    [
        ("[budgets]\ntolerence = 1", "budgets.tolerence", "tolerance"),
        ("[mail]\nport = 99999", "mail.port", "must be at most 65535"),
        ("[mail]\nport = 0", "mail.port", "must be at least 1"),
        ('[mail]\nport = "many"', "mail.port", "whole number"),
        ("[budgets]\ntolerance = 'x'", "budgets.tolerance", "number"),
        ("[sources.cases.x]\n", "sources.cases.x", "exactly one of: path"),
        ('[sources.cases.x]\npath = "a"\nkind = "sql"', "sources.cases.x", "with the table sql"),
        ('[sources.cases.x]\npath = "a"\nkind = "table"', "sources.cases.x", "needs a profile"),
        ('[sources.prices.x]\nprovider = "1"', "sources.prices.x", "exactly one of: path"),
        ('[follow_ups]\nmail_at = "8"', "follow_ups.mail_at", "avain config schema"),
        ("mail = 3", "mail", "table"),
        ('[sources.cases.x]\nmode = "all"\npath = "a"', "sources.cases.x.mode", "snapshot"),
        ('[sources.prices.x]\npath = "a"', "sources.prices.x", "business id"),
        ('log_level = "LOUD"', "log_level", "DEBUG"),
        ("[budgest]\n", "budgest", "budgets"),
        ('[sources.prices.x]\npath = "a"\nkind = "own"\nencodng = "x"', "sources.prices.x.encodng", "encoding"),
        ('[privacy]\nidentity = "sealed"', "avain.toml", "AVAIN_SEAL_KEYS"),
        ('environment = "production"', "avain.toml", "AVAIN_REDIS_URL"),
    ],
)
def test_a_mistake_is_refused_with_its_path_and_what_is_allowed(file, content, path, hint):
    said = refused(file, content)
    assert path in said
    assert hint in said


def test_broken_toml_and_missing_named_files_are_said(file, monkeypatch, tmp_path):
    assert "TOML" in refused(file, "a = = 1")
    monkeypatch.setenv("AVAIN_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load(tmp_path / "none.toml")


def test_a_misspelt_environment_variable_is_refused(file, monkeypatch):
    monkeypatch.setenv("AVAIN_DATABSE_URL", "x")
    with pytest.raises(ConfigurationError, match="AVAIN_DATABASE_URL"):
        load(file)


def test_the_environment_wins_over_the_file(file, monkeypatch):
    file.write_text("[mail]\nport = 26\nhost = 'a.invalid'", "utf-8")
    monkeypatch.setenv("AVAIN_MAIL__PORT", "2525")
    assert (load(file).mail.port, load(file).mail.host) == (2525, "a.invalid")


def test_an_env_file_shared_with_compose_is_read_for_our_part(file, tmp_path):
    (tmp_path / ".env").write_text("OWNER_PASSWORD=x\nAVAIN_HASH_KEY=0123456789abcdef0123456789abcdef\n", "utf-8")
    assert load(file).hash_key is not None
    (tmp_path / ".env").write_text("AVAIN_HASHKEY=x\n", "utf-8")
    assert "hash_key" in refused(file, "")


def test_secrets_are_not_shown(file, monkeypatch):
    monkeypatch.setenv("AVAIN_HASH_KEY", "short-but-secret")
    said = refused(file, "")
    assert "32" in said
    assert "short-but-secret" not in said
    monkeypatch.setenv("AVAIN_HASH_KEY", "0123456789abcdef0123456789abcdef")
    assert "0123456789abcdef" not in load(file).model_dump_json() + repr(load(file))
