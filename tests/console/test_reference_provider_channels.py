"""How a provider's orders go out, on its form and page: the channel and its settings, terms; no secrets."""

import pytest
from sqlalchemy import text

from services.access.people import PRICE_MANAGER
from tests.console.test_reference_providers import NEW, stored
from tests.factories.provider import make_provider
from tests.factories.service import make_service


@pytest.fixture
def manager(sign_in):
    return sign_in(PRICE_MANAGER)


@pytest.fixture
def nepsy(session):
    return make_service(session, code="NEPSY")


def test_secrets_of_a_channel_are_shown_nowhere(session, manager, nepsy):
    """They stand in avain.toml; what an earlier version kept with a provider is shown by nothing and goes with the next change."""
    make_provider(
        session,
        business_id="9999996-8",
        channel="file",
        channel_settings={"folder": "a", "password": "hunter2"},
    )
    for path in ("/providers", "/providers/9999996-8", "/providers/9999996-8/edit"):
        assert "hunter2" not in manager.get(path).answer.text
    page = manager.submit(
        manager.get("/providers/9999996-8/edit"), "/providers/9999996-8/edit", {"channel_settings.folder": "b"}
    )
    assert page.status == 200
    assert stored(session)["channel_settings"] == {"folder": "b"}
    told = session.execute(text("SELECT string_agg(CAST(details AS text), ' ') FROM audit_event")).scalar()
    assert "hunter2" not in told


def test_how_orders_go_out_and_on_what_terms_is_said_on_the_page_and_stays(session, manager, nepsy):
    terms = "Puolet hinnasta.\nSovitaan erikseen."
    more = {
        "order_period": "monthly", "contract.0.no_show_terms": terms,
        "channel_settings.attach_xml": "false", "channel_settings.profile": "ordering",
    }  # fmt: skip
    assert manager.submit(manager.get("/providers/new"), "/providers/new", NEW | more).status == 200
    manager.submit(manager.get("/providers/9999996-8/edit"), "/providers/9999996-8/edit", {"name": "Uusi Oy"})
    kept = stored(session)
    assert (kept["name"], kept["order_period"]) == ("Uusi Oy", "monthly")
    assert kept["channel_settings"] == {"attach_xml": False, "profile": "ordering"}
    said = session.execute(text("SELECT no_show_terms, cancellation_terms FROM contract")).one()
    assert (said.no_show_terms.splitlines(), said.cancellation_terms) == (terms.splitlines(), "")
    manager.submit(manager.get("/providers/9999996-8/edit"), "/providers/9999996-8/edit", {"order_period": ""})
    assert stored(session)["order_period"] is None


@pytest.mark.parametrize(
    ("channel", "setting", "said"),
    [
        ("sftp", {}, "It is not said which connection orders go out by"),
        ("file", {"channel_settings.folder": "../x"}, "may hold letters, digits, hyphens and underscores only"),
        ("email", {"channel_settings.folder": "x"}, "Folder: is nothing this channel knows"),
    ],
)
def test_a_way_that_does_not_lead_there_is_said(manager, nepsy, channel, setting, said):
    page = manager.submit(manager.get("/providers/new"), "/providers/new", NEW | {"channel": channel} | setting)
    assert page.status == 422
    assert said in page.text
