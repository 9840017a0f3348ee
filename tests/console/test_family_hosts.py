"""Where families' pages answer: nowhere while they are off, and under a name of their own if they have one."""

import pytest

from console.app import create_app
from tests.console.test_headers import held
from tests.factories.case import make_case
from tests.support.browsing import ORIGIN, Browser, settings_for
from tests.support.families import come_in, make_link

OWN = "https://oma.avain.test"
FAMILY, CONSOLE = {"host": "oma.avain.test"}, {"host": "127.0.0.1:8765"}
PATHS = (
    "/my",
    "/my/",
    "/my/in",
    "/my/in/abcd",
    "/my/login",
    "/my/login/callback",
    "/my/HB-2026-000001",
    "/my/anything/at/all",
)


@pytest.fixture
def published(make_app):
    return make_app(family={"public_url": OWN})


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_while_it_is_off_there_is_nothing(app, method):
    for path in PATHS:
        answer = Browser(app).client.request(method, path, headers={"origin": ORIGIN}, follow_redirects=False)
        assert answer.status_code == 404, path
        assert "There is no such page." in answer.text
        assert "My budget" not in answer.text


def test_off_means_off_for_the_worker_too(app, session, sign_in, make_app):
    case = make_case(session)
    browser = sign_in("worker", everything=True)
    page = browser.get(f"/cases/{case.number}")
    assert "My budget" not in page.answer.text
    (csrf,) = page.all("//form[@action='/logout']//input[@name='csrf']/@value")
    assert browser.post(f"/cases/{case.number}/links", {"csrf": csrf}).status == 404
    assert browser.post(f"/cases/{case.number}/links/1/revoke", {"csrf": csrf}).status == 404


def test_a_session_sleeps_while_it_is_off(app, session, family_app):
    browser = come_in(family_app, session, make_case(session))
    asleep = Browser(app)
    asleep.client.cookies.set("avain-my", browser.client.cookies["avain-my"], domain="127.0.0.1")
    assert asleep.get("/my/in").status == 404
    assert family_app.state.console.family_cookie == app.state.console.family_cookie


def test_a_name_of_its_own_answers_for_families_alone(published):
    browser = Browser(published)
    for path in PATHS:
        assert browser.client.get(path, headers=CONSOLE, follow_redirects=False).status_code == 400, path
    for path in ("/login", "/cases", "/reply/x", "/calendar/x.ics", "/enter/x", "/nothing", "/mys", "//my/in"):
        assert browser.client.get(f"{ORIGIN}{path}", headers=FAMILY, follow_redirects=False).status_code == 400, path
    for headers in (FAMILY, CONSOLE):
        assert browser.client.get("/static/my.css", headers=headers).status_code == 200
        assert browser.client.get("/healthz", headers=headers).status_code == 200
    assert browser.client.get("/", headers=FAMILY, follow_redirects=False).headers["location"] == "/my"
    assert browser.client.get("/my/in", headers=FAMILY).status_code == 200
    assert browser.client.get("/login", headers=CONSOLE).status_code == 200
    assert browser.client.get("/my/in", headers={"host": "evil.test"}).status_code == 400


def test_its_cookies_and_forms_are_bound_to_that_name(published, session):
    made = make_link(published, session, make_case(session))
    browser, fields = Browser(published), {"link": made.secret, "code": made.code}

    def send(origin):
        headers = {**FAMILY, "origin": origin}
        return browser.client.post("/my/in", data=fields, headers=headers, follow_redirects=False)

    assert send(ORIGIN).status_code == 403, "the console's own pages send nothing here"
    answer = send(OWN)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-avain-my=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"]
    spoken = browser.client.get("/my/in?lang=sv", headers=FAMILY).headers["set-cookie"]
    assert "Secure" in spoken
    # and no form of theirs goes to the console
    headers = {**CONSOLE, "origin": OWN}
    assert browser.client.post("/enter/x", headers=headers).status_code == 403


def test_every_answer_has_its_headers(family_app, session):
    browser = come_in(family_app, session, make_case(session))
    paths = ("/my/in", "/my/in/abcd", "/my/login/callback", "/my/HB-1999-000001", "/my/HB-1999-000001/support")
    for answer in [browser.client.get(path, follow_redirects=False) for path in paths]:
        held(answer)
        assert answer.headers["cache-control"] == "no-store"


def test_the_two_sessions_never_mix(family_app, session, sign_in):
    """A worker is nobody at /my; a family is nobody in the console; a cookie of one kind opens nothing of the other."""
    case = make_case(session)
    family = come_in(family_app, session, case)
    secret = family.client.cookies["avain-my"]
    crossed = Browser(family_app)
    crossed.client.cookies.set("avain", secret, domain="127.0.0.1")
    assert crossed.client.get("/cases", follow_redirects=False).headers["location"].startswith("/login")
    assert family.client.get(f"/cases/{case.number}", follow_redirects=False).headers["location"].startswith("/login")
    worker = sign_in("worker", everything=True)
    console = worker.client.cookies["avain"]
    crossed = Browser(family_app)
    crossed.client.cookies.update({"avain": console, "avain-my": console})
    assert crossed.client.get(f"/my/{case.number}/support", follow_redirects=False).headers["location"] == "/my/in"


def test_a_signed_out_family_keeps_what_it_wrote(family_app, session):
    browser = Browser(family_app)
    page = browser.post("/my/HB-2026-000001/support", {"csrf": "old", "words": "Two words, and more."})
    assert page.status == 401
    assert "Two words, and more." in page.text


def test_too_much_is_too_much(family_app, session):
    browser = come_in(family_app, session, make_case(session))
    page = browser.post("/my/out", {"csrf": "x" * 70_000})
    assert page.status == 413
    assert "more than can be sent at once" in page.text


def test_a_broken_database_is_said_to_families_too():
    from sqlalchemy.exc import OperationalError

    def away():
        raise OperationalError("SELECT", {}, Exception("password in here"))

    browser = Browser(create_app(settings_for(family={}), transaction=away))
    browser.client.cookies.set("avain-my", "some cookie", domain="127.0.0.1")
    page = browser.get("/my")
    assert page.status == 503
    assert "password" not in page.answer.text
