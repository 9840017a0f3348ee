"""Invoices on pages: who sees which, and what can be said of those that wait."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from models.audit import AuditEvent
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.order import make_order, make_order_line
from tests.support.billing import Billing, finvoice
from tests.support.invoices import Row
from tests.support.queries import recording

DEAR = [Row("1100.00", "12")]


@pytest.fixture
def billing(session):
    return Billing(session)


@pytest.fixture
def worker(billing, sign_in):
    return sign_in("worker", worker="W-1")


def path(billing, rest=""):
    return f"/invoices/{billing.document.id}{rest}"


def acts(session):
    return [one.action for one in session.scalars(select(AuditEvent).order_by("id")) if "." in one.action]


def test_the_worker_of_the_case_accepts_a_dearer_invoice(session, billing, worker):
    billing.take(number="L-7", rows=DEAR)
    page = worker.get("/invoices")
    assert "L-7" in page.text
    assert "€1,100.00" in page.text
    page = worker.get(path(billing))
    assert "With it, €1,100.00 are billed" in page.text
    assert "12 visits" in page.text
    page = worker.submit(page, path(billing, "/accept"), {"note": " "})
    assert page.status == 422
    assert "A note is needed" in page.text
    page = worker.submit(page, path(billing, "/accept"), {"note": "sovittu"})
    assert "Booked on its orders." in page.text
    assert "accepted above the order" in page.text
    assert billing.booked() == [("invoice", Decimal("1100.00"))]
    assert {"invoices.listed", "invoice.viewed", "invoice.accepted"} <= set(acts(session))


def test_what_has_changed_since_it_was_shown_is_not_accepted(billing, worker):
    billing.take(rows=[Row("968.00", "11")])
    billing.take(rows=[Row("176.00", "2")])
    page, at = worker.get(path(billing)), path(billing)
    dearer = billing.document
    billing.take(rows=[Row("88.00", "1")])
    billing.document = dearer
    page = worker.submit(page, f"{at}/accept", {"note": "sovittu"})
    assert "It goes on waiting: With it, €1,232.00" in page.text


def test_lines_are_said_by_choosing_them(session, billing, worker):
    billing.add_line(billing.order, "1056.00", line_number=2)
    billing.take(rows=[Row("88.00", "1")])
    page = worker.get(path(billing))
    assert "cannot be told which line" in page.text
    page = worker.submit(page, path(billing, "/assign"), {"line.1": f"{billing.order.number}/2"})
    assert "Booked on its orders." in page.text
    assert "invoice.assigned" in acts(session)
    assert f"{billing.order.number}/2" in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"order": "T-2026-999999"}, "There is no purchase order T-2026-999999 that you can see."),
        ({"line.1": "two"}, "A line of an order is named so"),
        ({"line.9": "{order}/1"}, "The invoice has no line 9."),
        ({"order": "T\u202e1"}, "cannot be printed"),
    ],
)
def test_what_cannot_be_said_is_told(billing, worker, typed, said):
    billing.add_line(billing.order, "1056.00", line_number=2)
    billing.take()
    fields = {name: value.format(order=billing.order.number) for name, value in typed.items()}
    page = worker.post(path(billing, "/assign"), {**worker.get(path(billing)).form(path(billing, "/assign")), **fields})
    assert page.status == 422
    assert said in page.text


def test_a_discarded_one_counts_for_nothing(billing, worker):
    billing.take(number="L-7", rows=DEAR)
    page = worker.get(path(billing))
    page = worker.submit(page, path(billing, "/discard"), {"note": "virhe"})
    assert "Discarded. Nothing of it counts." in page.text
    assert "L-7" not in page.text.replace("Discarded", "")
    page = worker.get(path(billing))
    assert not page.tree.forms or "discard" not in {form.action for form in page.tree.forms}
    assert "L-7" in worker.get("/invoices?state=discarded").text
    assert worker.post(path(billing, "/discard"), {"note": "taas", "csrf": "x"}).status == 403


def test_others_do_not_see_it(billing, sign_in):
    billing.take(number="L-7", rows=DEAR)
    for who in (sign_in("worker", worker="W-9"), sign_in("price_manager")):
        assert "L-7" not in who.get("/invoices").text
        page = who.get(path(billing))
        assert (page.status, "There is no invoice" in page.text) == (404, True)
    assert "L-7" in sign_in("supervisor", worker="W-7").get("/invoices").text


def test_one_that_names_no_order_is_for_supervisors_and_price_managers(billing, sign_in):
    billing.take(number="L-7", order="PO-1")
    assert "L-7" not in sign_in("worker", worker="W-1").get("/invoices").text
    assert sign_in("worker", worker="W-1").get(path(billing)).status == 404
    assert "L-7" in sign_in("supervisor", worker="W-7").get("/invoices").text
    manager = sign_in("price_manager")
    page = manager.get(path(billing))
    page = manager.submit(page, path(billing, "/assign"), {"order": billing.order.number})
    assert "Booked on its orders." in page.text
    assert billing.booked() == [("invoice", Decimal("88.00"))]
    assert manager.get(path(billing)).status == 404  # it is of the order's people now


def test_what_bills_others_cases_too_is_not_one_workers_to_decide(session, billing, sign_in):
    case = make_case(session, responsible_worker_id=billing.stranger.id, unit_id=billing.stranger.unit_id)
    decision = make_decision(session, case, granted_amount=Decimal(2000))
    other = make_order(session, decision, billing.provider)
    make_order_line(session, other, make_plan_item(session, decision, billing.service), billing.price, "50.00")
    billing.take(
        form=finvoice, order=None,
        rows=[Row("88.00", "1", order=billing.order.number), Row("100.00", "12", order=other.number)],
    )  # fmt: skip
    worker = sign_in("worker", worker="W-1")
    page = worker.get(path(billing))
    assert "Your supervisor decides about it." in page.text
    assert billing.case.number in page.text
    assert case.number not in page.text
    assert not [form for form in page.tree.forms if "invoices" in (form.action or "") and form.method == "POST"]
    csrf = page.all("//input[@name='csrf']/@value")[0]
    assert worker.post(path(billing, "/accept"), {"csrf": csrf, "note": "x", "seen": ""}).status == 403
    assert sign_in("supervisor", worker="W-7").get(path(billing)).status == 200


def test_lists_go_on_and_ask_as_often_for_many_as_for_few(session, billing, worker):
    def asked():
        with recording(session) as queries:
            worker.get("/invoices?state=applied")
        return len(queries)

    billing.take(rows=[Row("1.00", "1")])
    few = asked()
    for _ in range(51):
        billing.take(rows=[Row("1.00", "1")])
    assert asked() == few
    page = worker.get("/invoices?state=applied")
    assert len(page.all("//tbody/tr")) == 50
    (further,) = page.all("//a[@rel='next']/@href")
    assert len(worker.get(further).all("//tbody/tr")) == 2
    assert worker.get("/invoices?state=none").status == 404


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_pages_in_other_languages(billing, worker, language):
    billing.take(rows=DEAR)
    for at in ("/invoices", path(billing)):
        assert worker.get(f"{at}?lang={language}").status == 200


def test_the_first_page_tells_of_what_nobody_knows(billing, sign_in):
    billing.take(number="L-7", order="PO-1")
    billing.take(number="L-8", rows=DEAR)
    for who in (sign_in("price_manager"), sign_in("supervisor", worker="W-7")):
        page = who.get("/")
        (told,) = page.all("//section[h2[@id='invoices']]//tbody/tr")
        assert "L-7" in told.text_content()
    assert not sign_in("worker", worker="W-1").get("/").all("//h2[@id='invoices']")
    page = sign_in("worker", worker="W-1").get("/")
    assert page.all(f"//a[@href='/invoices/{billing.document.id}']")
