"""Documents that came in about orders: whose, what each says, and a person's word on what waits."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.errors import Message
from core.i18n import LANGUAGES
from services.orders.replies import incoming_seen
from services.orders.replies.delivered import Report
from tests.factories.answer import make_answer, make_incoming
from tests.support.office import NOW
from tests.support.order_desk import OrderDesk
from tests.support.queries import recording

LIST = "/incoming"


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


def delivered(session, desk, quantity="13", **over):
    """More was delivered of an order than it asked for."""
    item = desk.item(chosen=True, first=date(2026, 11, 1), last=date(2026, 11, 30))
    order = desk.order(item=item, state="accepted")
    report = Report(order.number, 1, date(2026, 11, 1), date(2026, 11, 15), Decimal(quantity))
    return make_incoming(
        session, order, kind="delivered", content={"held": [report.to_json()]},
        reason=Message("More would be delivered than was ordered.").to_json(), **over,
    )  # fmt: skip


def shown(page) -> list[str]:
    return [one.get("id") for one in page.all("//section/h2")]


def state_of(session, document) -> tuple[str, str]:
    return tuple(
        session.execute(text("SELECT state, note FROM incoming_document WHERE id = :id"), {"id": document.id}).one()
    )


def test_a_worker_sees_documents_of_their_cases_and_an_operator_all(session, desk, worker, sign_in):
    mine = make_incoming(session, desk.order(), reason=Message("It is dearer than the order.").to_json(), number="L-5")
    hers, unplaced = make_incoming(session, desk.order(desk.stranger)), make_incoming(session, kind="unknown")
    make_incoming(session, desk.order(), state="applied")
    page = worker.get(LIST)
    assert shown(page) == [f"document-{mine.id}"]
    assert "invoice L-5 waits for a person" in page.text
    assert "It is dearer than the order." in page.text
    assert f"/invoices/{mine.id}" in page.all("//section//a/@href")
    assert page.all("//main//form[@method='post']") == [], "invoices are decided where their lines are seen"
    page = sign_in("operator").get(LIST)
    assert shown(page) == [f"document-{one.id}" for one in (unplaced, hers, mine)]
    assert page.all("//main//a[contains(@href, '/orders')]") == []
    assert len(shown(worker.get(f"{LIST}?state="))) == 2
    assert len(shown(worker.get(f"{LIST}?state=applied"))) == 1
    assert worker.get(f"{LIST}?state=gone").status == 422


def test_what_was_delivered_is_taken_all_the_same(session, desk, worker):
    document = delivered(session, desk)
    page = worker.get(LIST)
    assert "More would be delivered than was ordered." in page.text
    assert "2026-11-01–2026-11-15 13" in page.text.replace("1513", "15 13")
    after = worker.submit(page, f"{LIST}/{document.id}/apply", {"note": "sovittu"})
    assert "The document is applied." in after.text
    assert state_of(session, document) == ("applied", "sovittu")
    assert session.execute(text("SELECT quantity FROM delivered")).scalars().all() == [13]
    again = worker.post(f"{LIST}/{document.id}/apply", page.form(f"{LIST}/{document.id}/apply"))
    assert again.status == 422
    assert "does not wait for anybody" in again.text


def test_letting_one_be_needs_a_reason_and_what_was_typed_stays(session, desk, worker):
    document = delivered(session, desk)
    page = worker.get(LIST)
    fields = page.form(f"{LIST}/{document.id}/apply")
    after = worker.post(f"{LIST}/{document.id}/discard", fields)
    assert after.status == 422
    assert "A note is needed: say why." in after.text
    after = worker.post(f"{LIST}/{document.id}/discard", {**fields, "note": "väärä\x00kuukausi"})
    assert after.status == 422
    after = worker.post(f"{LIST}/{document.id}/discard", {**fields, "note": "väärä kuukausi"})
    assert "The document is discarded." in after.text
    assert state_of(session, document) == ("discarded", "väärä kuukausi")


def test_an_unknown_one_can_only_be_let_be(session, desk, sign_in):
    document = make_incoming(session, kind="unknown")
    operator = sign_in("operator")
    page = operator.get(LIST)
    after = operator.submit(page, f"{LIST}/{document.id}/discard", {"note": "mainos"})
    assert "The document is discarded." in after.text


def test_an_answer_is_applied_here_as_on_its_orders_page(session, desk, worker):
    order = desk.order(state="changed", answered_at=NOW)
    document = make_incoming(session, order, kind="response")
    make_answer(session, order, "CA", state="held", incoming_id=document.id)
    after = worker.submit(worker.get(LIST), f"{LIST}/{document.id}/apply", {"note": "käy"})
    assert "The document is applied." in after.text
    assert (
        session.execute(text("SELECT state FROM purchase_order WHERE id = :id"), {"id": order.id}).scalar()
        == "accepted"
    )


@pytest.mark.parametrize("act", ["apply", "discard"])
def test_others_documents_cannot_be_touched(session, desk, sign_in, act):
    documents = [delivered(session, desk), make_incoming(session, kind="unknown")]
    stranger = sign_in("worker", worker="W-9")
    token = stranger.get("/").form("/logout")["csrf"]
    for document in documents:
        assert stranger.post(f"{LIST}/{document.id}/{act}", {"csrf": token, "note": "x"}).status == 404
        assert state_of(session, document)[0] == "held"


def test_the_list_goes_on_and_costs_the_same(session, desk, worker, monkeypatch):
    made = [delivered(session, desk) for _ in range(3)]
    monkeypatch.setattr(incoming_seen, "PAGE", 2)
    with recording(session) as few:
        page = worker.get(LIST)
    assert shown(page) == [f"document-{one.id}" for one in (made[2], made[1])]
    (link,) = page.all("//a[@rel='next']/@href")
    assert shown(worker.get(link)) == [f"document-{made[0].id}"]
    monkeypatch.setattr(incoming_seen, "PAGE", 30)
    with recording(session) as many:
        worker.get(LIST)
    assert len(few) == len(many)


def test_who_sees_very_many_cases_is_served_from_the_newest(session, desk, worker, monkeypatch):
    document, _hers = delivered(session, desk), make_incoming(session, desk.order(desk.stranger))
    monkeypatch.setattr("services.access.cases.MOST", 0)
    assert shown(worker.get(LIST)) == [f"document-{document.id}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_reads_in_every_language(session, desk, worker, language):
    delivered(session, desk)
    page = worker.get(f"{LIST}?lang={language}")
    assert page.status == 200
    assert page.all("/html/@lang") == [language]


def test_an_operator_decides_on_nothing_that_is_about_an_order(session, desk, sign_in):
    document, applied = (
        delivered(session, desk),
        make_incoming(session, desk.order(), state="discarded", note="perheen toive"),
    )
    operator = sign_in("operator")
    page = operator.get(f"{LIST}?state=")
    assert "Whoever sees the case decides on it." in page.text
    assert "perheen toive" not in page.text
    assert page.all("//main//form[@method='post']") == page.all("//main//table") == []
    fields = {"csrf": page.all("//input[@name='csrf']/@value")[0], "note": "x"}
    for act in ("apply", "discard"):
        assert operator.post(f"{LIST}/{document.id}/{act}", fields).status == 403
    assert state_of(session, document)[0] == "held"
    assert applied.state == "discarded"
