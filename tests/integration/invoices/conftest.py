"""An order that is billed."""

import pytest
from sqlalchemy.orm import Session

from tests.support.billing import Billing


@pytest.fixture
def billing(session: Session) -> Billing:
    return Billing(session)
