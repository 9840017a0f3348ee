"""An installation under attack: one of every row that an address names, and no worker is told of what is called."""

import pytest

from tests.support.office import NOW
from tests.support.one_of_each import OneOfEach


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026; no worker is told of work."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)
    monkeypatch.setattr("console.pages.my_in.EVEN_SECONDS", 0.0)


@pytest.fixture
def world(session, family_app) -> OneOfEach:
    """Two workers of two units (tests/support/one_of_each.py); `family_app` shows it."""
    return OneOfEach(session, family_app.state.console.settings)
