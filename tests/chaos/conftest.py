"""Whoever forks the processes that are killed."""

from collections.abc import Iterator

import pytest

from tests.support import lives as support
from tests.support.lives import Lives


@pytest.fixture(scope="session")
def lives() -> Iterator[Lives]:
    """Forks a process for every life it is told of."""
    with support.lives() as made:
        yield made
