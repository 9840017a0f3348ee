"""One order: what its page tells and to whom, its document, and having it sent again or cancelled."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.errors import Message
from core.i18n import LANGUAGES
from core.keys import link_secret
from models.base import days
from models.order import OrderLine
from models.work import Run, Work
from services.orders import words
from services.orders.sending import reply_links
from tests.factories.answer import make_answer, make_answer_line, make_paper
from tests.factories.base import added
from tests.factories.order import make_delivered, make_invoice, make_order_line
from tests.support.office import NOW
from tests.support.order_desk import OrderDesk
from tests.support.pdf import words as words_of
from tests.support.queries import recording


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


def state_of(session, order) -> str:
    return str(session.execute(text("SELECT state FROM purchase_order WHERE id = :id"), {"id": order.id}).scalar())


def tried(session, order, outcome="retry", **over) -> None:
    """An attempt at delivering it."""
    work = added(
        session, Work(kind="deliver_order", key=f"deliver_order:{order.number}", queue="orders", subject_id=order.id)
    )
    values = {"reply": "450 mailbox busy", "finished_at": NOW, **over}
    added(
        session,
        Run(
            work_id=work.id,
            kind="deliver_order",
            attempt=1,
            token=UUID(int=1),
            host="test",
            outcome=outcome,
            counts={},
            **values,
        ),
    )


def test_an_order_tells_what_it_rests_on_and_what_came_of_it(session, desk, worker):
    order = desk.order(approval_reason="over the ceiling, agreed", approved_by="worker:W-7", chosen_by="parent")
    made = session.scalars(select(OrderLine)).one()
    make_delivered(session, made, "4")
    make_delivered(session, made, "9", superseded_at=NOW)
    make_invoice(session, made, "200.00", number="L-77", match="partly")
    make_invoice(session, made, "50.00", kind="credit", number="H-78")
    tried(session, order)
    make_paper(session, order, sha256="b" * 64)
    make_paper(session, order, kind="mail", sha256="c" * 64, superseded_at=NOW)
    page = worker.get(f"/orders/{order.number}")
    assert page.status == 200
    for part in (
        "Order T-2026",
        "Tukipolku (keksitty)",
        desk.case_of(order).number,
        "parent, 16.11.2026",
        "Enni Esihenkilö, 16.11.2026 06.00: over the ceiling, agreed",
        "€600.00",
        "4 visits",
        "€150.00",
        "L-77invoice",
        "H-78credit note",
        "a part of what was ordered",
        "450 mailbox busy",
        "to be tried again",
        "order for people (PDF), ",
        "b" * 64,
        "replaced by a later one",
        order.document_sha256,
        order.client_reference,
    ):
        assert part in page.text, part
    assert f"/cases/{desk.case_of(order).number}/budgets/{order.decision_id}" in page.all("//main//a/@href")
    (action,) = session.execute(
        text("SELECT actor FROM audit_event WHERE action = 'order.viewed' AND subject = :it"),
        {"it": f"order:{order.number}"},
    ).scalars()
    assert action == "worker:W-1"


def test_answers_are_told_with_their_lines(session, desk, worker):
    order = desk.order(state="changed", answered_at=NOW)
    answer = make_answer(
        session, order, "CA", state="held", note="tiistait eivät käy <b>", starts_on=date(2026, 12, 1), external_id="V-9",
        reason=Message("The answer comes from another seller.").to_json(),
    )  # fmt: skip
    make_answer_line(
        session, answer, "3", quantity=Decimal(8), unit="C62", period=days(date(2026, 12, 1), date(2026, 12, 31))
    )
    make_answer_line(session, answer, "1", line_number=None, quantity=Decimal(2), unit="HUR")
    page = worker.get(f"/orders/{order.number}")
    for part in (
        "accepted with changes, 16.11.2026 06.00 waits for a person",
        "On the reply page. Its own number: V-9. Begins 2026-12-01.",
        "tiistait eivät käy <b>",
        "The answer comes from another seller.",
        "ADHD-valmennus changed 8 visits – 2026-12-01–2026-12-31",
        "– – added 2 hours",
        "changes proposed",
    ):
        assert part in page.text, part


def test_rejected_leads_to_choosing_anew(desk, worker):
    order = desk.order(state="rejected")
    page = worker.get(f"/orders/{order.number}")
    assert "The provider has no capacity." in page.text
    assert f"/cases/{desk.case_of(order).number}/compare" in page.all("//main//a/@href")


@pytest.mark.parametrize("rest", ["", "/order.xml", "/order.pdf"])
def test_who_may_not_see_the_case_is_told_the_same_as_of_none(desk, sign_in, rest):
    order = desk.order()
    stranger = sign_in("worker", worker="W-9")
    for number in (order.number, "T-2026-999999", "%00"):
        page = stranger.get(f"/orders/{number}{rest}")
        assert page.status == 404, number
        assert "that you can see." in page.text
        assert desk.case_of(order).number not in page.text


def test_the_document_is_shown_as_it_was_stored(session, desk, worker):
    order = desk.order(document=b"<Order>\xc3\xa4</Order>")
    answer = worker.client.get(f"/orders/{order.number}/order.xml")
    assert answer.content == b"<Order>\xc3\xa4</Order>"
    assert answer.headers["content-type"] == "application/xml"
    assert answer.headers["content-disposition"] == f"inline; filename*=UTF-8''{order.number}.xml"


def test_the_paper_is_shown_without_the_providers_links(session, desk, worker):
    """Who holds them answers in the provider's name: they are the provider's alone."""
    order = desk.order(state="sent")
    sent = make_paper(session, order, content=b"%PDF-1.7 https://avain.test/reply/keksitty")
    shown = worker.client.get(f"/orders/{order.number}/order.pdf").content
    assert shown != sent.content
    assert order.number in words_of(shown)
    assert b"/reply/" not in shown
    assert "/reply/" not in words_of(shown)


def test_a_failed_one_is_sent_again(session, desk, worker):
    order = desk.order(state="failed", unclear_sends=1)
    page = worker.get(f"/orders/{order.number}")
    assert "It could not be delivered." in page.text
    after = worker.submit(page, f"/orders/{order.number}/resend", {"note": "osoite korjattu"})
    assert f"{order.number} will be sent again." in after.text
    assert state_of(session, order) == "approved"
    work, reason, actor = session.execute(
        text(
            "SELECT work.kind, audit_event.reason, actor FROM work, audit_event"
            " WHERE work.key = :key AND action = 'order.resent'"
        ),
        {"key": f"deliver_order:{order.number}"},
    ).one()
    assert (work, reason, actor) == ("deliver_order", "osoite korjattu", "worker:W-1")


def test_one_that_was_answered_meanwhile_is_not_sent_again_and_what_was_typed_stays(session, desk, worker):
    order = desk.order(state="failed")
    page = worker.get(f"/orders/{order.number}")
    order.state = "accepted"
    session.flush()
    after = worker.submit(page, f"/orders/{order.number}/resend", {"note": "ei tullut perille"})
    assert after.status == 422
    assert "cannot be sent again" in after.text
    assert state_of(session, order) == "accepted"
    assert "ei tullut perille" in after.text


def test_cancelling_needs_a_reason_and_frees_the_service(session, desk, worker):
    order = desk.order()
    path = f"/orders/{order.number}"
    after = worker.post(f"{path}/cancel", {**worker.get(path).form(f"{path}/cancel"), "note": " "})
    assert after.status == 422
    assert "Cancelling an order needs a reason." in after.text
    (field,) = after.all("//textarea[@aria-invalid='true']")
    assert (
        after.all(f"//*[@id='{field.get('aria-describedby').split()[-1]}']")[0].text
        == "Cancelling an order needs a reason."
    )
    after = worker.submit(worker.get(path), f"{path}/cancel", {"note": "perhe muutti"})
    assert "is cancelled" in after.text
    assert "perhe muutti" in after.text
    assert state_of(session, order) == "cancelled"
    assert session.execute(text("SELECT live FROM order_coverage")).scalars().all() == [False]
    assert after.all("//form[contains(@action, '/orders/')]") == []


def test_changes_are_accepted_or_declined(session, desk, worker):
    for act, state, settled in (("apply", "accepted", "applied"), ("discard", "received", "discarded")):
        order = desk.order(state="changed", answered_at=NOW)
        answer = make_answer(session, order, "CA", state="held")
        make_answer_line(session, answer, "3", quantity=Decimal(8), unit="C62")
        page = worker.get(f"/orders/{order.number}")
        fields = page.form(f"/orders/{order.number}/answers/{answer.id}/apply")
        after = worker.post(f"/orders/{order.number}/answers/{answer.id}/{act}", {**fields, "note": "sovittu"})
        assert after.status == 200, after.text
        assert state_of(session, order) == state
        assert f"accepted with changes, 16.11.2026 06.00 {words.settled_name(settled)}" in after.text
        assert "Settled by Aino Esimerkki, 16.11.2026 06.00" in after.text


def test_declining_changes_needs_a_reason_and_what_was_shown(session, desk, worker):
    order = desk.order(state="changed", answered_at=NOW)
    first = make_answer(session, order, "CA", state="held")
    path = f"/orders/{order.number}"
    page = worker.get(path)
    fields = page.form(f"{path}/answers/{first.id}/apply")
    after = worker.post(f"{path}/answers/{first.id}/discard", fields)
    assert after.status == 422
    assert "A note is needed: say why." in after.text
    make_answer(session, order, "CA", state="held")
    after = worker.post(f"{path}/answers/{first.id}/apply", {**fields, "note": "käy"})
    assert after.status == 422
    assert "Another answer has come meanwhile. Look at it first." in after.text
    assert "käy" in after.text
    assert "A later answer has to be settled first." in after.text
    assert state_of(session, order) == "changed"


def test_an_answer_by_telephone_is_written_down(session, desk, worker):
    order = desk.order()
    path = f"/orders/{order.number}"
    page = worker.get(path)
    after = worker.submit(page, f"{path}/respond", {"starts_on": "1.12.2026"})
    assert after.status == 422
    assert "Say what the provider answered." in after.text
    assert after.all("//input[@name='starts_on']/@value") == ["1.12.2026"]
    after = worker.submit(page, f"{path}/respond", {"code": "AP", "starts_on": "31.2.2026"})
    assert "First day: there is no such day." in after.text
    assert after.all("//input[@name='code'][@checked]/@value") == ["AP"]
    after = worker.submit(page, f"{path}/respond", {"code": "AP", "starts_on": "2026-12-01", "note": "soitto"})
    assert "The answer to" in after.text
    assert "Begins, the provider says 2026-12-01" in after.text.replace("says2026", "says 2026")
    assert state_of(session, order) == "accepted"


def test_that_it_was_placed_elsewhere_is_written_down(session, desk, worker):
    order = desk.order(channel="external")
    path = f"/orders/{order.number}"
    refused = worker.submit(worker.get(path), f"{path}/placed", {"reference": "HB-2026-000001"})
    assert refused.status == 422
    assert "leave it out" in refused.text
    assert refused.form(f"{path}/placed")["reference"] == "HB-2026-000001"
    after = worker.submit(refused, f"{path}/placed", {"reference": "PSOP-77"})
    assert "Written down" in after.text
    assert "Placed outside AvainPSOP-77" in after.text
    assert f"{path}/placed" not in after.answer.text


def test_the_hand_over_is_ticked_once(session, desk, worker):
    order = desk.order(state="accepted", answered_at=NOW)
    path = f"/orders/{order.number}"
    page = worker.get(path)
    assert "Give it the family's contact details outside Avain" in page.text
    after = worker.submit(page, f"{path}/hand-over")
    assert "Ticked: the contact details were handed over." in after.text
    assert "Contact details given16.11.2026 06.00, Aino Esimerkki" in after.text
    again = worker.post(f"{path}/hand-over", page.form(f"{path}/hand-over"))
    assert again.status == 422
    assert "was ticked before" in again.text


def test_links_that_went_astray_open_no_more(session, desk, worker, app):
    order = desk.order()
    path = f"/orders/{order.number}"
    assert f"{path}/links/renew" not in worker.get(path).answer.text, "nothing went out by e-mail"
    make_paper(session, order, kind="mail")
    page = worker.get(path)
    after = worker.submit(page, f"{path}/links/renew")
    assert after.status == 422
    assert "A note is needed: say why." in after.text
    after = worker.submit(page, f"{path}/links/renew", {"note": "kirje meni väärälle"})
    assert after.status == 200
    reply, delivered = after.all("//dd/code/text()")
    found = reply_links.opened(link_secret(app.state.console.settings), reply.rpartition("/")[2])
    assert (found.number, found.purpose, found.epoch) == (order.number, "reply", 2)
    assert "/delivered/" in delivered
    session.refresh(order)
    assert order.link_epoch == 2
    assert "replaced by a later one" in worker.get(path).text
    page = worker.get(path)
    fields = {**page.form(f"{path}/links/renew"), "note": "varmuuden vuoksi"}
    assert "open no more" in worker.post(f"{path}/links/revoke", fields).text
    events = session.execute(
        text("SELECT action, reason FROM audit_event WHERE action LIKE 'order.links%' ORDER BY id")
    )
    assert [tuple(row) for row in events] == [
        ("order.links_renewed", "kirje meni väärälle"),
        ("order.links_revoked", "varmuuden vuoksi"),
    ]
    order.state = "approved"
    session.flush()
    after = worker.post(f"{path}/links/revoke", fields)
    assert (after.status, "has no links" in after.text) == (422, True)


def test_the_order_for_people_is_a_pdf(desk, worker):
    order = desk.order()
    answer = worker.client.get(f"/orders/{order.number}/order.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "act", ["resend", "cancel", "respond", "hand-over", "placed", "answers/1/apply", "answers/1/discard", "links/renew"]
)
def test_others_orders_cannot_be_touched(session, desk, sign_in, act):
    order = desk.order()
    stranger = sign_in("worker", worker="W-9")
    token = stranger.get("/").form("/logout")["csrf"]
    assert stranger.post(f"/orders/{order.number}/{act}", {"csrf": token, "note": "x"}).status == 404
    assert state_of(session, order) == "sent"


def test_a_page_costs_the_same_whatever_became_of_the_order(session, desk, worker):
    order = desk.order()
    path = f"/orders/{order.number}"
    with recording(session) as few:
        worker.get(path)
    item = desk.item(case=desk.case_of(order), chosen=True)
    for number in range(2, 8):
        make_order_line(
            session,
            order,
            item,
            desk.price,
            "1.00",
            line_number=number,
            period=days(date(2027, number, 1), date(2027, number, 2)),
        )
        make_answer_line(session, make_answer(session, order))
        make_paper(session, order, superseded_at=NOW)
    tried(session, order)
    with recording(session) as many:
        worker.get(path)
    assert len(many) == len(few) <= 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_reads_in_every_language(session, desk, worker, language):
    order = desk.order(state="failed")
    make_answer_line(session, make_answer(session, order, "CA"))
    tried(session, order)
    page = worker.get(f"/orders/{order.number}?lang={language}")
    assert page.status == 200
    assert page.all("/html/@lang") == [language]
