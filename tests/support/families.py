"""Families at "My budget", for the tests of its pages."""

from fastapi import FastAPI
from sqlalchemy.orm import Session

from core.clock import business_now
from core.keys import family_code_key
from models.case import Case
from services.family import links
from services.family.links import MadeLink
from services.family.sessions import Holder, open_session
from tests.support.browsing import Browser


def make_link(
    app: FastAPI, session: Session, case: Case, holder: Holder = "client", *, actor: str = "test"
) -> MadeLink:
    """A link with its code, as the case's worker makes it."""
    settings = app.state.console.settings
    return links.make_link(
        session,
        case.number,
        holder=holder,
        actor=actor,
        now=business_now(session),
        key=family_code_key(settings),
        settings=settings.family,
    )


def come_in(app: FastAPI, session: Session, case: Case, holder: Holder = "client") -> Browser:
    """A browser in which the family of a case (or its support person) has come in by a link. `app`: the fixture `family_app`, or another
    with `[family]` turned on.
    """
    made = make_link(app, session, case, holder)
    minutes = app.state.console.settings.family.session_minutes
    _id, secret = open_session(session, link_id=made.id, minutes=minutes)
    session.flush()
    browser = Browser(app)
    browser.client.cookies.set(app.state.console.family_cookie, secret, domain="127.0.0.1")
    return browser
