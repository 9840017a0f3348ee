"""Who may open what: written by hand, and held against what the console really answers, for every page, role and nobody.

Whoever adds a page adds a line to `TABLE`; a page that is missing there fails the test.
"""

from typing import Any

import pytest

from console.family import FAMILY
from core.clock import business_now
from models.access import ROLES
from services.access import sessions
from services.family import sessions as family_sessions
from tests.factories.case import make_case
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.families import come_in

#: For pages that ask for no login.
ANYBODY = "anybody"
W, S, P, O, A = "worker", "supervisor", "price_manager", "operator", "auditor"  # noqa: E741
ALL = (W, S, P, O, A)
CASES = (W, S)
READERS = (P, O, A)

#: Families come in by another door: no role opens their pages (tests below hold them against every role).
FAMILIES = (FAMILY,)

#: (method, path) → who may.
TABLE: dict[tuple[str, str], tuple[str, ...] | str] = {
    ("GET", "/login"): ANYBODY,
    ("GET", "/login/callback"): ANYBODY,
    ("GET", "/enter/{token}"): ANYBODY,
    ("POST", "/enter/{token}"): ANYBODY,
    ("GET", "/reply/{token}"): ANYBODY,
    ("POST", "/reply/{token}"): ANYBODY,
    ("GET", "/delivered/{token}"): ANYBODY,
    ("POST", "/delivered/{token}"): ANYBODY,
    ("GET", "/calendar/{token}.ics"): ANYBODY,
    ("GET", "/logout"): ANYBODY,
    ("POST", "/logout"): ALL,
    ("GET", "/"): ALL,
    ("POST", "/reminders/release"): (O,),
    ("GET", "/cases"): CASES,
    ("GET", "/cases/{number}"): CASES,
    ("GET", "/cases/{number}/audit"): (S,),
    ("POST", "/cases/{number}/audit/extract"): (S,),
    ("GET", "/cases/{number}/budgets/{decision}"): CASES,
    ("POST", "/cases/{number}/budgets/{decision}/rebase"): (S,),
    ("GET", "/cases/{number}/compare"): CASES,
    ("GET", "/cases/{number}/compare.pdf"): CASES,
    ("POST", "/cases/{number}/decisions/{decision}/basis"): CASES,
    ("POST", "/cases/{number}/decisions/{decision}/number"): CASES,
    ("POST", "/cases/{number}/goals"): CASES,
    ("POST", "/cases/{number}/identity"): CASES,
    ("POST", "/cases/{number}/items/{item:path}/choose"): CASES,
    ("POST", "/cases/{number}/links"): CASES,
    ("POST", "/cases/{number}/links/{link}/revoke"): CASES,
    ("GET", "/cases/{number}/statement.pdf"): CASES,
    ("POST", "/cases/{number}/proposals/{proposal}/confirm"): CASES,
    ("POST", "/cases/{number}/proposals/{proposal}/decline"): CASES,
    ("POST", "/cases/{number}/wishes/{wish}/seen"): CASES,
    ("POST", "/cases/{number}/wishes/{wish}/noted"): CASES,
    ("GET", "/incoming"): (W, S, O),
    ("POST", "/incoming/{document}/apply"): (W, S, O),
    ("POST", "/incoming/{document}/discard"): (W, S, O),
    ("GET", "/orders"): CASES,
    ("GET", "/orders/preview"): CASES,
    ("GET", "/orders/preview/order.pdf"): CASES,
    ("GET", "/orders/preview/order.xml"): CASES,
    ("GET", "/orders/proposals"): CASES,
    ("POST", "/orders/proposals/{proposal}/settle"): CASES,
    ("GET", "/orders/waiting"): CASES,
    ("POST", "/orders/waiting/approve"): CASES,
    ("POST", "/orders/waiting/decline"): CASES,
    ("POST", "/orders/waiting/preview"): CASES,
    ("POST", "/orders/waiting/withdraw"): CASES,
    ("GET", "/orders/{number}"): CASES,
    ("GET", "/orders/{number}/order.pdf"): CASES,
    ("GET", "/orders/{number}/order.xml"): CASES,
    ("POST", "/orders/{number}/answers/{answer}/apply"): CASES,
    ("POST", "/orders/{number}/answers/{answer}/discard"): CASES,
    ("POST", "/orders/{number}/cancel"): CASES,
    ("POST", "/orders/{number}/hand-over"): CASES,
    ("POST", "/orders/{number}/placed"): CASES,
    ("POST", "/orders/{number}/links/renew"): CASES,
    ("POST", "/orders/{number}/links/revoke"): CASES,
    ("POST", "/orders/{number}/resend"): CASES,
    ("POST", "/orders/{number}/respond"): CASES,
    ("GET", "/unit"): (S,),
    ("GET", "/unit.xlsx"): (S,),
    ("GET", "/invoices"): (W, S, P),
    ("GET", "/invoices/{document}"): (W, S, P),
    ("POST", "/invoices/{document}/accept"): CASES,
    ("POST", "/invoices/{document}/assign"): (W, S, P),
    ("POST", "/invoices/{document}/discard"): (W, S, P),
    ("GET", "/follow-ups"): CASES,
    ("GET", "/follow-ups/{follow_up}"): CASES,
    ("POST", "/follow-ups/{follow_up}/acknowledge"): CASES,
    ("POST", "/follow-ups/{follow_up}/correct"): CASES,
    ("POST", "/follow-ups/{follow_up}/hand-over"): CASES,
    ("POST", "/follow-ups/{follow_up}/not-needed"): CASES,
    ("POST", "/follow-ups/{follow_up}/snooze"): CASES,
    ("POST", "/follow-ups/{follow_up}/written"): CASES,
    ("GET", "/notices/{notice}"): ALL,
    ("GET", "/compare"): (W, S, P),
    ("GET", "/compare.pdf"): (W, S, P),
    ("GET", "/prices"): READERS,
    ("GET", "/prices/columns"): READERS,
    ("POST", "/prices/columns"): (P,),
    ("POST", "/prices/columns/forget"): (P,),
    ("GET", "/prices/lists/{number}"): READERS,
    ("POST", "/prices/lists/{number}/approve"): (P,),
    ("POST", "/prices/lists/{number}/discard"): (P,),
    ("GET", "/prices/lists/{number}/reply"): (P,),
    ("GET", "/prices/lists/{number}/reply.eml"): (P,),
    ("GET", "/prices/lists/{number}/rollback"): (P,),
    ("POST", "/prices/lists/{number}/rollback"): (P,),
    ("GET", "/prices/mail"): READERS,
    ("POST", "/prices/mail/{number}/assign"): (P,),
    ("POST", "/prices/mail/{number}/discard"): (P,),
    ("GET", "/prices/template/{business_id}/{form}"): READERS,
    ("GET", "/prices/upload"): (P,),
    ("POST", "/prices/upload"): (P,),
    ("GET", "/prices/upload/{number}"): READERS,
    ("POST", "/prices/upload/{number}/discard"): (P,),
    ("POST", "/prices/upload/{number}/read"): (P,),
    ("GET", "/providers"): READERS,
    ("GET", "/providers/new"): (P,),
    ("POST", "/providers/new"): (P,),
    ("GET", "/providers/{business_id}"): READERS,
    ("GET", "/providers/{business_id}/edit"): (P,),
    ("POST", "/providers/{business_id}/edit"): (P,),
    ("POST", "/providers/{business_id}/test-order"): (P,),
    ("GET", "/services"): READERS,
    ("GET", "/services/new"): (P,),
    ("POST", "/services/new"): (P,),
    ("POST", "/services/steps"): (P,),
    ("GET", "/services/{code}"): READERS,
    ("GET", "/services/{code}/edit"): (P,),
    ("POST", "/services/{code}/edit"): (P,),
    ("GET", "/unit-costs"): READERS,
    ("GET", "/unit-costs/new"): (P,),
    ("POST", "/unit-costs/new"): (P,),
    ("POST", "/unit-costs/plan"): (P,),
    ("POST", "/unit-costs/apply"): (P,),
    ("GET", "/unit-costs/{price_id}/end"): (P,),
    ("POST", "/unit-costs/{price_id}/end"): (P,),
    ("GET", "/sources"): READERS,
    ("GET", "/sources/{name}"): READERS,
    ("GET", "/sources/{name}/{provider}"): READERS,
    ("POST", "/sources/{name}/look"): (O, P),
    ("POST", "/sources/{name}/read"): (O, P),
    ("GET", "/runs"): READERS,
    ("GET", "/runs/called/{work_id}"): READERS,
    ("GET", "/runs/called/{work_id}/progress"): READERS,
    ("GET", "/runs/{run_id}"): READERS,
    ("GET", "/runs/{run_id}/progress"): READERS,
    ("POST", "/runs/{run_id}/acknowledge"): (O, P),
    ("POST", "/runs/{run_id}/approve"): (O,),
    ("POST", "/runs/{run_id}/discard"): (O,),
    ("POST", "/runs/{run_id}/retry"): (O, P),
    ("GET", "/health"): (O, A),
    ("GET", "/schedule"): READERS,
    ("GET", "/schedule/{name}"): READERS,
    ("POST", "/schedule/{name}/pause"): (O,),
    ("POST", "/schedule/{name}/reset"): (O,),
    ("POST", "/schedule/{name}/resume"): (O,),
    ("POST", "/schedule/{name}/set"): (O,),
    ("POST", "/schedule/{name}/trigger"): (O,),
    ("GET", "/dead-work"): READERS,
    ("GET", "/dead-work/{group}"): READERS,
    ("POST", "/dead-work/retry"): (O, P),
    ("POST", "/dead-work/discard"): (O, P),
    ("POST", "/dead-work/{group}/retry"): (O, P),
    ("POST", "/dead-work/{group}/discard"): (O, P),
    ("GET", "/rejected"): READERS,
    ("GET", "/rejected/{rejected_id}"): READERS,
    ("POST", "/rejected/{rejected_id}/discard"): (O, P),
    ("POST", "/rejected/{rejected_id}/retry"): (O, P),
    ("GET", "/audit"): (A,),
    ("GET", "/audit/cases/{number}"): (A,),
    ("POST", "/audit/cases/{number}/extract"): (A,),
    ("GET", "/workers"): (O, A),
    ("GET", "/calendar"): CASES,
    ("POST", "/calendar"): CASES,
    ("POST", "/calendar/revoke"): CASES,
    ("GET", "/my"): FAMILIES,
    ("GET", "/my/in"): ANYBODY,
    ("GET", "/my/in/{secret}"): ANYBODY,
    ("POST", "/my/in"): ANYBODY,
    ("GET", "/my/login"): ANYBODY,
    ("GET", "/my/login/callback"): ANYBODY,
    ("POST", "/my/out"): FAMILIES,
    ("GET", "/my/{number}"): FAMILIES,
    ("GET", "/my/{number}/alternatives"): FAMILIES,
    ("GET", "/my/{number}/child"): FAMILIES,
    ("GET", "/my/{number}/statement.pdf"): FAMILIES,
    ("GET", "/my/{number}/propose"): FAMILIES,
    ("POST", "/my/{number}/propose"): FAMILIES,
    ("POST", "/my/{number}/proposals/{proposal}/withdraw"): FAMILIES,
    ("GET", "/my/{number}/rate"): FAMILIES,
    ("POST", "/my/{number}/rate"): FAMILIES,
    ("GET", "/my/{number}/wishes"): FAMILIES,
    ("POST", "/my/{number}/wishes"): FAMILIES,
    ("GET", "/my/{number}/support"): FAMILIES,
    ("POST", "/my/{number}/support"): FAMILIES,
    ("POST", "/my/{number}/support/{link}/revoke"): FAMILIES,
    ("GET", "/absences"): (*CASES, O),
    ("POST", "/absences"): (*CASES, O),
    ("POST", "/absences/{absence}/end"): (*CASES, O),
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
CLOSED = sorted(key for key, who in TABLE.items() if who not in {ANYBODY, FAMILIES})
OF_FAMILIES = sorted(key for key, who in TABLE.items() if who == FAMILIES)
#: What a support person may send, who else only looks.
WHO_ONLY_LOOKS = {"/my/out"}


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
