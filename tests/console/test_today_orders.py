"""The first page's sections about orders: what is to be approved, what an order asks for, and documents that wait."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from core.errors import Message
from models.order import OrderDecline
from schedules.working_days import WorkingDays
from services.today import late_since
from tests.factories.answer import make_answer, make_incoming, make_proposal
from tests.factories.base import added
from tests.factories.case import make_choice
from tests.factories.follow_up import make_notice
from tests.support.office import NOW, rows, told
from tests.support.order_desk import OrderDesk


@pytest.fixture(autouse=True)
def _a_day_in_november(monkeypatch):
    """Business time: Monday 16 November 2026."""
    monkeypatch.setattr("console.visit.business_now", lambda _session: NOW)


@pytest.fixture
def desk(session) -> OrderDesk:
    return OrderDesk(session)


@pytest.fixture
def worker(desk, sign_in):
    return sign_in("worker", worker="W-1")


def asked(page, name="orders") -> list[tuple[str, str]]:
    """The orders of the section, and what each asks for."""
    found = page.all(f"//section[h2[@id='{name}']]//tbody/tr")
    return [(one.xpath("th")[0].text_content().strip(), one.xpath("td")[0].text_content().strip()) for one in found]


def test_what_an_order_asks_for_the_gravest_first(session, desk, worker):
    desk.order(sent_at=NOW)
    desk.order(state="accepted", handed_over_at=NOW)
    desk.order(desk.stranger, state="failed")
    unanswered = desk.order(sent_at=NOW - timedelta(days=8))
    desk.order(sent_at=NOW - timedelta(days=8), answered_at=NOW)
    accepted = desk.order(state="accepted", answered_at=NOW)
    proposed, changed, held, rejected, failed = (
        desk.order(state=state) for state in ("accepted", "changed", "accepted", "rejected", "failed")
    )
    session.execute(text("UPDATE order_coverage SET live = false WHERE order_id = :id"), {"id": rejected.id})
    make_proposal(session, proposed, desk.item(case=desk.case_of(proposed)))
    make_answer(session, held, "RE", state="held")
    make_answer(session, changed, "CA", state="held")
    page = worker.get("/")
    assert asked(page) == [
        (failed.number, "not delivered"),
        (rejected.number, "rejected: choose anew"),
        (changed.number, "changes proposed"),
        (held.number, "an answer to be judged"),
        (proposed.number, "no longer as planned"),
        (accepted.number, "contact details to be handed over"),
        (unanswered.number, "no answer"),
    ]
    links = page.all("//section[h2[@id='orders']]//th/a/@href")
    assert links[:2] == [f"/orders/{failed.number}", f"/cases/{desk.case_of(rejected).number}/compare"]
    assert all(worker.get(link).status == 200 for link in links)


def test_a_rejected_order_asks_until_somebody_else_is_chosen(session, desk, worker):
    item = desk.item(chosen=True)
    order = desk.order(item=item, state="rejected")
    session.execute(text("UPDATE order_coverage SET live = false"))
    assert asked(worker.get("/")) == [(order.number, "rejected: choose anew")]
    assert rows(worker.get("/"), "approvals") == [desk.case_of(order).number], "it could be ordered there again, too"
    session.execute(text("UPDATE choice SET ended_at = now()"))
    make_choice(session, item, desk.provider, chosen_at=NOW + timedelta(hours=1))
    assert asked(worker.get("/")) == []


def test_a_supervisor_sees_the_units(desk, sign_in):
    hers = desk.order(desk.colleague, state="failed")
    desk.order(desk.stranger, state="failed")
    page = sign_in("supervisor", worker="W-7").get("/")
    assert asked(page, "unit_orders") == [(hers.number, "not delivered")]
    assert "Kaisa Kollega" in told(page, "unit_orders")


def test_what_was_declined_does_not_wait_for_approval(session, desk, worker):
    item = desk.item()
    choice = make_choice(session, item, desk.provider)
    declined = added(
        session,
        OrderDecline(
            choice_id=choice.id, plan_item_id=item.id, declined_by="worker:W-7", declined_at=NOW, reason="kallis"
        ),
    )
    assert rows(worker.get("/"), "approvals") == []
    declined.withdrawn_at = NOW
    session.flush()
    assert len(rows(worker.get("/"), "approvals")) == 1


def test_documents_wait_for_those_who_see_the_case_and_unplaced_ones_for_operators(session, desk, worker, sign_in):
    order = desk.order()
    why = Message("The invoice is dearer than the order.").to_json()
    make_incoming(session, order, reason=why)
    make_incoming(session, order, kind="response")
    make_incoming(session, order, state="applied")
    make_incoming(session, reason=Message("No order is known.").to_json(), kind="unknown")
    make_incoming(session, desk.order(desk.stranger))
    page = worker.get("/")
    assert rows(page, "documents") == ["invoice"]
    assert f"{order.number} The invoice is dearer than the order." in told(page, "documents")
    page = sign_in("operator").get("/")
    assert rows(page, "unplaced") == ["unknown document"]
    assert "No order is known." in told(page, "unplaced")


@pytest.mark.parametrize(
    ("today", "count", "since"),
    [
        (date(2026, 11, 16), 5, date(2026, 11, 9)),
        (date(2026, 11, 16), 1, date(2026, 11, 15)),
        (date(2026, 12, 28), 2, date(2026, 12, 22)),
    ],
)
def test_an_answer_is_late_after_so_many_working_days(today, count, since):
    assert late_since(today, count, WorkingDays()) == since


def test_news_about_an_order_leads_to_it(session, desk, worker):
    order = desk.order()
    make_notice(session, desk.me, kind="order_accepted", subject=f"order:{order.number}")
    assert f"/orders/{order.number}" in worker.get("/").all("//section[h2[@id='news']]//a/@href")
