"""Orders that no longer say what is planned: whose, what differs, and how each is settled."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from core.i18n import LANGUAGES
from services.orders import proposals
from tests.support.office import NOW
from tests.support.order_desk import OrderDesk
from tests.support.queries import recording

LIST = "/orders/proposals"


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026; no worker is told of work."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)
    monkeypatch.setattr("console.visit.hint", lambda _ids: 0)


@pytest.fixture
def desk(session) -> OrderDesk:
    return OrderDesk(session)


@pytest.fixture
def worker(desk, sign_in):
    return sign_in("worker", worker="W-1")


def changed(session, desk, worker=None):
    """An order whose plan says something else by now."""
    item = desk.item(worker, chosen=True)
    order = desk.order(item=item)
    item.quantity = Decimal(20)
    session.flush()
    proposals.watch(session, NOW)
    return order


def settled(session) -> list[tuple[str | None, str]]:
    return [tuple(row) for row in session.execute(text("SELECT outcome, note FROM order_proposal ORDER BY id"))]


def test_a_worker_sees_what_differs_in_their_own_orders(session, desk, worker):
    order, hers = changed(session, desk), changed(session, desk, desk.colleague)
    page = worker.get(LIST)
    assert page.status == 200
    assert f"What {order.number} orders is planned otherwise now." in page.text
    assert "Quantity12 visits20 visits" in page.text
    assert "Period" not in page.text
    assert hers.number not in page.answer.text
    assert "Quantity12 visits20 visits" in worker.get(f"/orders/{order.number}").text


def test_one_is_cancelled_and_what_is_planned_waits_again(session, desk, worker):
    order = changed(session, desk)
    page = worker.get(LIST)
    (action,) = page.all("//form[contains(@action, 'settle')]/@action")
    after = worker.submit(page, action, {"outcome": "cancelled", "note": "määrä muuttui"})
    assert f"{order.number} is cancelled." in after.text
    assert settled(session) == [("cancelled", "määrä muuttui")]
    assert "20 visits" in worker.get("/orders/waiting").text


def test_one_is_kept(session, desk, worker):
    order = changed(session, desk)
    page = worker.get(f"/orders/{order.number}")
    (action,) = page.all("//form[contains(@action, 'settle')]/@action")
    after = worker.submit(page, action, {"outcome": "kept", "note": "riittää näin"})
    assert f"{order.number} is kept as it is." in after.text
    assert settled(session) == [("kept", "riittää näin")]
    assert worker.submit(page, action, {"outcome": "kept", "note": "riittää"}).status == 404
    assert "Every order says what is planned." in worker.get(LIST).text


def test_settling_needs_a_reason_and_an_outcome(session, desk, worker):
    changed(session, desk)
    page = worker.get(LIST)
    (action,) = page.all("//form[contains(@action, 'settle')]/@action")
    for fields, said in (
        ({"outcome": "kept", "note": ""}, "Settling a proposal needs a reason."),
        ({"outcome": "", "note": "näin"}, "settles no proposal"),
    ):
        after = worker.submit(page, action, fields)
        assert after.status == 422
        assert said in after.text
        assert (after.all("//textarea")[0].text or "") == fields["note"]
    assert settled(session) == [(None, "")]


def test_others_cannot_be_settled(session, desk, sign_in):
    changed(session, desk)
    stranger = sign_in("worker", worker="W-9")
    token = stranger.get("/").form("/logout")["csrf"]
    (one,) = session.execute(text("SELECT id FROM order_proposal")).scalars()
    answer = stranger.post(f"{LIST}/{one}/settle", {"csrf": token, "outcome": "kept", "note": "x"})
    assert answer.status == 404
    assert settled(session) == [(None, "")]


def test_the_list_goes_on_and_costs_the_same(session, desk, worker, monkeypatch):
    made = [changed(session, desk) for _ in range(3)]
    monkeypatch.setattr("console.pages.order_proposals._PAGE", 2)
    with recording(session) as few:
        page = worker.get(LIST)
    (link,) = page.all("//a[@rel='next']/@href")
    assert made[2].number in worker.get(link).text
    monkeypatch.setattr("console.pages.order_proposals._PAGE", 50)
    with recording(session) as many:
        worker.get(LIST)
    assert len(few) == len(many)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_reads_in_every_language(session, desk, worker, language):
    changed(session, desk)
    page = worker.get(f"{LIST}?lang={language}")
    assert page.status == 200
    assert page.all("/html/@lang") == [language]
