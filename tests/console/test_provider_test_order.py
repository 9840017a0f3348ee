"""A test order asked for on a provider's page: called for, recorded, or refused with a sentence."""

from sqlalchemy import text

from services.access.people import AUDITOR, PRICE_MANAGER
from tests.factories.provider import make_provider

PATH = "/providers/9999996-8/test-order"


def test_a_test_order_is_called_for(session, sign_in):
    make_provider(session, business_id="9999996-8", email="tilaukset@esimerkki.invalid")
    manager = sign_in(PRICE_MANAGER)
    page = manager.submit(manager.get("/providers/9999996-8"), PATH)
    assert page.status == 200
    assert "Trying the way to a provider" in page.text
    (work,) = session.execute(text("SELECT arguments FROM work WHERE kind = 'send_test_order'")).all()
    assert work.arguments["number"].startswith("TESTI-")
    assert session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'provider.tried'")).scalar() == 1


def test_what_cannot_be_reached_says_why(session, sign_in):
    make_provider(session, business_id="9999996-8", channel="sftp")
    manager = sign_in(PRICE_MANAGER)
    page = manager.submit(manager.get("/providers/9999996-8"), PATH)
    assert page.status == 422
    assert "It is not said which connection orders go out by" in page.text
    assert not session.execute(text("SELECT 1 FROM work WHERE kind = 'send_test_order'")).all()


def test_it_is_offered_to_who_may_and_where_there_is_a_way(session, sign_in):
    provider = make_provider(session, business_id="9999996-8")
    assert not sign_in(AUDITOR).get("/providers/9999996-8").all(f'//form[@action="{PATH}"]')
    manager = sign_in(PRICE_MANAGER)
    assert manager.get("/providers/9999996-8").all(f'//form[@action="{PATH}"]//button')
    provider.channel = "external"
    session.flush()
    assert not manager.get("/providers/9999996-8").all(f'//form[@action="{PATH}"]//button')
