"""What several integration tests stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded import Embedded
from tests.support.in_process import InProcess, in_process


@pytest.fixture
def here(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """An installation of the test's own, whose tasks run in this process."""
    with in_process(database, tmp_path, monkeypatch) as made:
        yield made
