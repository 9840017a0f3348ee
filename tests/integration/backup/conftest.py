"""A database with something in it, and one copy of it that several tests only read."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from models.access import ConsoleSession
from services import audit, numbers
from services.backup.making import Made, make
from services.work import call
from tests.conftest import own_database
from tests.factories.follow_up import make_followed

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


def fill(database: Embedded) -> None:
    """A little of everything that a copy must bring along."""
    engine = make_engine(database.database_url)
    with Session(engine) as session, session.begin():
        make_followed(session)
        numbers.take(session, "T", 2026, 7)
        audit.record(session, "cli:test", "thing.done", "case:HB-2026-000001", now=NOW)
        call(session, "nightly_cases", "nightly_cases@now")
        session.add(
            ConsoleSession(
                cookie=b"c", subject="s", name="n", roles=["worker"], csrf="x", created_at=NOW, seen_at=NOW, expires_at=NOW
            )
        )  # fmt: skip
    engine.dispose()


@pytest.fixture(scope="session")
def services(embedded_services: Embedded) -> Embedded:
    """Always the embedded servers: a copy goes by the owner's own way, past any pooler, and what is made by hand here is made with the
    programs that came with this server.
    """
    return embedded_services


@pytest.fixture(scope="module")
def original(services: Embedded) -> Iterator[Embedded]:
    """A database that nobody changes."""
    with own_database(services) as made:
        fill(made)
        yield made


@pytest.fixture(scope="module")
def copied(original: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Its copy."""
    return make(original.database_owner_url, tmp_path_factory.mktemp("copies") / "avain.dump")
