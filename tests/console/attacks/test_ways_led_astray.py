"""Where the console leads a browser, and under which name it answers: never to where an address, a header or a form says."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.web.hosts import host_name
from console.web.paths import safe_path
from core.clock import business_now
from services.access import entry
from tests.support.browsing import ORIGIN, Browser

#: Ways to write another server's address that some browser or library reads as one.
ELSEWHERE = (
    "https://evil.test", "//evil.test", "///evil.test", "////evil.test/%2e%2e", "/\\evil.test", "/\\/evil.test", "\\/\\/evil.test", "/\t/evil.test",
    "/\n/evil.test", "\r//evil.test", " //evil.test", "//evil.test\\@127.0.0.1", "https:evil.test", "https:/evil.test", "javascript:alert(1)",
    "data:text/html,x", "//evil%E3%80%82test", "//\uff45vil.test", "/\u2028/evil.test", "//@evil.test", "//127.0.0.1:8765@evil.test",
    "http://127.0.0.1:8765.evil.test", "//[::ffff:203.0.113.1]/", "%2f%2fevil.test", "/%0d%0aLocation:%20https://evil.test", "/\r\nLocation: //evil.test",
    "/login?to=//evil.test", "/logout", "/enter/x", "/\u00a0/evil.test", "/\x0b/evil.test", "/\x00//evil.test", "?to=//evil.test", "#//evil.test", "",
)  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_after_signing_in_nobody_is_led_elsewhere(app, session, sign_in, wanted):
    """Open redirects: by the address, for who is in already; and by the cookie that remembers it, for who comes in."""
    for value in (wanted, quote(wanted), quote(quote(wanted, safe=""), safe="")):
        answer = sign_in("operator").client.get(f"/login?to={quote(value, safe='')}", follow_redirects=False)
        assert answer.status_code == 303
        assert stays_here(answer.headers["location"]), answer.headers["location"]
    token = entry.make_link(session, worker=None, now=business_now(session), actor="cli:test")
    session.flush()
    browser = Browser(app)
    browser.client.cookies.set(app.state.console.login_cookie, quote(wanted, safe=""), domain="127.0.0.1")
    answer = browser.client.post(f"/enter/{token}", headers={"origin": ORIGIN}, follow_redirects=False)
    assert stays_here(answer.headers["location"]), answer.headers["location"]


def stays_here(location: str) -> bool:
    """Whether a browser at the console stays there: as the standard says, and as those do that forgive backslashes and spaces."""
    forgiven = "".join(sign for sign in location if sign > " ").replace("\\", "/")
    return all(
        urljoin(f"{ORIGIN}/login", one).startswith(f"{ORIGIN}/")
        and not one.startswith("//")
        and not urlsplit(one).netloc
        for one in (location, forgiven)
    )


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("/\\.:@?#%\t\r\n \x00\u2028aehlptv23f5cCdD[]"), max_size=14).map(lambda rest: f"/{rest}")
)
def test_no_way_of_writing_an_address_leads_elsewhere(wanted):
    assert stays_here(safe_path(wanted))


#: Headers by which some frameworks let the sender say where the server is.
SAYING = (
    {"x-forwarded-host": "evil.test"}, {"forwarded": "host=evil.test;proto=https"}, {"x-host": "evil.test"}, {"x-original-host": "evil.test"},
    {"x-forwarded-server": "evil.test"}, {"x-original-url": "/healthz"}, {"x-rewrite-url": "/healthz"}, {"x-forwarded-prefix": "/evil"},
    {"x-forwarded-proto": "javascript"}, {"x-forwarded-port": "1"}, {"referer": "https://evil.test/"}, {"origin": "https://evil.test"},
)  # fmt: skip


@pytest.mark.parametrize("said", SAYING, ids=lambda one: next(iter(one)))
def test_what_a_request_says_of_our_name_is_not_repeated(app, sign_in, said):
    worker = sign_in("worker")
    for browser, path in (
        (worker, "/"),
        (worker, "/cases?q=x"),
        (worker, "/nothing"),
        (Browser(app), "/cases"),
        (Browser(app), "/login"),
    ):
        answer = browser.client.get(path, headers=said, follow_redirects=False)
        told = answer.text + str(answer.headers)
        assert "evil" not in told
        assert "javascript" not in told
        assert answer.status_code in {200, 303, 404}


@pytest.mark.parametrize(
    "host",
    [
        "evil.test", "127.0.0.1.evil.test", "127.0.0.1@evil.test", "evil.test#127.0.0.1", "127.0.0.1/evil.test", "localhost.evil.test",
        "evil.test:80@127.0.0.1", " evil.test", "127.0.0.1 evil.test", "127.0.0.1,evil.test", "[::1].evil.test", "[evil.test]", "", ":", "[", "[]:80",
        "0", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhos\u212a", "xn--localhost-", "127.0.0.1%00.evil.test",
    ],
)  # fmt: skip
def test_under_another_name_nothing_is_answered(app, sign_in, host):
    """Host header attacks, and DNS rebinding: a page of somebody else's that suddenly leads to this machine."""
    browser = sign_in("worker")
    for path in ("/", "/login", "/cases", "/reply/x", "/static/console.css"):
        answer = browser.client.get(path, headers={"host": host.encode("utf-8")}, follow_redirects=False)
        assert answer.status_code == 400, (path, host_name(host))
        assert "location" not in answer.headers
        assert "evil" not in answer.text.lower()


def test_the_way_back_from_a_login_provider_is_ours_whatever_the_host_says(make_app):
    """The address that a provider leads back to, and a calendar's, are made from the settings alone."""
    app = make_app(public_url=ORIGIN, oidc={"issuer": "https://127.0.0.1:1/x", "client_id": "avain"})
    from starlette.requests import Request

    from console.pages.access import _CALLBACK, _address
    from console.visit import Guest

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/login",
        "headers": [(b"host", b"evil.test")],
        "query_string": b"",
        "server": ("evil.test", 80),
    }
    assert _address(Guest(Request(scope), app.state.console), _CALLBACK) == f"{ORIGIN}/login/callback"


@pytest.mark.parametrize(
    "value",
    [
        "%0d%0aX-Injected:%20yes",
        "%0aX-Injected:yes",
        "%E5%98%8A%E5%98%8DX-Injected:yes",
        "%c4%8d%c4%8aX-Injected:%20yes",
        "%00",
        "%E2%80%A8",
    ],
)
def test_no_value_becomes_a_header(app, sign_in, value):
    """Response splitting: in what is led on to, in cookies, and in the names of files."""
    browser = sign_in("worker", "price_manager")
    for path in (
        f"/login?to=/{value}",
        f"/cases?q={value}&lang={value}",
        f"/compare.pdf?baseline={value}",
        f"/prices/template/{value}/csv",
        f"/{value}",
    ):
        answer = browser.client.get(path, headers={"accept-language": "sv"}, follow_redirects=False)
        assert "x-injected" not in answer.headers
        assert not any(sign in one for one in answer.headers.values() for sign in "\r\n\0")
