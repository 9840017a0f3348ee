"""Sources of what comes in about orders, on the pages of all sources."""

from dataclasses import replace

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import business_now
from core.source_settings import IncomingSource, Sources
from services.lights import lights
from services.sources import call_fetch, find_source


@pytest.fixture
def configured(app: FastAPI) -> Sources:
    """The console knows an incoming source `posti`."""
    sources = Sources(incoming={"posti": IncomingSource(path="/nowhere/*", provider="1234567-1")})
    known = app.state.console
    app.state.console = replace(known, settings=known.settings.model_copy(update={"sources": sources}))
    return sources


def test_an_incoming_source_stands_among_the_others(configured, sign_in):
    browser = sign_in("operator")
    assert "posti" in browser.get("/sources").text
    page = browser.get("/sources/posti?lang=en")
    assert (page.status, "/nowhere/*" in page.text, "1234567-1" in page.text) == (200, True, True)
    assert browser.get("/?lang=en").status == 200


def test_who_may_have_it_read(configured, sign_in, session: Session):
    operator = sign_in("operator")
    page = operator.get("/sources/posti")
    assert operator.submit(page, "/sources/posti/read").status == 200
    keys = session.execute(text("SELECT kind FROM work WHERE arguments ->> 'source' = 'posti'")).scalars().all()
    assert keys == ["fetch_incoming"]
    manager = sign_in("price_manager")
    form = {"csrf": manager.get("/sources").form("/logout")["csrf"]}
    assert manager.post("/sources/posti/read", form).status == 403


def test_its_light_is_that_of_its_latest_quarter_of_an_hour(configured, app, session: Session):
    settings, now = app.state.console.settings, business_now(session)
    call_fetch(session, find_source(configured, "posti"), "by hand")
    (light,) = [one for one in lights(session, settings, now) if one.name == "posti"]
    assert light.about.text("en") == "answers and invoices"
