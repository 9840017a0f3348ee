"""A world in which the workers, unit and services are known that the records of case exports name."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.case_world import World


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    make_worker(session, external_id="W-101")
    make_worker(session, external_id="W-102")
    make_unit(session, code="U-1")
    make_service(session, code="NEPSY")
    make_service(session, code="PERHETYO")
    return World(session, tmp_path)
