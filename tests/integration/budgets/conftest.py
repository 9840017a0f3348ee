"""The family whose budget is looked at."""

import pytest
from sqlalchemy.orm import Session

from tests.support.family import Family


@pytest.fixture
def family(session: Session) -> Family:
    return Family(session)
