"""One county for all tests of the checks: each breaks something in a transaction that it takes back."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from core.database import make_engine
from core.embedded import Embedded
from tests.conftest import own_database
from tests.integration.consistency.world import Place, in_order, owner_of


@pytest.fixture(scope="module")
def place(services: Embedded) -> Iterator[Place]:
    """A county in order."""
    with own_database(services) as database:
        app, owner = make_engine(database.database_url), owner_of(database)
        with Session(app) as session, session.begin():
            in_order(session)
        yield Place(owner)
        app.dispose()
        owner.dispose()
