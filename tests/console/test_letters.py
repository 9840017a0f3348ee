"""Links that stand in e-mails lead to the page that tells of the matter, and to nobody else's."""

from datetime import date

import pytest

from models.case import Decision
from tests.factories.follow_up import make_follow_up
from tests.factories.order import make_order
from tests.support.office import Office


@pytest.fixture
def office(session) -> Office:
    return Office(session)


def where(browser, path):
    answer = browser.client.get(path, follow_redirects=False)
    return answer.status_code, answer.headers.get("location")


def test_an_order_has_its_page_and_a_follow_up_leads_to_its_case(session, office, sign_in):
    item = office.item()
    case = session.get_one(type(office.case()), item.case_id)
    decision = session.get_one(Decision, item.decision_id)
    order = make_order(session, decision, office.provider)
    follow_up = make_follow_up(session, item, due=date(2026, 11, 16))
    mine = sign_in("worker", worker="W-1")
    assert where(mine, f"/orders/{order.number}") == (200, None)
    assert where(mine, f"/follow-ups/{follow_up.id}") == (303, f"/cases/{case.number}")
    assert where(mine, "/notices/1") == (303, "/#news")
    others = sign_in("worker", worker="W-9")
    for path in (
        f"/orders/{order.number}",
        f"/follow-ups/{follow_up.id}",
        "/orders/T-2026-999999",
        "/follow-ups/999999",
    ):
        page = others.get(path)
        assert page.status == 404, path
        assert "There is no such page." in page.text or "that you can see." in page.text
        assert case.number not in page.text


@pytest.mark.parametrize("path", ["/orders/%00", "/follow-ups/0", "/follow-ups/x", "/notices/x"])
def test_what_cannot_be_is_not_there(office, sign_in, path):
    assert sign_in("worker", worker="W-1").get(path).status == 404
