"""The console in the test process, over the test's own transaction: what a page writes is undone with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from console.app import create_app
from tests.support.browsing import Browser, Opener, settings_for


@pytest.fixture
def make_app(session: Session) -> Callable[..., FastAPI]:
    """`make_app(idle_minutes=5)`: the application with other settings under `[console]`; `family={…}`: with "My budget"."""

    def make(**console: Any) -> FastAPI:
        return create_app(
            settings_for(**console), transaction=lambda: _within(session), redis_url=lambda: "redis://127.0.0.1:1/0"
        )

    return make


@pytest.fixture
def app(make_app: Callable[..., FastAPI]) -> FastAPI:
    """The application with the tests' settings; `app.state.console.transaction` is a savepoint of the test's session."""
    return make_app()


@pytest.fixture
def family_app(make_app: Callable[..., FastAPI]) -> FastAPI:
    """The application with "My budget" turned on; tests/support/families.py signs a family in."""
    return make_app(family={})


@contextmanager
def _within(session: Session) -> Iterator[Session]:
    """A transaction as a page has it, inside the test's own: committed into a savepoint, or rolled back."""
    with (
        Session(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False) as inner,
        inner.begin(),
    ):
        yield inner
    session.expire_all()


@pytest.fixture
def sign_in(app: FastAPI, session: Session) -> Iterator[Callable[..., Browser]]:
    """`sign_in("worker", worker="W-1")`: a browser in which somebody with these roles is signed in."""
    with Opener(app, session) as opener:
        yield opener.sign_in
