"""One-time links: from this machine, once, within a quarter of an hour; never in production or beside a login provider."""

import pytest
from sqlalchemy import text

from console.app import create_app
from core.clock import business_now
from core.errors import InputError, NotFound
from core.settings import Settings
from models.access import ROLES
from services.access import entry
from tests.console.conftest import _within
from tests.factories.worker import make_unit, make_worker
from tests.support.browsing import ORIGIN, Browser


@pytest.fixture
def made(session):
    """Makes links."""

    def make(worker: str | None = None) -> str:
        token = entry.make_link(session, worker=worker, now=business_now(session), actor="cli:test")
        session.flush()
        return f"/enter/{token}"

    return make


@pytest.fixture
def browser(app):
    return Browser(app)


def signed_in(session) -> list:  # type: ignore[type-arg]
    return list(session.execute(text("SELECT * FROM console_session WHERE revoked_at IS NULL")).all())


def test_the_local_user_enters_once(session, made, browser):
    link = made()
    for _ in range(2):
        page = browser.get(link)
        assert "works once" in page.text, "looking does not use it up"
    assert signed_in(session) == []
    answer = browser.client.post(link, headers={"origin": ORIGIN}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    (row,) = signed_in(session)
    assert (row.subject, row.everything, set(row.roles), row.name) == ("local", True, set(ROLES), "Local user")
    assert browser.get("/").status == 200
    events = session.execute(
        text("SELECT actor, action FROM audit_event WHERE action LIKE 'console.%' ORDER BY id")
    ).all()
    assert events == [("cli:test", "console.link_made"), ("user:local", "console.signed_in")]
    for again in (browser.get(link), browser.post(link)):
        assert again.status == 403
        assert "used already or is too old" in again.text
    assert len(signed_in(session)) == 1


@pytest.mark.parametrize(("supervises", "roles"), [(False, ["worker"]), (True, ["supervisor", "worker"])])
def test_as_a_worker(session, made, browser, supervises, roles):
    worker = make_worker(session, external_id="W-101", language="sv")
    make_unit(session, supervisor_id=worker.id if supervises else None)
    page = browser.post(made("W-101"))
    assert page.tree.get("lang") == "sv"
    (row,) = signed_in(session)
    assert (row.worker_id, row.everything, row.roles, row.subject) == (worker.id, False, roles, "local:W-101")
    session.execute(text("UPDATE worker SET active = false"))
    assert browser.client.get("/", follow_redirects=False).status_code == 303


def test_a_link_of_a_worker_who_left_is_good_no_more(session, made, browser):
    make_worker(session, external_id="W-101")
    link = made("W-101")
    session.execute(text("UPDATE worker SET active = false"))
    assert browser.post(link).status == 403
    assert signed_in(session) == []


def test_links_are_made_for_active_workers(session, made):
    with pytest.raises(NotFound, match="no worker W-9"):
        made("W-9")
    make_worker(session, external_id="W-101", active=False)
    with pytest.raises(InputError, match="not active"):
        made("W-101")


def test_a_link_grows_old(session, made, browser):
    link = made()
    session.execute(text("UPDATE entry_link SET expires_at = expires_at - interval '15 min'"))
    assert browser.get(link).status == 403
    assert browser.post(link).status == 403
    assert signed_in(session) == []


@pytest.mark.parametrize(
    "headers",
    [{"host": "avain.test"}, {"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}, {"origin": "https://evil.test"}],
)  # fmt: skip
def test_only_from_this_machine(session, made, browser, headers):
    link = made()
    answer = browser.client.post(link, headers={"origin": ORIGIN, **headers})
    assert answer.status_code in {400, 403}
    assert signed_in(session) == []
    if "origin" not in headers:
        assert "works once" not in browser.client.get(link, headers=headers).text


def test_not_from_another_address(session, made, app):
    from starlette.testclient import TestClient

    link = made()
    with TestClient(app, base_url=ORIGIN, client=("10.0.0.7", 50000)) as client:
        for answer in (client.get(link), client.post(link, headers={"origin": ORIGIN})):
            assert answer.status_code == 403
            assert "on the machine that Avain runs on" in answer.text
    assert signed_in(session) == []


def test_never_in_production(session, made):
    production = Settings(
        environment="production",
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        hash_key="x" * 32,
    )
    app = create_app(production, transaction=lambda: _within(session), redis_url=lambda: "redis://127.0.0.1:1/0")
    browser = Browser(app)
    link = made()
    for page in (browser.get(link), browser.post(link)):
        assert page.status == 403
        assert "not with a link" in page.text
    assert "no login provider" in browser.get("/login").text


def test_the_page_without_a_provider_says_how_to_come_in(browser):
    assert "avain console link" in browser.get("/login").text


def test_a_link_of_an_e_mail_is_remembered_until_somebody_comes_with_a_link(made, browser):
    browser.get("/follow-ups/17")
    answer = browser.client.post(made(), headers={"origin": ORIGIN}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/follow-ups/17")
    browser.client.cookies.clear()
    answer = browser.client.post(made(), headers={"origin": ORIGIN}, follow_redirects=False)
    assert answer.headers["location"] == "/", "and forgotten afterwards"
    browser.client.cookies.set("avain-login", "https%3A%2F%2Fevil.test", domain="127.0.0.1")
    assert browser.client.post(made(), headers={"origin": ORIGIN}, follow_redirects=False).headers["location"] == "/"
