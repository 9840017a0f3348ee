"""A provider with a contract and two services, lists of its own, and a county with one price source."""

import pytest

from tests.factories.provider import make_contract, make_provider
from tests.factories.service import make_service
from tests.support.price_rows import Importing
from tests.support.price_source import county

__all__ = ["county"]


@pytest.fixture
def nepsy(session):
    return make_service(session, code="NEPSY-VALMENNUS", name_fi="nepsy-valmennus")


@pytest.fixture
def support(session):
    return make_service(session, code="TUKIHENKILO", name_fi="ammatillinen tukihenkilö", unit="HUR")


@pytest.fixture
def provider(session, nepsy, support):
    provider = make_provider(session, services=[nepsy, support])
    make_contract(session, provider, number="S-1", rule={"kind": "percent", "percent": "3"})
    return provider


@pytest.fixture
def bring(session, provider):
    return Importing(session, provider)
