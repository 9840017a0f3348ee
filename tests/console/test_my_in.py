"""Coming in to "My budget" by a link and its code, and what whoever tries must not learn."""

from datetime import timedelta
from hashlib import sha256
from threading import Barrier, Thread

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from console.pages import my_in
from core.clock import business_now
from core.database import make_engine
from core.family_settings import Family as Settings
from core.keys import family_code_key
from models.case import Client
from models.family import FamilyLink, FamilySession
from services.family import links, sessions
from tests.factories.case import make_case
from tests.support.browsing import ORIGIN, Browser
from tests.support.families import come_in, make_link
from tests.support.queries import recording

WRONG = "This link and this code do not open anything."
OVER = "This link does not work any more."


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Refusals take no longer than they must; one test looks at that by itself."""
    monkeypatch.setattr(my_in, "EVEN_SECONDS", 0.0)


@pytest.fixture
def case(session):
    return make_case(session)


@pytest.fixture
def made(family_app, session, case):
    return make_link(family_app, session, case)


def attempt(app, link, code, browser=None):
    """An attempt to come in: the answer, with nothing followed."""
    browser = browser or Browser(app)
    fields = {"link": link, "code": code}
    return browser.client.post("/my/in", data=fields, headers={"origin": ORIGIN}, follow_redirects=False)


def other(code):
    """A code that is not this one."""
    return f"{(int(code.replace(' ', '')) + 1) % 10**8:08d}"


def events(session, case, prefix="family."):
    rows = session.execute(
        text("SELECT actor, action, details FROM audit_event WHERE subject = :subject AND starts_with(action, :prefix) ORDER BY id"),
        {"subject": f"case:{case.number}", "prefix": prefix},
    )  # fmt: skip
    return [(row.actor, row.action, row.details) for row in rows]


def said(answer):
    return answer.text.split('role="alert"')[1].split("</p>")[0] if 'role="alert"' in answer.text else ""


def test_a_link_and_its_code_let_the_family_in(family_app, session, case, made):
    browser = Browser(family_app)
    page = browser.get(f"/my/in/{made.secret}")
    assert page.status == 200
    answer = attempt(family_app, page.form("/my/in")["link"], made.code, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/my")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("avain-my=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    found = sessions.find(session, browser.client.cookies["avain-my"], idle_minutes=15, now=business_now(session))
    assert found is not None
    assert (found.cases, found.holder, found.actor) == ((case.number,), "client", f"family:link-{made.id}")
    assert [(actor, action) for actor, action, _ in events(session, case)] == [
        ("test", "family.link_made"),
        (f"family:link-{made.id}", "family.signed_in"),
    ]


@pytest.mark.parametrize(
    "typed",
    [
        lambda link, code: (link.upper().replace("0", "O").replace("1", "l"), code.replace(" ", "-")),
        lambda link, code: (link.replace("-", ""), f" {code}  "),
        lambda link, code: (f"  {ORIGIN}/my/in/{link} ", code.replace(" ", "")),
    ],
)
def test_it_may_be_typed_as_people_type(family_app, made, typed):
    assert attempt(family_app, *typed(made.secret, made.code)).status_code == 303


def test_looking_at_a_link_asks_the_database_nothing_and_says_nothing_of_it(family_app, session, made):
    browser = Browser(family_app)
    with recording(session) as statements:
        pages = [browser.client.get(f"/my/in/{link}").text for link in (made.secret, "a" * 19)]
    assert statements == []
    assert pages[0].replace(made.secret, "") == pages[1].replace("a" * 19, "")


def test_only_digests_are_kept(session, made):
    row = session.execute(text("SELECT to_jsonb(family_link) FROM family_link")).scalar_one()
    assert made.secret not in str(row)
    assert made.secret.replace("-", "") not in str(row)
    assert made.code.replace(" ", "") not in str(row)
    code = made.code.replace(" ", "").encode()
    token = bytes.fromhex(row["token"].removeprefix("\\x"))
    for unkeyed in (code, sha256(code).digest(), sha256(token + code).digest(), made.secret.replace("-", "").encode()):
        assert unkeyed.hex() not in str(row), "bytes are shown as digits, and whoever has them tries all codes"


def test_what_does_not_open_is_answered_alike(family_app, session, case, made):
    expired, revoked, hidden, gone = (
        make_link(family_app, session, one) for one in (case, case, make_case(session), make_case(session))
    )
    now = business_now(session)
    session.get_one(FamilyLink, expired.id).expires_at = now
    links.revoke(session, case.number, revoked.id, actor="test", now=now)
    session.execute(text("UPDATE client SET non_disclosure = true FROM client_case WHERE client_id = client.id AND number = :n"), {"n": hidden.case})  # fmt: skip
    session.execute(text("UPDATE client_case SET gone_at = now() WHERE number = :n"), {"n": gone.case})
    session.flush()
    answers = [attempt(family_app, one.secret, other(one.code)) for one in (made, expired, revoked, hidden, gone)]
    answers += [attempt(family_app, "0123-4567-89ab-cdef", made.code), attempt(family_app, "", made.code)]
    answers += [attempt(family_app, "\x00\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), made.code)]
    assert {(answer.status_code, said(answer)) for answer in answers} == {(403, said(answers[0]))}
    assert WRONG in said(answers[0])
    # who holds the right code is told that the link is over, and never why
    answers = [attempt(family_app, one.secret, one.code) for one in (expired, revoked, hidden, gone)]
    assert {(answer.status_code, said(answer)) for answer in answers} == {(410, said(answers[0]))}
    assert OVER in said(answers[0])
    assert session.query(FamilySession).count() == 0


def test_a_code_of_another_link_is_no_code(family_app, session, made):
    another = make_link(family_app, session, make_case(session))
    assert attempt(family_app, made.secret, another.code).status_code == 403


def test_wrong_codes_end_a_link_for_good(family_app, session, case, made):
    for count in range(1, 6):
        assert attempt(family_app, made.secret, other(made.code)).status_code == 403, count
    answer = attempt(family_app, made.secret, made.code)
    assert (answer.status_code, OVER in said(answer)) == (410, True)
    told = [(actor, action) for actor, action, _ in events(session, case)][1:]
    assert told == [(f"stranger:link-{made.id}", "family.code_refused")] * 5 + [("avain", "family.link_locked")]
    attempt(family_app, made.secret, other(made.code))
    assert len(events(session, case)) == 7, "whoever goes on trying fills no trail"
    (link,) = links.listed(session, case.id, now=business_now(session))
    assert (link.state, link.open) == ("locked", False)


def test_the_right_code_forgives_wrong_ones(family_app, session, made):
    for _ in range(2):
        for _ in range(4):
            attempt(family_app, made.secret, other(made.code))
        assert attempt(family_app, made.secret, made.code).status_code == 303
    assert session.get_one(FamilyLink, made.id).wrong_codes == 0


def test_what_is_no_code_does_not_count(family_app, session, made):
    for typed in ("", "1234567", "123456789", "1234567a", "١٢٣٤٥٦٧٨"):
        answer = attempt(family_app, made.secret, typed)
        assert (answer.status_code, "eight digits" in said(answer)) == (422, True)
    assert session.get_one(FamilyLink, made.id).wrong_codes == 0


def test_refusals_take_the_same_time(family_app, made, monkeypatch):
    monkeypatch.setattr(my_in, "EVEN_SECONDS", 0.05)
    for link, code in ((made.secret, other(made.code)), ("none", made.code)):
        assert attempt(family_app, link, code).elapsed.total_seconds() >= 0.05


def test_a_browser_that_comes_in_again_leaves_first(family_app, session, case, made):
    browser = come_in(family_app, session, make_case(session))
    before = browser.client.cookies["avain-my"]
    assert attempt(family_app, made.secret, made.code, browser).status_code == 303
    now = business_now(session)
    assert sessions.find(session, before, idle_minutes=15, now=now) is None
    assert [one.ended_at is None for one in session.query(FamilySession).order_by(text("id"))] == [False, True]


def test_signing_out_ends_it(family_app, session, case):
    browser = come_in(family_app, session, case)
    secret = browser.client.cookies["avain-my"]
    csrf = session.query(FamilySession).one().csrf
    assert browser.post("/my/out", {"csrf": "wrong"}).status == 403
    page = browser.client.post("/my/out", data={"csrf": csrf}, headers={"origin": ORIGIN}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/my/in")
    assert sessions.find(session, secret, idle_minutes=15, now=business_now(session)) is None
    assert events(session, case)[-1][1] == "family.signed_out"


def test_idle_and_absolute_end(family_app, session, case):
    browser = come_in(family_app, session, case)
    secret, now = browser.client.cookies["avain-my"], business_now(session)

    def living() -> bool:
        return sessions.find(session, secret, idle_minutes=15, now=now) is not None

    assert living()
    for column, ago in (("seen_at", timedelta(minutes=16)), ("expires_at", timedelta(seconds=1))):
        before = session.execute(text(f"SELECT {column} FROM family_session")).scalar_one()
        session.execute(text(f"UPDATE family_session SET {column} = clock_timestamp() - :ago"), {"ago": ago})
        assert not living(), column
        session.execute(text(f"UPDATE family_session SET {column} = :before"), {"before": before})
        assert living()
    session.query(FamilyLink).one().expires_at = now
    session.flush()
    assert not living(), "a session is over with its link"


def test_turvakielto_ends_it_at_once(family_app, session, case):
    browser = come_in(family_app, session, case)
    session.get_one(Client, case.client_id).non_disclosure = True
    session.flush()
    for path in ("/my", f"/my/{case.number}/support"):
        answer = browser.client.get(path, follow_redirects=False)
        assert answer.headers["location"] == "/my/in" if answer.status_code == 303 else answer.status_code == 404
    answer = browser.client.post("/my/out", data={}, headers={"origin": ORIGIN}, follow_redirects=False)
    assert answer.status_code == 401


def test_one_address_may_try_so_often(family_app, made):
    assert {attempt(family_app, made.secret, "0").status_code for _ in range(20)} == {422}
    assert attempt(family_app, made.secret, made.code).status_code == 429


def test_a_code_is_no_others_sites_form(family_app, made):
    for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        answer = Browser(family_app).client.post(
            "/my/in", data={"link": made.secret, "code": made.code}, headers=headers
        )
        assert answer.status_code == 403


def test_nothing_of_link_and_code_is_logged(family_app, made):
    with capture_logs() as logs:
        Browser(family_app).get(f"/my/in/{made.secret}")
        attempt(family_app, made.secret, other(made.code))
        attempt(family_app, made.secret, made.code)
    assert logs
    assert made.secret not in str(logs)
    assert made.code.replace(" ", "") not in str(logs)


def test_two_codes_at_once_count_twice(database, family_app):
    """Four connections try a wrong code at the same moment, where three are too many: none is lost, and the right one comes too late."""
    settings, key = Settings(wrong_codes=3), family_code_key(family_app.state.console.settings)
    engine = make_engine(database.database_url)
    with Session(engine) as own, own.begin():
        case = make_case(own)
        now, number = business_now(own), case.number
        made = links.make_link(own, number, holder="client", actor="test", now=now, key=key, settings=settings)
    together, came = Barrier(4), []

    def one() -> None:
        with Session(engine) as own, own.begin():
            own.execute(text("SELECT 1"))
            together.wait(10)
            tried = links.enter(own, made.secret, other(made.code), key=key, now=now, settings=settings)
            came.append(tried.came)

    threads = [Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with Session(engine) as own, own.begin():
        link = own.get_one(FamilyLink, made.id)
        assert (came, link.wrong_codes, link.ended_by) == (["wrong"] * 4, 4, "avain")
        assert links.enter(own, made.secret, made.code, key=key, now=now, settings=settings).came == "over"
    engine.dispose()
