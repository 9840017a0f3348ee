"""Who may open what: written by hand, and held against what the console really answers, for every page, role and nobody.

Whoever adds a page adds a line to `TABLE`; a page that is missing there fails the test.
"""

import pytest

from models.access import ROLES
from tests.support.browsing import ORIGIN, Browser

#: For pages that ask for no login.
ANYBODY = "anybody"
W, S, P, O, A = "worker", "supervisor", "price_manager", "operator", "auditor"  # noqa: E741
ALL = (W, S, P, O, A)

#: (method, path) → who may.
TABLE: dict[tuple[str, str], tuple[str, ...] | str] = {
    ("GET", "/login"): ANYBODY,
    ("GET", "/login/callback"): ANYBODY,
    ("GET", "/enter/{token}"): ANYBODY,
    ("POST", "/enter/{token}"): ANYBODY,
    ("GET", "/logout"): ANYBODY,
    ("POST", "/logout"): ALL,
    ("GET", "/"): ALL,
}

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
CLOSED = sorted(key for key, who in TABLE.items() if who != ANYBODY)


def filled(path: str) -> str:
    parts = [
        SAMPLES.get(part[1:-1].partition(":")[0], "999999") if part.startswith("{") else part
        for part in path.split("/")
    ]
    return "/".join(parts)


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


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=" ".join)
@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_a_page_opens_to_those_who_may(app, sign_in, method, path, role):
    browser = sign_in(role) if role != "nobody" else Browser(app)
    if method == "GET":
        answer = browser.client.get(filled(path), follow_redirects=False)
        if role == "nobody":
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login")
            return
    else:
        token = {} if role == "nobody" else {"csrf": csrf(browser)}
        answer = browser.client.post(filled(path), data=token, headers={"origin": ORIGIN}, follow_redirects=False)
        if role == "nobody":
            assert answer.status_code == 401
            return
    assert not answer.headers.get("location", "").startswith("/login")
    assert (_WRONG_ROLE in answer.text) == (role not in TABLE[method, path])
    assert answer.status_code == 403 if _WRONG_ROLE in answer.text else answer.status_code not in {401, 403, 500}


@pytest.mark.parametrize("path", [path for method, path in CLOSED if method == "POST"])
def test_a_form_without_its_token_or_from_elsewhere_is_refused(sign_in, path):
    who = TABLE["POST", path]
    browser = sign_in(who[0])
    token = csrf(browser)
    for fields, headers in [
        ({}, {"origin": ORIGIN}),
        ({"csrf": ""}, {"origin": ORIGIN}),
        ({"csrf": token[:-1] + "x"}, {"origin": ORIGIN}),
        ({"csrf": csrf(sign_in(who[0], subject="somebody else"))}, {"origin": ORIGIN}),
        ({"csrf": token}, {"origin": "https://evil.test"}),
        ({"csrf": token}, {"origin": "null"}),
        ({"csrf": token}, {"sec-fetch-site": "cross-site"}),
        ({"csrf": token}, {"sec-fetch-site": "same-site"}),
    ]:
        answer = browser.client.post(filled(path), data=fields, headers=headers, follow_redirects=False)
        assert answer.status_code == 403
        assert _STALE in answer.text
    assert browser.get("/").status == 200, "nothing was done: still signed in"


@pytest.mark.parametrize("path", [path for (method, path), who in TABLE.items() if method == "POST" and who == ANYBODY])
def test_an_open_form_from_elsewhere_is_refused(app, path):
    browser = Browser(app)
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
