"""Forms that other sites make a browser send (CSRF). That each form needs the token of its own session is held against every address by
tests/console/test_who_may.py; here every way of saying, or not saying, where a form comes from, and every token that is not the one.
"""

import pytest
from sqlalchemy import text

from tests.console.test_who_may import csrf_of
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.families import come_in, make_link
from tests.support.one_of_each import OneOfEach

ELSEWHERE: tuple[dict[str, str], ...] = (
    {"origin": "https://evil.test"},
    {"origin": "null"},
    {"origin": ORIGIN + ".evil.test"},
    {"origin": ORIGIN.replace("http:", "https:")},
    {"origin": ORIGIN.replace("8765", "8766")},
    {"origin": ORIGIN + "/"},
    {"origin": "http://evil@127.0.0.1:8765"},
    {"origin": f"{ORIGIN}, https://evil.test"},
    {"origin": f"{ORIGIN} https://evil.test"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "nonsense"},
    {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    {"referer": "https://evil.test/page"},
    {"referer": f"https://evil.test/?{ORIGIN}/"},
    {"referer": ORIGIN + ".evil.test/"},
    {"referer": "http://[evil"},
    {"referer": "evil"},
    {"origin": "https://evil.test", "referer": f"{ORIGIN}/"},
)
HERE: tuple[dict[str, str], ...] = (
    {},  # some browsers and proxies tell nothing: then the token alone decides
    {"origin": ORIGIN},
    {"origin": ORIGIN.upper().replace("HTTP", "http")},
    {"origin": ORIGIN, "sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"referer": f"{ORIGIN}/calendar"},
    {"referer": ""},
)


@pytest.fixture
def worker(world, family_app, session):
    with Opener(family_app, session) as opener:
        yield opener.sign_in("worker", worker=world.mine.worker)


def made_calendars(session) -> int:
    """What the form of these tests does: it makes a worker's calendar address."""
    return int(session.execute(text("SELECT count(*) FROM calendar_feed")).scalar())


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_a_form_from_elsewhere_does_nothing_even_with_the_right_token(family_app, session, worker, headers):
    answer = worker.client.post("/calendar", data={"csrf": csrf_of(worker, family_app)}, headers=headers)
    assert answer.status_code == 403
    assert made_calendars(session) == 0


@pytest.mark.parametrize("headers", HERE, ids=str)
def test_a_form_of_ours_does_what_it_says(family_app, session, worker, headers):
    answer = worker.client.post("/calendar", data={"csrf": csrf_of(worker, family_app)}, headers=headers)
    assert answer.status_code == 200
    assert made_calendars(session) == 1


@pytest.mark.parametrize("headers", HERE, ids=str)
def test_without_the_token_it_does_not_matter_where_a_form_comes_from(session, worker, headers):
    assert worker.client.post("/calendar", data={"csrf": ""}, headers=headers).status_code == 403
    assert made_calendars(session) == 0


def test_no_other_token_will_do(family_app, session, world: OneOfEach, worker):
    token = csrf_of(worker, family_app)
    with Opener(family_app, session) as opener:
        elsewhere = csrf_of(
            opener.sign_in("worker", worker=world.mine.worker), family_app
        )  # the same person's, of another login
        others = csrf_of(opener.sign_in("worker", worker=world.hers.worker), family_app)
    family = come_in(family_app, session, world.cases()[0])
    of_family = session.execute(text("SELECT csrf FROM family_session")).scalar()
    assert family.client.cookies["avain-my"] != of_family
    wrong = (
        elsewhere, others, of_family, token.swapcase(), token[:-1], f"{token}x", f" {token}", f"{token}\n", f"{token}\x00", token[::-1], "ä", "\udcff",
        worker.client.cookies["avain"], "undefined", "null", "true", "0",
    )  # fmt: skip
    for one in wrong:
        sent = one.encode("utf-8", "surrogatepass")
        assert worker.client.post("/calendar", data={"csrf": sent}, headers={"origin": ORIGIN}).status_code == 403, one
    files = {"csrf": ("csrf", token.encode())}  # a token that is a file
    assert worker.client.post("/calendar", files=files, headers={"origin": ORIGIN}).status_code == 403
    for name in ("CSRF", "csrf[]", "csrf.", "x.csrf", "_csrf", "csrf_token"):
        assert worker.client.post("/calendar", data={name: token}, headers={"origin": ORIGIN}).status_code == 403, name
    for header in ("x-csrf-token", "x-xsrf-token", "csrf"):
        answer = worker.client.post("/calendar", data={}, headers={"origin": ORIGIN, header: token})
        assert answer.status_code == 403, header
    assert made_calendars(session) == 0


def test_nobody_is_signed_in_by_another_site(family_app, session, world: OneOfEach):
    """Login CSRF: somebody else's link and code must not put a browser into somebody else's case."""
    made = make_link(family_app, session, world.cases()[0])
    for headers in ELSEWHERE:
        browser = Browser(family_app)
        sent = {"link": made.secret, "code": made.code}
        answer = browser.client.post("/my/in", data=sent, headers=headers, follow_redirects=False)
        assert answer.status_code == 403, headers
        assert "set-cookie" not in answer.headers
    wrong_codes = session.execute(text("SELECT wrong_codes FROM family_link WHERE id = :id"), {"id": made.id}).scalar()
    assert wrong_codes == 0, "nor can another site use up a family's tries"


def test_no_answer_is_for_another_sites_scripts(family_app, worker):
    """No CORS: whatever origin asks, no header lets its scripts read an answer."""
    for headers in (
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"access-control-request-method": "POST", "origin": "https://evil.test"},
    ):
        for method in ("GET", "OPTIONS"):
            answer = worker.client.request(method, "/cases", headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
