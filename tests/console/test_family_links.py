"""Links on a case's page, made and taken back by those who may see the case; and a support person's, by the family."""

from datetime import timedelta

import pytest
import segno
from sqlalchemy import text

from core.clock import business_now
from models.case import Client
from models.family import FamilyLink
from services.family import links
from tests.factories.case import make_case
from tests.factories.worker import make_worker
from tests.support.browsing import ORIGIN, Browser, Opener
from tests.support.families import come_in, make_link


@pytest.fixture
def worker(session):
    return make_worker(session, external_id="ME", language="en", name="Oona Omatyöntekijä")


@pytest.fixture
def case(session, worker):
    return make_case(session, responsible_worker_id=worker.id)


@pytest.fixture
def opener(family_app, session):
    with Opener(family_app, session) as opened:
        yield opened


@pytest.fixture
def browser(opener, worker):
    return opener.sign_in("worker", worker="ME")


def address(case):
    return f"/cases/{case.number}"


def made_by(browser, case, **fields):
    return browser.submit(browser.get(address(case)), f"{address(case)}/links", fields)


def events(session):
    rows = session.execute(
        text("SELECT actor, action, subject, details FROM audit_event WHERE starts_with(action, 'family.') ORDER BY id")
    )
    return [tuple(row) for row in rows]


def test_a_worker_makes_a_link_that_is_shown_once(session, family_app, browser, case):
    page = made_by(browser, case, language="sv")
    assert page.status == 200
    where, code = (one.text for one in page.all("//code"))
    assert where.startswith(f"{ORIGIN}/my/in/")
    assert page.all("//section[@lang='sv']")
    (square,) = page.all("//*[local-name()='svg'][@class='qr']/*/*[@stroke]/@d")
    drawn = segno.make(where, error="m", micro=False).svg_inline(scale=4, border=4, light="#fff")
    assert f'd="{square}"' in drawn, "the square is the address, without the code"
    answer = Browser(family_app).client.post(
        "/my/in", data={"link": where, "code": code}, headers={"origin": ORIGIN}, follow_redirects=False
    )
    assert answer.status_code == 303
    (row,) = session.query(FamilyLink).all()
    assert row.expires_at - row.made_at == timedelta(hours=72)
    actor, action, subject, details = events(session)[0]
    assert (actor, action, subject) == ("worker:ME", "family.link_made", f"case:{case.number}")
    assert (details["link"], details["holder"]) == (row.id, "client")
    again = browser.get(address(case))
    assert code not in again.answer.text
    assert where.rpartition("/")[2] not in again.answer.text
    assert "Oona Omatyöntekijä" in again.text


def test_a_link_is_taken_back_and_its_browsers_are_out(session, family_app, browser, case):
    family = come_in(family_app, session, case)
    (link,) = session.query(FamilyLink).all()
    helper = links.make_link(
        session, case.number, holder="support", actor=f"family:link-{link.id}", now=business_now(session),
        key=b"k" * 32, settings=family_app.state.console.settings.family,
    )  # fmt: skip
    other = make_link(family_app, session, case)
    path = f"{address(case)}/links/{link.id}/revoke"
    page = browser.submit(browser.get(address(case)), path)
    assert "The link is taken back." in page.text
    assert family.client.get("/my", follow_redirects=False).headers["location"] == "/my/in"
    session.expire_all()
    ended = {one.id: one.ended_by for one in session.query(FamilyLink)}
    assert ended == {link.id: "worker:ME", helper.id: "worker:ME", other.id: None}, "what its holder handed on ends too"
    told = [details["link"] for _, action, _, details in events(session) if action == "family.link_revoked"]
    assert sorted(told) == [link.id, helper.id]
    page = browser.post(path, {"csrf": page.form("/logout")["csrf"]})
    assert "had ended already" in page.text


def test_links_of_other_cases_and_others_cases_are_not_there(session, opener, browser, case, family_app):
    theirs = make_case(session, responsible_worker_id=make_worker(session).id)
    link = make_link(family_app, session, theirs)
    csrf = {"csrf": browser.get(address(case)).form("/logout")["csrf"]}
    assert browser.post(f"{address(theirs)}/links", csrf).status == 404
    assert browser.post(f"{address(theirs)}/links/{link.id}/revoke", csrf).status == 404
    assert browser.post(f"{address(case)}/links/{link.id}/revoke", csrf).status == 404
    assert session.get_one(FamilyLink, link.id).ended_at is None


def test_under_turvakielto_no_link_is_made_and_the_reason_is_said(session, family_app, browser, case):
    fresh = browser.get(address(case))
    open_before = make_link(family_app, session, case)
    session.get_one(Client, case.client_id).non_disclosure = True
    session.flush()
    page = browser.submit(fresh, f"{address(case)}/links")
    assert page.status == 422
    assert "no link to the budget can be made" in page.text
    assert not page.all(f"//form[@action='{address(case)}/links']")
    assert "no link to the budget can be made" in browser.get(address(case)).text
    assert [one.id for one in session.query(FamilyLink)] == [open_before.id]


def test_a_case_has_only_so_many_open_links(session, family_app, browser, case):
    for _ in range(10):
        make_link(family_app, session, case)
    page = made_by(browser, case)
    assert page.status == 422
    assert "10 open links" in page.text
    session.query(FamilyLink).first().expires_at = business_now(session)
    session.flush()
    assert made_by(browser, case).status == 200


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_section_and_the_paper_in_three_languages(session, family_app, browser, case, language):
    for change in ({}, {"wrong_codes": 5, "ended_by": "avain"}, {"ended_by": "worker:ME"}):
        row = session.get_one(FamilyLink, make_link(family_app, session, case).id)
        for name, value in change.items():
            setattr(row, name, value)
        row.ended_at = business_now(session) if change else None
    session.flush()
    page = browser.get(f"{address(case)}?lang={language}")
    assert page.tree.get("lang") == language
    assert len(page.all("//section[@aria-labelledby='links']//tbody/tr")) == 3
    assert made_by(browser, case, language=language).all(f"//section[@lang='{language}']")


def support(case):
    return f"/my/{case.number}/support"


def test_a_family_lets_a_support_person_look_and_stops_it(session, family_app, case):
    family = come_in(family_app, session, case)
    actor = f"family:link-{session.query(FamilyLink).one().id}"
    page = family.submit(family.get(support(case)), support(case))
    assert page.status == 200
    where, code = (one.text for one in page.all("//code"))
    helper = Browser(family_app)
    fields = {"link": where, "code": code}
    assert (
        helper.client.post("/my/in", data=fields, headers={"origin": ORIGIN}, follow_redirects=False).status_code == 303
    )
    row = session.query(FamilyLink).filter_by(holder="support").one()
    assert (row.made_by, row.expires_at - row.made_at) == (actor, timedelta(days=30))
    # who only looks gives nothing on
    assert helper.get(support(case)).status == 403
    assert helper.post(support(case), {"csrf": csrf_of(session, row.id)}).status == 403
    page = family.get(support(case))
    stopped = family.client.post(
        f"{support(case)}/{row.id}/revoke",
        data=page.form(f"{support(case)}/{row.id}/revoke"),
        headers={"origin": ORIGIN},
        follow_redirects=False,
    )
    assert (stopped.status_code, stopped.headers["location"]) == (303, support(case))
    assert "can no longer look" in family.get(support(case)).text
    assert helper.client.get("/my", follow_redirects=False).headers["location"] == "/my/in"
    assert [(who, what) for who, what, *_ in events(session) if what == "family.link_revoked"] == [
        (actor, "family.link_revoked")
    ]


def csrf_of(session, link):
    return session.execute(text("SELECT csrf FROM family_session WHERE link_id = :link"), {"link": link}).scalar_one()


def test_a_family_takes_back_support_links_of_its_own_case_only(session, family_app, case):
    family = come_in(family_app, session, case)
    own = session.query(FamilyLink).one()
    other = make_link(family_app, session, make_case(session), "support")
    csrf = {"csrf": csrf_of(session, own.id)}
    for link in (own.id, other.id):
        assert family.post(f"{support(case)}/{link}/revoke", csrf).status == 404
    assert {one.ended_at for one in session.query(FamilyLink)} == {None}


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_support_page_in_three_languages(session, family_app, case, language):
    family = come_in(family_app, session, case)
    make_link(family_app, session, case, "support")
    page = family.get(f"{support(case)}?lang={language}")
    assert (page.status, page.tree.get("lang")) == (200, language)
    assert Browser(family_app).get(f"/my/in?lang={language}").tree.get("lang") == language
