"""What several integration tests stand on.

With TEST_SERVICES=debian all of them run on Debian's PostgreSQL behind PgBouncer and Debian's Redis (tests/support/debian_servers.py)
instead of the embedded servers: `make test-debian`, and `make check` where Debian's packages can be had.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.embedded import Embedded
from tests.conftest import debian_services, engine_of_shared
from tests.support.in_process import InProcess, in_process


@pytest.fixture(scope="session")
def services(embedded_services: Embedded) -> Iterator[Embedded]:
    """The servers of the run that were asked for."""
    if os.environ.get("TEST_SERVICES") == "debian":
        with debian_services() as running:
            yield running
    else:
        yield embedded_services


@pytest.fixture(scope="session")
def shared_engine(services: Embedded) -> Iterator[Engine]:
    """Over a database on these servers: the one of the other folders may be elsewhere."""
    with engine_of_shared(services) as engine:
        yield engine


@pytest.fixture
def here(database: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """An installation of the test's own, whose tasks run in this process."""
    with in_process(database, tmp_path, monkeypatch) as made:
        yield made
