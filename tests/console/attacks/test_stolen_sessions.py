"""Sessions: nobody is given one that another made, no other secret is one, none lives on by itself, and what a browser holds of it is guarded."""

from typing import Any

import pytest
from sqlalchemy import text

from core.clock import business_now
from services.access import entry, sessions
from tests.console.test_who_may import csrf_of
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.families import come_in, make_link
from tests.support.one_of_each import OneOfEach

PLANTED = "planted-by-somebody-else"


def is_in(browser: Browser, at: str = "/") -> bool:
    return browser.client.get(at, follow_redirects=False).status_code == 200


def plant(browser: Browser, name: str, value: str) -> None:
    browser.client.cookies.set(name, value, domain="127.0.0.1")


def the_cookie(answer: Any, name: str) -> str:
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}=")]
    return str(cookie)


def test_coming_in_by_a_link_takes_no_value_that_was_planted(app, session):
    """Session fixation: a value that somebody put into the browser before never becomes the session."""
    token = entry.make_link(session, worker=None, now=business_now(session), actor="cli:test")
    session.flush()
    browser, other = Browser(app), Browser(app)
    plant(browser, "avain", PLANTED)
    answer = browser.client.post(f"/enter/{token}?avain={PLANTED}", headers={"origin": ORIGIN}, follow_redirects=False)
    assert answer.status_code == 303
    assert PLANTED not in the_cookie(answer, "avain")
    plant(other, "avain", PLANTED)
    assert is_in(browser)
    assert not is_in(other)


def test_a_family_that_comes_in_takes_no_value_that_was_planted(family_app, session, world: OneOfEach):
    made = make_link(family_app, session, world.cases()[0])
    browser, other = Browser(family_app), Browser(family_app)
    for one in (browser, other):
        plant(one, "avain-my", PLANTED)
    sent = {"link": made.secret, "code": made.code}
    answer = browser.client.post("/my/in", data=sent, headers={"origin": ORIGIN}, follow_redirects=False)
    assert answer.status_code == 303
    assert PLANTED not in the_cookie(answer, "avain-my")
    assert is_in(browser, f"/my/{world.mine['case']}")
    assert not is_in(other, f"/my/{world.mine['case']}")


def test_each_login_has_a_secret_and_a_token_of_its_own_and_neither_is_the_other(app, session, sign_in):
    browsers = [sign_in("operator", subject="same") for _ in range(3)]
    secrets_ = [one.client.cookies["avain"] for one in browsers]
    tokens = [csrf_of(one, app) for one in browsers]
    assert len({*secrets_, *tokens}) == 6
    assert all(len(one) >= 43 for one in (*secrets_, *tokens)), "256 bits"
    page = browsers[0].get("/").answer
    assert secrets_[0] not in page.text + str(page.headers)
    stranger = Browser(app)
    kept = session.execute(text("SELECT encode(cookie, 'hex') FROM console_session")).scalars()
    link = entry.make_link(session, worker=None, now=business_now(session), actor="cli:test")
    for value in (*tokens, *kept, link, "", "x" * 5000, "' OR true --", "%00", '"a"', "1"):
        plant(stranger, "avain", value)
        assert not is_in(stranger), value


def test_a_workers_cookie_is_no_familys_nor_the_other_way_round(family_app, session, world: OneOfEach):
    with Opener(family_app, session) as opener:
        worker, family = opener.sign_in("worker", worker="W-1"), come_in(family_app, session, world.cases()[0])
        of_worker, of_family = worker.client.cookies["avain"], family.client.cookies["avain-my"]
        at_home, swapped = f"/my/{world.mine['case']}", Browser(family_app)
        assert is_in(worker)
        assert is_in(family, at_home)
        plant(swapped, "avain", of_family)
        plant(swapped, "avain-my", of_worker)
        assert not is_in(swapped)
        assert not is_in(swapped, at_home)
        family_in_console, worker_at_home = Browser(family_app), Browser(family_app)
        plant(family_in_console, "avain-my", of_family)
        plant(worker_at_home, "avain", of_worker)
        assert not is_in(family_in_console, "/cases")
        assert not is_in(worker_at_home, at_home)


def test_bytes_that_are_no_cookie_are_nobodys(app):
    for value in (
        b"avain=\xff\xfe",
        b"avain",
        b"avain=a; avain=b",
        b"=",
        b"avain=" + b"\xc3\xa4" * 99,
        b";;;",
        b'avain="\\000"',
    ):
        answer = Browser(app).client.get("/", headers={b"cookie": value}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login"), value


def test_signing_out_everywhere_ends_every_browser_at_once(session, family_app, world: OneOfEach):
    """`avain console revoke`: a laptop is stolen. The next click, of whichever page or form, finds nobody."""
    with Opener(family_app, session) as opener:
        browsers = [
            opener.sign_in("worker", worker="W-1", subject=f"at {place}") for place in ("home", "work", "train")
        ]
        tokens = [csrf_of(one, family_app) for one in browsers]
        assert all(map(is_in, browsers))
        sessions.revoke_worker(session, "W-1", actor="cli:test", now=business_now(session))
        assert not any(map(is_in, browsers))
        for browser, token in zip(browsers, tokens, strict=True):
            assert browser.post("/calendar", {"csrf": token}).status == 401


@pytest.mark.parametrize("path", ["/runs/1/progress", "/runs/called/1/progress", "/prices/upload/1"])
def test_a_page_that_looks_by_itself_keeps_nobody_signed_in(session, sign_in, path):
    """A page left open asks how far a run has come for as long as it runs: that is no click."""
    browser = sign_in("operator", "price_manager")
    for _ in range(2):
        session.execute(text("UPDATE console_session SET seen_at = seen_at - interval '20 min'"))
        answer = browser.client.get(path, headers={"sec-fetch-dest": "empty"}, follow_redirects=False)
        if answer.status_code in {303, 401}:
            return
    assert not is_in(browser)


def test_nothing_that_is_not_a_page_keeps_anybody_signed_in(session, sign_in):
    browser = sign_in("operator")
    session.execute(text("UPDATE console_session SET seen_at = seen_at - interval '20 min'"))
    before = session.execute(text("SELECT seen_at FROM console_session")).scalar()
    for path in ("/static/console.css", "/healthz", "/metrics", "/my", "/my/in"):
        browser.client.get(path)
    assert session.execute(text("SELECT seen_at FROM console_session")).scalar() == before


@pytest.mark.parametrize("clicks", [True, False])
def test_no_clicking_lengthens_a_session_beyond_its_hours(session, sign_in, clicks):
    browser = sign_in("operator")
    until = session.execute(text("SELECT expires_at FROM console_session")).scalar()
    for _ in range(3 if clicks else 0):
        assert is_in(browser)
    assert session.execute(text("SELECT expires_at FROM console_session")).scalar() == until
    session.execute(
        text("UPDATE console_session SET expires_at = clock_timestamp() - interval '1 s', seen_at = clock_timestamp()")
    )
    assert not is_in(browser)


SECURE = {"public_url": "https://avain.test", "oidc": {"issuer": "https://127.0.0.1:1", "client_id": "avain"}}


def test_every_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_lines(make_app):
    app = make_app(**SECURE, family={"public_url": "https://oma.avain.test"})
    console = app.state.console
    names = (console.cookie, console.login_cookie, console.family_cookie, console.family_login_cookie)
    assert all(one.startswith("__Host-") for one in names), "no sub-domain can plant one"
    assert len(set(names)) == 4
    from starlette.responses import Response

    for name in names:
        answer = Response()
        console.set_cookie(answer, name, "value")
        console.drop_cookie(answer, name)
        for one in answer.headers.getlist("set-cookie"):
            told = {part.strip().lower() for part in one.split(";")[1:]}
            assert {"httponly", "secure", "path=/", "samesite=lax"} <= told, one
            assert not [part for part in told if part.startswith("domain")], one


def test_a_session_cookie_ends_with_the_browser_and_is_dropped_by_signing_out(app, session, sign_in):
    token = entry.make_link(session, worker=None, now=business_now(session), actor="cli:test")
    session.flush()
    browser = Browser(app)
    answer = browser.client.post(f"/enter/{token}", headers={"origin": ORIGIN}, follow_redirects=False)
    cookie = the_cookie(answer, "avain").lower()
    assert "max-age" not in cookie
    assert "expires" not in cookie
    answer = browser.client.post(
        "/logout", data={"csrf": csrf_of(browser, app)}, headers={"origin": ORIGIN}, follow_redirects=False
    )
    assert "max-age=0" in the_cookie(answer, "avain").lower()
    assert "avain" not in browser.client.cookies
