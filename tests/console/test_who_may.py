"""Who may open what: written by hand, and held against what the console really answers, for every page, role and nobody.

Whoever adds a page adds a line to `TABLE` of who_may.py; a page that is missing there fails the test.
"""

import re
from typing import Any

import pytest

from core.clock import business_now
from models.access import ROLES
from services.access import sessions
from services.family import sessions as family_sessions
from tests.console.who_may import ANYBODY, FAMILIES, TABLE, O, W
from tests.factories.case import make_case
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.families import come_in

#: What stands for a part of a path; of anything else a number serves. Nothing of it exists, and that is said after the roles were asked.
SAMPLES = {
    "number": "HB-2026-999999",
    "token": "no-such-token",
    "business_id": "9999999-2",
    "code": "NONE",
    "name": "none",
}
_WRONG_ROLE = "Your role does not open this page."
_STALE = "This form was made for another login."
CLOSED = sorted(key for key, who in TABLE.items() if who not in {ANYBODY, FAMILIES})
OF_FAMILIES = sorted(key for key, who in TABLE.items() if who == FAMILIES)
#: What a support person may send, who else only looks.
WHO_ONLY_LOOKS = {"/my/out"}


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda part: SAMPLES.get(part[1], "999999"), path)


def test_every_page_stands_in_the_table(app):
    rules = {(rule.method, rule.path): rule.roles for rule in app.state.rules}
    assert set(rules) == set(TABLE), "add new pages to TABLE, by hand"
    for key, who in TABLE.items():
        assert set(rules[key] or ()) == (set() if who == ANYBODY else set(who)), key


def test_nothing_is_answered_beside_the_rules(app):
    """Every address of the application is a page with a rule, or one of those for machines."""
    ruled = {rule.path for rule in app.state.rules}
    beside = {"/healthz", "/readyz", "/metrics", "/static"}

    def paths(routes) -> set[str]:
        found: set[str] = set()
        for route in routes:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            found |= {route.path} if getattr(route, "path", "") else paths(inner or [])
        return found

    known = paths(app.routes)
    assert ruled <= known
    assert known - ruled == beside


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_to_those_who_may(app, sign_in, role):
    """All pages in one test for each role: six hundred tests of their own would take minutes."""
    browser, wrong = sign_in(role), []
    for method, path in CLOSED:
        if path == "/logout":
            continue
        answer = ask(browser, method, path, {"csrf": csrf_of(browser, app)})
        refused = _WRONG_ROLE in answer.text
        fine = (
            refused == (role not in TABLE[method, path])
            and (answer.status_code == 403 if refused else answer.status_code not in {401, 403, 500})
            and not answer.headers.get("location", "").startswith("/login")
        )
        if not fine:
            wrong.append((method, path, answer.status_code))
    assert wrong == []
    offered = browser.get("/").all("//nav//a/@href")
    assert offered
    assert [path for path in offered if role not in TABLE["GET", path]] == [], "the menu leads nowhere else"


def test_nothing_opens_to_nobody(app):
    browser, wrong = Browser(app), []
    for method, path in CLOSED:
        answer = ask(browser, method, path, {})
        sent_to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        if not (sent_to_login if method == "GET" else answer.status_code == 401):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_the_pages_of_families_do_not_exist_while_they_are_off(app, sign_in):
    browser = sign_in(W)
    answers = [ask(browser, method, path, {"csrf": csrf_of(browser, app)}).status_code for method, path in OF_FAMILIES]
    assert set(answers) == {404}


def test_the_pages_of_families_open_to_no_role_and_to_nobody(session, family_app):
    wrong = []
    with Opener(family_app, session) as opener:
        everybody = [opener.sign_in(role) for role in ROLES]
        everything = [opener.sign_in(*ROLES), opener.sign_in(everything=True)]
        for browser in (Browser(family_app), *everybody, *everything):
            for method, path in OF_FAMILIES:
                answer = ask(browser, method, path, {"csrf": "x"})
                sent_away = answer.status_code == 303 and answer.headers["location"] == "/my/in"
                if not (sent_away or (method == "POST" and answer.status_code == 401)):
                    wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_a_family_opens_no_page_of_the_workers(session, family_app):
    browser, wrong = come_in(family_app, session, make_case(session)), []
    for method, path in CLOSED:
        answer = ask(browser, method, path, {})
        sent_to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        if not (sent_to_login if method == "GET" else answer.status_code == 401):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("holder", ["client", "support"])
def test_a_family_s_form_needs_its_token_and_who_only_looks_changes_nothing(session, family_app, holder):
    browser = come_in(family_app, session, make_case(session), holder)
    wrong: list[tuple[Any, ...]] = []
    secret = browser.client.cookies[family_app.state.console.family_cookie]
    with family_app.state.console.transaction() as inside:
        family = family_sessions.find(inside, secret, idle_minutes=30, now=business_now(inside))
    assert family is not None
    for path in [path for method, path in OF_FAMILIES if method == "POST"]:
        for fields, headers in [
            ({}, {"origin": ORIGIN}),
            ({"csrf": family.csrf[:-1] + "~"}, {"origin": ORIGIN}),
            ({"csrf": family.csrf}, {"origin": "https://evil.test"}),
            ({"csrf": family.csrf}, {"sec-fetch-site": "cross-site"}),
        ]:
            answer = browser.client.post(filled(path), data=fields, headers=headers, follow_redirects=False)
            if answer.status_code != 403 or _STALE not in answer.text:
                wrong.append((path, fields, headers, answer.status_code))
        if holder == "support" and path not in WHO_ONLY_LOOKS:
            answer = ask(browser, "POST", path, {"csrf": family.csrf})
            if answer.status_code != 403 or "change nothing" not in answer.text:
                wrong.append((path, answer.status_code))
    assert wrong == []


def ask(browser: Browser, method: str, path: str, fields: dict[str, str]) -> Any:
    if method == "GET":
        return browser.client.get(filled(path), follow_redirects=False)
    return browser.client.post(filled(path), data=fields, headers={"origin": ORIGIN}, follow_redirects=False)


def csrf_of(browser: Browser, app) -> str:
    """The token of the person's session, looked up: asking a page for it each time would take as long as all else."""
    secret = browser.client.cookies[app.state.console.cookie]
    with app.state.console.transaction() as session:
        found = sessions.find(session, secret, idle_minutes=30)
    assert found is not None
    return found.person.csrf


def test_a_form_without_its_token_or_from_elsewhere_is_refused(app, sign_in):
    wrong = []
    browsers = {role: sign_in(role) for role in ROLES}
    elses = csrf_of(sign_in(W, subject="somebody else"), app)
    for path, who in [
        (path, who) for (method, path), who in TABLE.items() if method == "POST" and (method, path) in CLOSED
    ]:
        browser = browsers[who[0]]
        token = csrf_of(browser, app)
        for fields, headers in [
            ({}, {"origin": ORIGIN}),
            ({"csrf": ""}, {"origin": ORIGIN}),
            ({"csrf": token[:-1] + "~"}, {"origin": ORIGIN}),
            ({"csrf": elses}, {"origin": ORIGIN}),
            ({"csrf": token}, {"origin": "https://evil.test"}),
            ({"csrf": token}, {"origin": "null"}),
            ({"csrf": token}, {"sec-fetch-site": "cross-site"}),
            ({"csrf": token}, {"sec-fetch-site": "same-site"}),
        ]:
            answer = browser.client.post(filled(path), data=fields, headers=headers, follow_redirects=False)
            if answer.status_code != 403 or _STALE not in answer.text:
                wrong.append((path, fields, headers, answer.status_code))
    assert wrong == []
    assert {browser.get("/").status for browser in browsers.values()} == {200}, "nothing was done: still signed in"


@pytest.mark.parametrize("path", [path for (method, path), who in TABLE.items() if method == "POST" and who == ANYBODY])
def test_an_open_form_from_elsewhere_is_refused(family_app, path):
    browser = Browser(family_app)
    for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        answer = browser.client.post(filled(path), headers=headers)
        assert answer.status_code == 403
        assert _STALE in answer.text


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_every_name_of_this_machine_is_a_place_of_ours(sign_in, name):
    browser = sign_in(O)
    answer = browser.client.post(
        "/logout", data={"csrf": csrf(browser)}, headers={"origin": f"http://{name}:8765"}, follow_redirects=False
    )
    assert answer.status_code == 303


def csrf(browser: Browser) -> str:
    """The token of the forms on this person's pages."""
    return str(browser.get("/").form("/logout")["csrf"])
