"""A client information system with views for Avain, and the source that reads them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded import Embedded
from tests.support.client_system import PEOPLE, ClientSystem, Source, client_system


@pytest.fixture
def system(database: Embedded) -> Iterator[ClientSystem]:
    with client_system(database) as made:
        made.change(PEOPLE)
        yield made


@pytest.fixture
def source(system: ClientSystem, tmp_path: Path) -> Source:
    return Source(system, tmp_path)
