"""Whoever forks the processes that are killed."""

import pytest

from tests.support import lives as support
from tests.support.lives import Lives


@pytest.fixture(scope="session")
def lives() -> Lives:
    """Forks a process for every life it is told of."""
    return support.lives()
