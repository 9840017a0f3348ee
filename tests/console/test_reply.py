"""The pages that an order's letter leads providers to: answering without a login, once, and telling nobody's affairs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import move_business_clock
from core.keys import link_secret
from core.logging import CHECK_MARKS
from models.order import PurchaseOrder
from services.orders.replies.answer_values import Answer
from services.orders.replies.answers import take
from services.orders.sending.reply_links import Purpose, link
from tests.support.answers import an_order, coverage, news_of, stands, two_lines
from tests.support.browsing import Browser, Page
from tests.support.ordering import NOW, World, make_world

START = "1.12.2026"
JANUARY = datetime(2027, 1, 10, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_day_after(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the day after these tests' orders were sent; some of them go on in January."""
    monkeypatch.setenv("AVAIN_TEST_CLOCK", "1")
    move_business_clock(session, NOW + timedelta(days=1))


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


@pytest.fixture
def found(session: Session, world: World) -> PurchaseOrder:
    return an_order(session, world=world)


@pytest.fixture
def browser(app: FastAPI) -> Browser:
    return Browser(app)


def address(app: FastAPI, found: PurchaseOrder, purpose: Purpose = "reply", **over: Any) -> str:
    """Where the letter's link leads to."""
    said = {"expires": date(2030, 1, 1), "epoch": found.link_epoch, **over}
    return link(link_secret(app.state.console.settings), "", found.number, purpose, **said)


def form_of(page: Page, answer: str) -> dict[str, str]:
    """The fields of one of the page's three forms."""
    (form,) = [one for one in page.tree.forms if dict(one.form_values()).get("answer") == answer]
    return dict(form.form_values())


def answers(session: Session) -> int:
    return int(session.execute(text("SELECT count(*) FROM order_response")).scalar_one())


def test_looking_changes_nothing_and_tells_nobodys_affairs(app, session, browser, world, found):
    path = address(app, found)
    page = browser.get(path)
    assert page.status == 200
    assert found.number in page.text
    client = session.execute(
        text("SELECT external_id FROM client WHERE id = :id"), {"id": world.case.client_id}
    ).scalar_one()
    for secret in (
        world.case.number,
        world.case.external_id,
        client,
        world.worker.name,
        world.service.name_fi,
        world.decision.number or "-",
        found.client_reference,
    ):
        assert secret not in page.answer.text
    assert stands(session, found) == ("sent", None)
    assert answers(session) == 0
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.answer.headers["referrer-policy"] == "same-origin"
    assert browser.client.head(path).status_code in {200, 405}


def test_it_is_accepted_with_a_first_day(app, session, browser, found):
    path = address(app, found)
    page = browser.get(path)
    done = browser.post(path, {**form_of(page, "accept"), "starts_on": START})
    assert done.status == 200
    assert stands(session, found) == ("accepted", date(2026, 12, 1))
    assert "1.12.2026" in done.text
    assert news_of(session, found) == ["order_accepted"]
    event = session.execute(text("SELECT actor, details FROM audit_event WHERE action = 'order.answered'")).one()
    assert (event.actor, event.details["answer"]) == ("provider", "AP")
    browser.post(path, {**form_of(page, "accept"), "starts_on": START})
    assert answers(session) == 1, "sent twice it is one answer"


@pytest.mark.parametrize(
    ("day", "why"), [("", "Say on which day"), ("1.1.2020", "outside the order"), ("soon", "not a day")]
)
def test_a_first_day_must_be_one_of_the_orders(app, session, browser, found, *, day, why):
    path = address(app, found) + "?lang=en"
    done = browser.post(path, {**form_of(browser.get(path), "accept"), "starts_on": day})
    assert (done.status, why in done.text) == (422, True)
    assert done.tree.xpath("//input[@name='starts_on']/@value") == [day]
    assert stands(session, found)[0] == "sent"


def test_no_room(app, session, browser, found):
    path = address(app, found)
    done = browser.post(path, form_of(browser.get(path), "reject"))
    assert done.status == 200
    assert (stands(session, found)[0], coverage(session, found)) == ("rejected", [False])
    assert news_of(session, found) == ["order_rejected"]
    assert done.tree.forms == []


def test_a_change_is_proposed_and_may_be_replaced(app, session, browser):
    found = two_lines(session)
    path = address(app, found)
    first = form_of(browser.get(path), "change")
    browser.post(
        path,
        {
            **first,
            "other_start": "15.12.2026",
            "quantity.1": "8",
            "quantity.2": "",
            "note": "Aloitus vasta joulukuussa",
        },
    )
    assert stands(session, found)[0] == "changed"
    row = session.execute(text("SELECT starts_on, note, state FROM order_response")).one()
    assert tuple(row) == (date(2026, 12, 15), "Aloitus vasta joulukuussa", "held")
    lines = session.execute(
        text("SELECT line_number, code, quantity FROM order_response_line ORDER BY line_number")
    ).all()
    assert [(one.line_number, one.code, one.quantity and int(one.quantity)) for one in lines] == [
        (1, "3", 8),
        (2, "5", None),
    ]
    page = browser.get(path)
    browser.post(path, {**form_of(page, "accept"), "starts_on": START})
    assert stands(session, found)[0] == "accepted"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "nothing else than what was ordered"),
        ({"quantity.1": "13"}, "more than was ordered"),
        ({"quantity.1": "-1"}, "cannot be meant"),
        ({"quantity.1": "paljon"}, "not a number"),
        ({"other_start": "1.1.2020"}, "outside the order"),
        ({"note": f"Asiakas 010190-999{CHECK_MARKS[10190999 % 31]} soitti"}, "personal identity code"),
        ({"note": "HB-2026-000001 soitti"}, "names a case"),
        ({"note": "x" * 501}, "501"),
        ({"note": "\u202ex"}, "cannot be printed"),
    ],
)
def test_what_cannot_be_proposed_is_said_and_kept_in_the_form(app, session, browser, found, *, fields, why):
    path = address(app, found) + "?lang=en"
    done = browser.post(path, {**form_of(browser.get(path), "change"), **fields})
    assert done.status == 422
    assert why in done.text
    assert (stands(session, found)[0], answers(session)) == ("sent", 0)


def test_two_people_at_once(app, session, browser, found):
    path = address(app, found)
    mine, theirs = browser.get(path), browser.get(path)
    browser.post(path, {**form_of(theirs, "change"), "note": "vasta tammikuussa"})
    done = browser.post(path, {**form_of(mine, "accept"), "starts_on": START})
    assert done.status == 409
    assert stands(session, found)[0] == "changed"
    browser.post(path, {**form_of(browser.get(path), "reject")})
    late = browser.post(path, {**form_of(mine, "accept"), "starts_on": START})
    assert late.status == 409
    assert stands(session, found)[0] == "rejected"
    again = browser.post(path, form_of(theirs, "reject"))
    assert again.status == 200, "who agrees is told how it stands"


@pytest.mark.parametrize("state", ["accepted", "rejected", "cancelled", "closed"])
def test_what_is_settled_is_said_kindly(app, session, browser, world, state):
    found = an_order(session, world=world, state=state)
    path = address(app, found) + "?lang=en"
    page = browser.get(path)
    assert page.status == 200
    assert page.tree.forms == []
    done = browser.post(
        path, {"answer": "reject" if state != "rejected" else "accept", "starts_on": START, "seen": "x"}
    )
    assert done.status == 409
    assert stands(session, found)[0] == state


def test_links_that_do_not_open(app, session, browser, found):
    whole = address(app, found)
    for path, status in [
        (whole[:-2], 404),
        ("/reply/no-such-token", 404),
        (address(app, found, "delivered").replace("/delivered/", "/reply/"), 404),
        (address(app, found, expires=NOW.date()), 410),
        (address(app, found, epoch=7), 410),
    ]:
        assert browser.get(path).status == status
        assert browser.post(path, {"answer": "reject"}).status == status
    assert stands(session, found)[0] == "sent"


def test_an_order_that_is_gone_does_not_open(app, browser, found):
    strange = link(
        link_secret(app.state.console.settings), "", "T-2026-999999", "reply", expires=date(2030, 1, 1), epoch=1
    )
    assert browser.get(strange).status == 404


def test_nothing_chosen_is_said(app, browser, found):
    done = browser.post(address(app, found) + "?lang=en", {"seen": "x"})
    assert (done.status, "Say whether you accept" in done.text) == (422, True)


def test_a_form_of_another_site_does_nothing(app, session, browser, found):
    path = address(app, found)
    answer = browser.client.post(path, data={"answer": "reject"}, headers={"origin": "https://evil.test"})
    assert answer.status_code == 403
    assert stands(session, found)[0] == "sent"


def test_the_page_speaks_the_providers_language_unless_asked_otherwise(app, session, browser, world):
    world.provider.language = "sv"
    found = an_order(session, world=world)
    path = address(app, found)
    assert browser.get(path).tree.get("lang") == "sv"
    for wanted in ("fi", "sv", "en"):
        assert browser.get(f"{path}?lang={wanted}").tree.get("lang") == wanted
    assert browser.get(path).tree.get("lang") == "en", "as asked for before"


def test_one_address_answers_only_so_often(app, browser, found):
    path = address(app, found)
    statuses = [browser.post(path, {"answer": "?"}).status for _ in range(22)]
    assert (statuses[0], statuses[-1]) == (422, 429)


def test_the_link_stands_in_no_log(app, browser, found, capfd, caplog):
    path = address(app, found)
    browser.get(path)
    browser.post(path, {"answer": "reject"})
    token = path.rpartition("/")[2]
    logged = capfd.readouterr()
    assert token not in logged.out + logged.err + caplog.text


def test_what_was_delivered_is_reported_and_corrected(app, session, browser):
    found = two_lines(session)
    take(session, Answer(found.number, "AP", starts_on=date(2026, 12, 1)), now=NOW)
    move_business_clock(session, JANUARY)
    path = browser.get(address(app, found)).tree.xpath("//a[starts-with(@href, '/delivered/')]/@href")[0]
    fields = browser.get(path).form(path)
    assert (fields["first"], fields["last"]) == ("1.12.2026", "31.12.2026"), "the month before"
    for quantity in ("1,5", "3", "3"):
        done = browser.post(path, {**fields, "quantity.1": quantity, "quantity.2": ""})
        assert (done.status, browser.get(path).form(path)["quantity.1"]) == (200, "")
    rows = session.execute(text("SELECT quantity, told_by FROM delivered WHERE superseded_at IS NULL")).all()
    assert [tuple(one) for one in rows] == [(3, "form")]
    assert (
        session.execute(text("SELECT count(*) FROM audit_event WHERE action = 'order.delivery_reported'")).scalar_one()
        == 2
    )


def test_more_than_was_ordered_waits_for_a_person_once(app, session, browser, found):
    move_business_clock(session, JANUARY)
    path = address(app, found, "delivered") + "?lang=en"
    for _time in range(2):
        done = browser.post(path, {"first": "1.12.2026", "last": "31.12.2026", "quantity.1": "99"})
        assert (done.status, "99" in done.text) == (200, True)
    row = session.execute(text("SELECT state, source, order_id FROM incoming_document")).one()
    assert tuple(row) == ("held", "console/delivered", found.id)
    assert news_of(session, found) == ["delivered_held"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "is missing"),
        ({"first": "1.12.2025", "last": "1.11.2025", "quantity.1": "1"}, "before the first"),
        ({"first": "1.12.2025", "last": "2.12.2025"}, "at least one line"),
        ({"first": "1.12.2099", "last": "2.12.2099", "quantity.1": "1"}, "not come yet"),
        ({"first": "x", "last": "2.12.2025", "quantity.1": "1"}, "not a day"),
    ],
)
def test_what_cannot_be_reported_is_said(app, session, browser, found, *, fields, why):
    done = browser.post(address(app, found, "delivered") + "?lang=en", fields)
    assert (done.status, why in done.text) == (422, True)
    assert session.execute(text("SELECT count(*) FROM delivered")).scalar_one() == 0


def test_nothing_is_reported_on_what_was_rejected(app, session, browser, world):
    found = an_order(session, world=world, state="rejected")
    path = address(app, found, "delivered") + "?lang=en"
    assert browser.get(path).tree.forms == []
    done = browser.post(path, {"first": "1.12.2025", "last": "2.12.2025", "quantity.1": "1"})
    assert done.status == 422
