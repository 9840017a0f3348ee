"""Homes for the embedded services: fresh, shared by a module, closed to all but root."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import embedded
from core.embedded import place as places


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
