"""What is for tests and first looks is refused in production, however it is asked for."""

import re
from pathlib import Path

import pytest

from core import embedded
from core.errors import ConfigurationError
from core.settings import ROOT, load

COMPLETE = """environment = "production"
database_url = "postgresql://avain_app@db.test/avain"
redis_url = "rediss://redis.test"
hash_key = "invented-and-long-enough-to-be-taken-as-one"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL", "HASH_KEY", "CONFIG", "ENVIRONMENT", "TEST_CLOCK", "TEST_FAULTS"):
        monkeypatch.delenv(f"AVAIN_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "avain.toml"
    made.write_text(COMPLETE, "utf-8")
    return made


def test_embedded_servers_are_refused_in_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The extra may be there by mistake, and whoever calls may have passed the settings by: they do not start. (It is refused before it is looked
    at which; none are asked for, so that none would stay behind.)
    """
    monkeypatch.setenv("AVAIN_ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="not for production"):
        embedded.start(tmp_path / "home", services=())
    assert not list(tmp_path.iterdir())


def test_the_image_is_of_production_alone():
    """No extra, no tool and no test finds its way into it: two locks, and what .dockerignore lets through."""
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"-r requirements/(\S+)", dockerfile)) == {"bootstrap.txt", "production.txt"}
    assert "AVAIN_ENVIRONMENT=production" in dockerfile
    assert not re.search(r"embedded|\[dev\]|dev\.txt", dockerfile)
    assert {"tests", "bench", ".venv", ".env", "var", "dist"} <= set(
        (ROOT / ".dockerignore").read_text("utf-8").split()
    )


@pytest.mark.parametrize("missing", ["database_url", "redis_url"])
def test_production_without_servers_of_its_own_is_refused(file: Path, missing: str):
    assert not load(file).embedded
    file.write_text("\n".join(line for line in COMPLETE.splitlines() if not line.startswith(missing)), "utf-8")
    with pytest.raises(ConfigurationError, match=f"AVAIN_{missing.upper()}"):
        load(file)


@pytest.mark.parametrize("name", ["AVAIN_TEST_CLOCK", "AVAIN_TEST_FAULTS"])
def test_aids_of_tests_are_refused_in_production(file: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=f"{name}: only for tests"):
        load(file)
    file.write_text(COMPLETE.replace("production", "development"), "utf-8")
    assert load(file).environment == "development"
