"""What the tests of seals stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded import Embedded
from tests.support.audit_trail import Trail, audit_trail


@pytest.fixture
def trail(database: Embedded, tmp_path: Path) -> Iterator[Trail]:
    """A trail of the test's own."""
    with audit_trail(database, tmp_path) as made:
        yield made
