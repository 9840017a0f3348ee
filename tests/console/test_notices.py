"""The page of a piece of news: for whom it was written to, their deputy, their supervisor, whoever a mail told of it; 404 alike for others."""

import pytest

from core.errors import Message
from models.follow_up import Digest
from tests.factories.base import added
from tests.factories.follow_up import make_notice
from tests.support.office import NOW, TODAY, Office


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def office(session) -> Office:
    return Office(session)


def test_the_sentence_and_the_way_to_its_subject(session, office, sign_in):
    number = office.case().number
    said = Message("{order} was accepted on {date}.", order="T-2026-000001", date="2026-11-13").to_json()
    ways = {
        f"case:{number}": f"/cases/{number}",
        f"item:{number}/I-1": f"/cases/{number}/compare",
        "order:T-2026-000001": "/orders/T-2026-000001",
        "worker:W-2": None,
    }
    browser = sign_in("worker", worker="W-1")
    for subject, way in ways.items():
        notice = make_notice(session, office.me, subject=subject, message=said, kind="order_accepted")
        page = browser.get(f"/notices/{notice.id}")
        assert page.status == 200
        assert "T-2026-000001 was accepted on" in page.text
        assert page.all("//main//a[@class='button']/@href") == ([way] if way else [])
    bare = make_notice(session, office.me, subject="worker:W-2", kind="brand_new")
    assert "you should look at" in browser.get(f"/notices/{bare.id}").text


def test_only_those_may_read_it_who_are_concerned(session, office, sign_in):
    subject = f"case:{office.case().number}"
    notice = make_notice(session, office.me, subject=subject)
    path = f"/notices/{notice.id}"
    office.away(office.me, office.colleague)
    told = {
        "W-1": sign_in("worker", worker="W-1").get(path).status,
        "W-2": sign_in("worker", worker="W-2").get(path).status,
        "W-7": sign_in("supervisor", worker="W-7").get(path).status,
        "everything": sign_in("operator", everything=True).get(path).status,
    }
    assert set(told.values()) == {200}, told
    stranger = sign_in("worker", "supervisor", worker="W-9")
    nobody = sign_in("operator")
    for browser in (stranger, nobody):
        page = browser.get(path)
        assert (page.status, page.text) == (404, browser.get("/notices/999999").text)
    plain = make_notice(session, office.me, subject="worker:W-1")
    added(session, Digest(worker_id=office.stranger.id, local_date=TODAY, message_id="<a@b>", document="", items={"announced": [], "escalated": [], "news": [plain.id, notice.id]}))  # fmt: skip
    assert stranger.get(f"/notices/{plain.id}").status == 200, "a mail told of it"
    assert stranger.get(path).status == 404, "of a case that is not theirs, a mail makes it no more so"


def test_a_case_that_is_no_longer_mine_takes_its_news_along(session, office, sign_in):
    case = office.case()
    notice = make_notice(session, office.me, subject=f"case:{case.number}")
    case.responsible_worker_id = office.stranger.id
    session.flush()
    assert sign_in("worker", worker="W-1").get(f"/notices/{notice.id}").status == 404
