"""How sessions end: by time, by sign-out, by revocation, with the worker; what a cookie is worth."""

import pytest
from sqlalchemy import text

from core.clock import business_now
from core.errors import NotFound
from services.access import sessions
from tests.factories.worker import make_worker
from tests.support.browsing import Browser


def is_in(browser: Browser) -> bool:
    return browser.client.get("/", follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    ("passed", "lives"),
    [
        ("seen_at = seen_at - interval '29 min'", True),
        ("seen_at = seen_at - interval '31 min'", False),
        ("expires_at = clock_timestamp() + interval '1 min'", True),
        ("expires_at = clock_timestamp() - interval '1 s'", False),
        ("revoked_at = clock_timestamp()", False),
    ],
)
def test_sessions_end(session, sign_in, passed, lives):
    browser = sign_in("operator")
    session.execute(text(f"UPDATE console_session SET {passed}"))
    assert is_in(browser) == lives
    assert is_in(browser) == lives


def test_a_click_is_noted_and_keeps_the_session_alive(session, sign_in):
    browser = sign_in("operator")
    session.execute(text("UPDATE console_session SET seen_at = seen_at - interval '20 min'"))
    assert is_in(browser)
    session.execute(text("UPDATE console_session SET seen_at = seen_at - interval '20 min'"))
    assert is_in(browser)


def test_a_session_lasts_no_longer_than_it_was_given(session, sign_in):
    sign_in("operator")
    hours = session.execute(
        text("SELECT extract(epoch FROM expires_at - created_at) / 3600 FROM console_session")
    ).scalar_one()
    assert round(hours, 2) == 8


def test_signed_out_is_out(session, sign_in):
    browser = sign_in("operator")
    secret = browser.client.cookies["avain"]
    page = browser.submit(browser.get("/"), "/logout")
    assert "You have signed out" in page.text
    browser.client.cookies.set("avain", secret, domain="127.0.0.1")
    assert not is_in(browser)
    assert (
        session.execute(text("SELECT action FROM audit_event ORDER BY id DESC LIMIT 1")).scalar()
        == "console.signed_out"
    )


def test_everybody_of_a_subject_is_signed_out(session, sign_in):
    first, second, other = (sign_in("operator", subject=name) for name in ("a", "a", "b"))
    assert sessions.revoke_all(session, "a", actor="cli:test", now=business_now(session)) == 2
    assert [is_in(one) for one in (first, second, other)] == [False, False, True]
    assert sessions.revoke_all(session, "a", actor="cli:test", now=business_now(session)) == 0


def test_a_worker_is_signed_out(session, sign_in):
    make_worker(session, external_id="W-1")
    make_worker(session, external_id="W-2")
    first, second = sign_in("worker", worker="W-1"), sign_in("worker", worker="W-2")
    assert sessions.revoke_worker(session, "W-1", actor="cli:test", now=business_now(session)) == 1
    assert [is_in(first), is_in(second)] == [False, True]
    with pytest.raises(NotFound, match="no worker W-9"):
        sessions.revoke_worker(session, "W-9", actor="cli:test", now=business_now(session))


def test_a_worker_who_is_no_longer_active_is_out(session, sign_in):
    make_worker(session, external_id="W-1")
    browser = sign_in("worker", worker="W-1")
    session.execute(text("UPDATE worker SET active = false"))
    assert not is_in(browser)


def test_who_lives(session, sign_in):
    make_worker(session, external_id="W-1", name="Aino Esimerkki")
    sign_in("worker", worker="W-1")
    sign_in("auditor", subject="gone")
    session.execute(text("UPDATE console_session SET seen_at = seen_at - interval '31 min' WHERE subject = 'gone'"))
    (one,) = sessions.living(session, idle_minutes=30)
    assert (one["worker"], one["name"], one["roles"]) == ("W-1", "Aino Esimerkki", ["worker"])


def test_the_database_holds_no_secret(session, sign_in):
    browser = sign_in("operator")
    kept = session.execute(text("SELECT * FROM console_session")).one()
    assert browser.client.cookies["avain"] not in str(tuple(kept))


def test_a_post_after_the_end_says_that_nothing_was_saved(session, sign_in):
    browser = sign_in("operator")
    page = browser.get("/")
    session.execute(text("UPDATE console_session SET revoked_at = clock_timestamp()"))
    answer = browser.submit(page, "/logout")
    assert answer.status == 401
    assert "what you sent was not saved" in answer.text


def test_what_was_typed_too_late_can_be_copied_by_who_typed_it(session, sign_in):
    browser = sign_in("operator")
    typed = {"csrf": "of-then", "note": "sovittu <b>puhelimessa</b>"}
    stale = browser.post("/runs/1/retry", typed)
    assert stale.status == 403
    acknowledged = browser.post("/runs/1/acknowledge", typed)
    assert acknowledged.status == 403
    assert [one.text_content() for one in acknowledged.all("//li[@class='kept']")] == [typed["note"]]
    session.execute(text("UPDATE console_session SET revoked_at = clock_timestamp()"))
    answer = browser.post("/runs/1/acknowledge", typed)
    assert answer.status == 401
    assert [one.text_content() for one in answer.all("//li[@class='kept']")] == [typed["note"]]
    assert "of-then" not in answer.text
    assert answer.all("//main//a/@href") == ["/login"]
    elsewhere = browser.client.post("/runs/1/acknowledge", data=typed, headers={"origin": "https://evil.invalid"})
    assert elsewhere.status_code == 401
    assert "sovittu" not in elsewhere.text


@pytest.mark.parametrize("roles", [["worker"], ["supervisor"], ["worker", "supervisor"]])
def test_a_role_about_cases_without_a_worker_is_explained(sign_in, roles):
    assert "you see no cases" in sign_in(*roles).get("/").text


@pytest.mark.parametrize("roles", [["operator"], ["worker", "auditor"]])
def test_others_are_not_bothered(sign_in, roles):
    assert "you see no cases" not in sign_in(*roles).get("/").text
