"""Free words about a follow-up, where identity is sealed: who reads them, and that reading is recorded."""

from datetime import date

import pytest
from sqlalchemy import text

from console.app import create_app
from tests.console.test_case_identity import settings
from tests.factories.follow_up import make_follow_up
from tests.support.browsing import Opener
from tests.support.office import Office

SAID = "Äiti kertoi, että aamut sujuvat."


@pytest.fixture
def sealed(app, session):
    """An installation that seals identity."""
    transaction = app.state.console.transaction
    made = create_app(settings(), transaction=transaction, redis_url=lambda: "redis://127.0.0.1:1/0")
    with Opener(made, session) as opener:
        yield opener.sign_in


def test_read_by_the_responsible_worker_and_nobody_else(session, sealed):
    office = Office(session)
    due = make_follow_up(session, office.item(chosen=True), planned_for=date(2026, 11, 16))
    at = f"/follow-ups/{due.id}"
    owner = sealed("worker", worker="W-1")
    page = owner.submit(owner.get(at), f"{at}/acknowledge", {"note": SAID})
    assert page.status == 200
    assert page.all("//p[@class='lines']")[0].text == SAID
    session.refresh(due)
    assert due.sealed_note is not None
    assert SAID.encode() not in due.sealed_note
    head = sealed("supervisor", worker="W-7")
    page = head.get(at)
    assert SAID not in page.tree.text_content()
    assert "read by the responsible worker" in page.text
    page = head.submit(page, f"{at}/correct", {"rating": "3", "rated_by": "adult", "reason": "puuttui"})
    assert page.status == 200
    page = owner.get(at)
    assert page.all("//p[@class='lines']")[0].text == SAID, "what the supervisor could not read stays"
    assert owner.submit(page, f"{at}/correct", {"note": "Toisin.", "reason": "tarkennus"}).status == 200
    page = owner.get(at)
    assert page.all("//p[@class='lines']")[0].text == "Toisin."
    assert "the free words were changed" in page.text
    trail = session.execute(text("SELECT actor, details::text FROM audit_event WHERE action = 'follow_up.note_viewed'"))
    assert {row.actor for row in trail} == {"worker:W-1"}
    kept = session.execute(text("SELECT count(*) FROM audit_event WHERE details::text LIKE '%Äiti%'")).scalar()
    assert kept == 0
