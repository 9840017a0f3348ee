"""The console with a case source `a` and a price source `p`."""

import pytest

from tests.support.browsing import settings_for

SOURCES = {"cases": {"a": {"path": "/nowhere/*.xml"}}, "prices": {"p": {"kind": "own", "path": "/nowhere/p.csv"}}}


@pytest.fixture
def app(app, monkeypatch):
    """The application with a case source `a` and a price source `p`; nobody is hinted."""
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)
    console = app.state.console
    configured = settings_for().model_copy(update={"sources": type(console.settings.sources).model_validate(SOURCES)})
    object.__setattr__(console, "settings", configured)
    return app


@pytest.fixture
def operator(sign_in):
    return sign_in("operator")
