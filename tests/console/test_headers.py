"""Security headers on every answer, and pages that keep to them."""

import re

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from structlog.testing import capture_logs

from console.app import create_app
from console.templating import HERE
from console.web.headers import content_security_policy
from core.settings import ROOT
from tests.support.browsing import ORIGIN, Browser, settings_for

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def held(answer) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.get(name) == value, (answer.status_code, name)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "server" not in answer.headers


@pytest.fixture
def failing(app, sign_in):
    """A page that fails as nobody expected."""

    def boom() -> None:
        raise ZeroDivisionError("a name of somebody")

    app.add_api_route("/boom", boom)
    with capture_logs():
        yield sign_in("operator")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("GET", f"{ORIGIN}//evil.test/", 404),
        ("DELETE", "/", 405),
        ("POST", "/logout", 403),
        ("GET", "/login?to=//evil.test", 303),
        ("GET", "/static/console.css", 200),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/healthz", 200),
        ("GET", "/boom", 500),
    ],
)
def test_every_answer_has_them(failing, method, path, status):
    answer = failing.client.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    held(answer)
    assert "strict-transport-security" not in answer.headers


def test_answers_for_nobody_have_them(app):
    browser = Browser(app)
    for path in ("/", "/login", "/enter/x", "/logout", "/login/callback"):
        held(browser.client.get(path, follow_redirects=False))
    held(browser.client.get("/", headers={"host": "evil.test"}))


def test_an_unexpected_error_is_a_page_in_the_readers_language_and_tells_nothing(failing):
    page = failing.get("/boom")
    assert "Something went wrong in Avain" in page.text
    assert "ZeroDivision" not in page.answer.text
    assert "name of somebody" not in page.answer.text
    swedish = failing.get("/boom?lang=sv").answer.text
    assert 'lang="sv"' in swedish


@pytest.mark.parametrize(
    "error", [OperationalError("SELECT", {}, Exception("password in here")), PoolTimeoutError("password in here")]
)
def test_a_database_that_is_away_is_said(error):
    def away():
        raise error

    app = create_app(settings_for(), transaction=away)
    browser = Browser(app, "some cookie")
    answer = browser.client.get("/")
    assert answer.status_code == 503
    assert "cannot reach its database" in answer.text
    assert "password" not in answer.text
    held(answer)


def test_pages_are_kept_by_nobody_and_static_files_for_ever(sign_in):
    browser = sign_in("operator")
    assert browser.get("/").answer.headers["cache-control"] == "no-store"
    (style,) = browser.get("/").all("//link[@rel='stylesheet']/@href")
    assert "immutable" in browser.client.get(style).headers["cache-control"]


def test_https_has_hsts_and_a_cookie_bound_to_the_host(make_app):
    app = make_app(public_url="https://avain.test", oidc={"issuer": "https://127.0.0.1:1", "client_id": "avain"})
    assert app.state.console.cookie == "__Host-avain"
    browser = Browser(app)
    answer = browser.client.get("/login", headers={"host": "avain.test"})
    assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert answer.status_code == 503, "the provider of this test is not there"
    page = browser.client.get("/", params={"lang": "sv"}, headers={"host": "avain.test"}, follow_redirects=False)
    assert "Secure" in page.headers["set-cookie"]


def test_a_form_may_lead_to_the_login_provider():
    oidc = {"issuer": "https://login.test:8443/realms/county", "client_id": "avain"}
    console = settings_for(public_url=ORIGIN, oidc=oidc).console
    assert "form-action 'self' https://login.test:8443;" in content_security_policy(console.oidc)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:8765", 200),
        ("evil.test", 400), ("127.0.0.1.evil.test", 400), ("[::2]", 400), ("", 400), ("avain.test", 400),
    ],
)  # fmt: skip
def test_only_its_own_names_are_answered(app, host, status):
    answer = Browser(app).client.get("/login", headers={"host": host})
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["//evil.test", "/%5Cevil.test", "/\\evil.test/x"])
def test_links_to_the_page_in_other_languages_stay_here(sign_in, path):
    page = sign_in("operator").get(ORIGIN + path)
    assert page.status == 404
    links = page.all("//footer//a/@href")
    assert links
    assert not [link for link in links if not re.match(r"/[^/\\]", link)]


@pytest.mark.parametrize("path", sorted((HERE / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_nothing_inline(path):
    content = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text("utf-8"), flags=re.DOTALL)  # what Jinja reads is not sent
    assert not re.search(r"\sstyle\s*=", content)
    assert not re.search(r"\son[a-z]+\s*=", content)
    assert not re.search(r"<style\b", content)
    assert not re.search(r"javascript:", content)
    assert not re.search(r"<script(?![^>]*\bsrc=)", content)
    assert not re.search(r"""(src|href)\s*=\s*["']https?:""", content), "nothing comes from elsewhere"
    assert "|safe" not in content.replace(" ", "")


def test_every_form_that_is_sent_has_its_token():
    """But the one that opens a session, and those for whoever holds a letter's link: there the address itself is what nobody else knows."""
    for path in sorted((HERE / "templates").rglob("*.html")):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text("utf-8"), re.DOTALL):
            free = path.name in {"enter.html", "in.html"} or path.parent.name == "reply"
            assert "csrf()" in form or free, f"{path.relative_to(ROOT)}: {form[:80]}"
