"""The list of orders: whose, narrowed, page by page, and what it costs."""

import pytest
from sqlalchemy import text

from core.i18n import LANGUAGES
from services.orders import listing
from tests.factories.answer import make_proposal
from tests.support.office import NOW
from tests.support.order_desk import OrderDesk
from tests.support.queries import recording


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def desk(session) -> OrderDesk:
    return OrderDesk(session)


@pytest.fixture
def worker(desk, sign_in):
    return sign_in("worker", worker="W-1")


def numbers(page) -> list[str]:
    return [one.text_content() for one in page.all("//tbody/tr/th/a")]


def test_a_worker_sees_the_orders_of_their_cases_the_newest_first(session, desk, worker, sign_in):
    first, second, hers = desk.order(), desk.order(state="failed"), desk.order(desk.colleague)
    desk.order(desk.stranger)
    page = worker.get("/orders")
    assert page.status == 200
    assert numbers(page) == [second.number, first.number]
    assert "not delivered" in page.text
    assert f"{desk.case_of(first).number} Tukipolku (keksitty)" in page.text
    assert "€600.00" in page.text
    assert numbers(sign_in("supervisor", worker="W-7").get("/orders")) == [hers.number, second.number, first.number]
    (seen,) = session.execute(
        text("SELECT details FROM audit_event WHERE action = 'orders.listed' AND actor = 'worker:W-1'")
    ).scalars()
    assert seen == {"count": 2, "cases": [desk.case_of(second).number, desk.case_of(first).number]}


def test_a_list_is_narrowed_by_state_provider_case_and_worker(session, desk, worker, sign_in):
    one, two, hers = desk.order(), desk.order(state="accepted"), desk.order(desk.colleague)
    head = sign_in("supervisor", worker="W-7")
    for query, wanted in (
        ("state=accepted", [two]),
        (f"provider={desk.provider.business_id}", [hers, two, one]),
        ("provider=9999999-2", []),
        (f"case={desk.case_of(one).number.lower()}", [one]),
        ("worker=W-2", [hers]),
        ("worker=W-1&state=sent", [one]),
    ):
        assert numbers(head.get(f"/orders?{query}")) == [each.number for each in wanted], query
    assert worker.get(f"/orders?case={desk.case_of(hers).number}").text.endswith(
        "There are no such orders that you can see."
    )
    page = head.get("/orders?state=accepted&worker=W-1")
    assert page.all("//select[@name='state']/option[@selected]/@value") == ["accepted"]
    assert page.all("//select[@name='worker']/option[@selected]/@value") == ["W-1"]


def test_an_order_that_no_longer_says_what_is_planned_is_marked(session, desk, worker):
    order = desk.order()
    item = desk.item(case=desk.case_of(order))
    proposal = make_proposal(session, order, item)
    assert "to be taken back?" in worker.get("/orders").text
    proposal.settled_at, proposal.outcome = NOW, "kept"
    session.flush()
    assert "to be taken back?" not in worker.get("/orders").text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state=drafty", "There is no state of orders called drafty."),
        ("case=%00", "Case number: that holds characters that cannot be printed."),
        ("worker=%1b", "Responsible worker: that holds characters that cannot be printed."),
    ],
)
def test_what_cannot_be_asked_for_is_said(worker, query, said):
    page = worker.get(f"/orders?{query}")
    assert page.status == 422
    assert said in page.text


def test_nobody_is_looked_for_by_their_henkilotunnus(worker):
    answer = worker.client.get("/orders?case=131052-9074", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders")
    assert "henkilötunnus" in worker.get("/orders").text


def test_the_list_goes_on_and_costs_the_same(session, desk, worker, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 3)
    made = [desk.order(state="sent" if n % 2 else "accepted") for n in range(8)]
    newest = [one.number for one in reversed(made)]
    page = worker.get("/orders")
    assert numbers(page) == newest[:3]
    (link,) = page.all("//a[@rel='next']/@href")
    page = worker.get(link)
    assert numbers(page) == newest[3:6]
    with recording(session) as few:
        worker.get("/orders?state=accepted")
    monkeypatch.setattr(listing, "PAGE", 50)
    with recording(session) as many:
        assert len(numbers(worker.get("/orders"))) == 8
    assert len(few) == len(many)


@pytest.mark.parametrize("everything", [False, True])
def test_who_sees_very_many_cases_is_served_from_the_newest(desk, sign_in, monkeypatch, everything):
    monkeypatch.setattr("services.access.cases.MOST", 0)
    mine, strange = desk.order(), desk.order(desk.stranger)
    browser = sign_in(everything=True) if everything else sign_in("worker", worker="W-1")
    wanted = [strange.number, mine.number] if everything else [mine.number]
    assert numbers(browser.get("/orders")) == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_reads_in_every_language(desk, worker, language):
    desk.order()
    page = worker.get(f"/orders?lang={language}")
    assert page.status == 200
    assert page.all("/html/@lang") == [language]


def test_a_case_tells_its_orders(desk, worker):
    failed, hers = desk.order(state="failed"), desk.order(desk.colleague)
    number = desk.case_of(failed).number
    page = worker.get(f"/cases/{number}")
    assert f"/orders/{failed.number}" in page.all("//section[h2[@id='orders']]//a/@href")
    assert "not delivered Tukipolku (keksitty)" in page.text
    assert hers.number not in page.answer.text
