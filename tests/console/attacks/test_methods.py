"""The authorisation matrix beyond GET and POST of forms: other methods, other ways to ask for one, JSON instead of a form or a page."""

import json
from typing import Any

import pytest

from models.access import ROLES
from tests.console.attacks.judge import faults
from tests.console.test_who_may import CLOSED, csrf_of, filled
from tests.console.who_may import ANYBODY, TABLE, O
from tests.support.browsing import ORIGIN, Browser

#: Methods that no page has. (`get` is another one than `GET`: test_wire.py.)
OTHERS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY", "GETX")
#: Ways in which some servers let one method stand for another.
OVERRIDES = {"x-http-method-override": "POST", "x-http-method": "POST", "x-method-override": "POST"}


@pytest.fixture
def anybody(sign_in) -> Browser:
    """Somebody with every role, who sees everything: what is refused is refused for the method's sake."""
    browser: Browser = sign_in(*ROLES, everything=True)
    return browser


def test_no_page_has_another_method(anybody: Browser):
    """No HEAD that runs a page unseen, no OPTIONS that tells what there is, no WebDAV. Each address is asked with two of them."""
    assert {method for method, _ in TABLE} == {"GET", "POST"}
    wrong: list[tuple[Any, ...]] = []
    for number, path in enumerate(sorted({path for _, path in TABLE})):
        for turn in (0, 1):
            method = OTHERS[(2 * number + turn) % len(OTHERS)]
            answer = anybody.client.request(method, filled(path), headers={"origin": ORIGIN}, follow_redirects=False)
            found = faults(answer)
            off = path == "/my" or path.startswith("/my/")  # nothing is there while families' pages are off
            if answer.status_code != (404 if off else 405) or found or "access-control-allow-origin" in answer.headers:
                wrong.append((method, path, answer.status_code, found))
    assert wrong == []


def test_a_page_to_look_at_takes_no_form_and_what_does_something_is_not_looked_at(anybody: Browser):
    both = {path for method, path in TABLE if method == "GET"} & {path for method, path in TABLE if method == "POST"}
    wrong = []
    for method, path in sorted(TABLE):
        if path in both or path == "/my" or path.startswith("/my/"):
            continue
        other = "GET" if method == "POST" else "POST"
        answer = anybody.client.request(other, filled(path), headers={"origin": ORIGIN}, follow_redirects=False)
        sibling = answer.status_code == 404 and other == "GET"  # another page's pattern fits, and has no such row
        if answer.status_code != 405 and not sibling:
            wrong.append((other, path, answer.status_code))
    assert wrong == []


def test_no_header_nor_field_makes_one_method_of_another(app, sign_in, session):
    """GET may not do what POST does, whatever it says of itself: links and pictures of other sites ask by GET."""
    browser = sign_in(O)
    token = csrf_of(browser, app)
    answer = browser.client.get("/logout", headers=OVERRIDES, params={"csrf": token, "_method": "POST"})
    assert answer.status_code == 200
    assert browser.get("/").status == 200, "still signed in"
    answer = browser.client.request("QUERY", "/logout", headers=OVERRIDES, params={"csrf": token})
    assert answer.status_code == 405
    assert browser.get("/").status == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/xml", None])
def test_a_token_counts_in_a_form_only(app, sign_in, kind):
    """A form that another site's page can send as text, or a script as JSON, is none of ours; nor is a token in the address."""
    browser, wrong = sign_in(*ROLES, everything=True), []
    token = csrf_of(browser, app)
    headers = {"origin": ORIGIN, **({"content-type": kind} if kind else {})}
    for method, path in CLOSED:
        if method != "POST":
            continue
        content = json.dumps({"csrf": token}) if kind == "application/json" else f"csrf={token}"
        answer = browser.client.post(
            f"{filled(path)}?csrf={token}", content=content, headers=headers, follow_redirects=False
        )
        if answer.status_code != 403:
            wrong.append((path, answer.status_code))
    assert wrong == []
    assert browser.get("/").status == 200, "nothing was done: still signed in"


def test_json_is_asked_for_in_vain(app, sign_in):
    """Who asks for JSON gets the same rights: nothing without a login, the page's own refusal without its role."""
    nobody, wrong = Browser(app), []
    auditor = sign_in("auditor")
    for method, path in CLOSED:
        if method != "GET":
            continue
        for kind in ("application/json", "application/xml", "*/*;q=0.1, application/json"):
            answer = nobody.client.get(filled(path), headers={"accept": kind}, follow_redirects=False)
            if answer.status_code not in {303, 401} or (
                answer.status_code == 303 and "/login" not in answer.headers["location"]
            ):
                wrong.append((path, kind, answer.status_code))
        answer = auditor.client.get(filled(path), headers={"accept": "application/json"}, follow_redirects=False)
        if (answer.status_code == 403) != ("auditor" not in TABLE[method, path]):
            wrong.append((path, "auditor", answer.status_code))
    assert wrong == []


def test_what_anybody_may_open_is_written_down_with_its_reason():
    """A page without a login is rare: each is reached by a secret, is a way in, or says nothing."""
    by_secret = ("/enter/{token}", "/reply/{token}", "/delivered/{token}", "/calendar/{token}.ics", "/my/in/{secret}")
    ways_in = ("/login", "/login/callback", "/my/login", "/my/login/callback", "/my/in")
    says_nothing = ("/logout",)
    assert {path for (_, path), who in TABLE.items() if who == ANYBODY} == {*by_secret, *ways_in, *says_nothing}
