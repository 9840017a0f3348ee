"""Invoices find their orders and lines, or wait with the reason why."""

from decimal import Decimal

import pytest
from sqlalchemy import select, text

from models.follow_up import Notice
from models.invoice import InvoiceLine
from models.provider import Provider
from tests.factories.provider import make_provider
from tests.support.billing import finvoice, peppol
from tests.support.invoices import Row

BOTH = pytest.mark.parametrize("form", [peppol, finvoice])
AUTUMN = ("2026-11-01", "2026-11-30")


def visits(count: int, **over) -> Row:
    return Row(f"{88 * count}.00", str(count), **over)


@BOTH
def test_an_invoice_is_booked_on_the_order_it_names(billing, form):
    outcome = billing.take(form=form, rows=[visits(3)])
    assert (outcome.state, outcome.reason, outcome.order_ids) == ("applied", None, (billing.order.id,))
    assert billing.booked() == [("invoice", Decimal("264.00"))]
    invoice = billing.invoice()
    assert (invoice.match, invoice.final, invoice.provider_id) == ("partly", False, billing.provider.id)
    (line,) = billing.session.scalars(select(InvoiceLine).filter_by(invoice_id=invoice.id))
    assert (line.quantity, line.net, line.vat) == (Decimal(3), Decimal(264), Decimal(0))
    assert billing.document.state == "applied"
    assert billing.document.content.keys() == {"fingerprint", "orders"}
    noted = billing.session.execute(text("SELECT cause FROM budget_dirty WHERE budget_id IS NOT NULL")).scalars()
    assert set(noted) == {"invoice"}


def test_the_invoice_that_bills_the_rest_is_the_last(billing):
    billing.take(rows=[visits(5)])
    billing.take(rows=[visits(7)])
    invoice = billing.invoice()
    assert (invoice.match, invoice.final) == ("matched", True)


@BOTH
def test_an_order_is_found_by_our_reference_on_it(billing, form):
    billing.order = billing.make_order(client_reference="K7Q2M9X4")
    billing.add_line(billing.order, "1056.00")
    assert billing.take(form=form, order=None, reference="K7Q2M9X4").order_ids == (billing.order.id,)


@BOTH
def test_an_order_is_found_by_contract_and_days(billing, form):
    outcome = billing.take(form=form, order=None, contract="S-77", days=AUTUMN)
    assert outcome.order_ids == (billing.order.id,)


def test_of_two_orders_in_those_days_none_is_taken(billing):
    billing.add_line(billing.make_order(), "100.00")
    outcome = billing.take(order=None, contract="S-77", days=AUTUMN)
    assert outcome.reason.text() == "It names no order, and several orders of the contract have those days."


@pytest.mark.parametrize(
    "said",
    [
        {"contract": "S-77"},
        {"contract": "S-78", "days": AUTUMN},
        {"days": AUTUMN},
        {"contract": "S-77", "days": ("2026-10-30", "2026-11-02")},
    ],
)
def test_without_an_order_contract_and_days_must_both_fit(billing, said):
    outcome = billing.take(order=None, **said)
    assert (outcome.state, outcome.reason.text()) == (
        "held",
        "It names no order, and by contract and days none can be told.",
    )


def test_an_order_that_is_not_known_is_said(billing):
    outcome = billing.take(order="PO-99")
    assert outcome.reason.text() == "It bills order PO-99, which is not known here."
    assert not billing.session.scalars(select(Notice)).all()


def test_one_invoice_bills_several_orders(billing):
    other = billing.make_order()
    billing.add_line(other, "500.00")
    rows = [visits(1, order=billing.order.number), Row("500.00", "12", order=other.number)]
    outcome = billing.take(form=finvoice, order=None, rows=rows)
    assert outcome.order_ids == (billing.order.id, other.id)
    assert (billing.invoice().match, billing.invoice().final) == ("partly", False)


def test_lines_are_found_by_number_unit_price_days_and_rate(billing):
    travel = billing.add_line(billing.order, "45.60", line_number=2, quantity=Decimal(80), unit="KMT")
    group = billing.add_line(billing.order, "400.00", line_number=3, quantity=Decimal(10))
    hours = billing.add_line(billing.order, "600.00", line_number=4, quantity=Decimal(10), unit="HUR")
    later = billing.add_line(billing.order, "600.00", line_number=5, quantity=Decimal(10), unit="DAY", vat_rate=Decimal("0.255"),
                             net=Decimal("478.09"), vat=Decimal("121.91"))  # fmt: skip
    rows = [
        Row("60.00", "30", unit="HUR", order_line="1"),  # what it says of the line counts, though the unit is another
        Row("5.70", "10", unit="KMT"),
        Row("80.00", "2", unit="H87"),
        Row("60.00", "60", unit="MIN"),
        Row("10.00", "1", unit="DAY", percent="25.5"),
    ]
    assert billing.take(rows=rows).state == "applied"
    lines = billing.session.scalars(select(InvoiceLine).order_by("order_line_id")).all()
    assert [one.order_line_id for one in lines] == [billing.line.id, travel.id, group.id, hours.id, later.id]
    assert [one.quantity for one in lines] == [None, Decimal(10), Decimal(2), Decimal(1), Decimal(1)]
    assert lines[-1].vat == Decimal("2.55")


def test_a_line_that_could_be_two_waits_and_its_worker_is_told_once(billing):
    billing.add_line(billing.order, "1056.00", line_number=2)
    outcome = billing.take()
    assert outcome.reason.text() == "Of line 1 it cannot be told which line of the order it bills."
    assert billing.document.order_id == billing.order.id
    (notice,) = billing.session.scalars(select(Notice))
    assert (notice.worker_id, notice.kind, notice.subject) == (
        billing.worker.id,
        "invoice_held",
        f"order:{billing.order.number}",
    )
    assert billing.booked() == []


def test_what_is_less_than_nothing_for_a_line_waits(billing):
    billing.add_line(billing.order, "100.00", line_number=2)
    outcome = billing.take(rows=[visits(2, order_line="1"), Row("-20.00", "1", order_line="2")])
    assert outcome.reason.text() == "It comes to less than nothing for line 2 of the order."


def test_a_rebate_on_the_same_line_is_taken_off(billing):
    assert billing.take(rows=[visits(2, order_line="1"), Row("-20.00", "1", order_line="1")]).state == "applied"
    assert billing.booked() == [("invoice", Decimal("156.00"))]
    (line,) = billing.session.scalars(select(InvoiceLine))
    assert line.quantity == Decimal(2)


def test_lines_of_nothing_are_passed_over(billing):
    billing.add_line(billing.order, "100.00", line_number=2)
    assert billing.take(rows=[visits(2, order_line="1"), Row("0.00", "1")]).state == "applied"
    assert len(billing.booked()) == 1


def test_an_invoice_of_nothing_is_booked(billing):
    assert billing.take(rows=[Row("0.00", "1")]).state == "applied"


@BOTH
def test_our_number_is_found_among_words(billing, form):
    assert billing.take(form=form, order=f"Tilaus {billing.order.number.lower()}, Maija").state == "applied"


@pytest.mark.parametrize("state", ["approved", "cancelled", "rejected"])
def test_an_order_that_is_not_in_force_is_not_billed(billing, state):
    billing.order.state = state
    outcome = billing.take()
    assert outcome.state == "held"
    assert outcome.reason.text().startswith(f"Order {billing.order.number} is ")


def test_more_than_was_ordered_waits(billing):
    billing.take(rows=[visits(10)])
    outcome = billing.take(rows=[visits(3)])
    assert outcome.reason.text() == (
        f"With it, €1,144.00 are billed of order {billing.order.number}, which is for €1,056.00."
    )
    assert len(billing.booked()) == 1


@pytest.mark.parametrize(
    ("row", "held"), [(Row("176.05", "2"), True), (Row("176.02", "2"), False), (Row("80.00", "2"), False)]
)
def test_a_higher_price_waits(billing, row, held):
    outcome = billing.take(rows=[row])
    assert (outcome.state == "held") is held
    if held:
        assert outcome.reason.text() == (
            "Line 1 of the order is billed at €176.05; at the price that was ordered it would be €176.00."
        )


def test_vat_on_what_was_ordered_without_is_a_higher_price(billing):
    assert (
        billing.take(rows=[Row("88.00", "1", percent="25.5")]).reason.text().startswith("Line 1 of the order is billed")
    )


def test_another_sellers_order_is_not_billed(billing):
    billing.provider = make_provider(billing.session)
    assert billing.take().reason.text() == f"Order {billing.order.number} is another provider's."


def test_a_seller_that_is_not_known_waits(billing):
    billing.provider = Provider(business_id="1234567-1")
    assert billing.take().reason.text() == "No provider has the business id 1234567-1."
    assert billing.document.provider_id is None


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"currency": "SEK"}, "Its currency is not the euro."),
        ({"buyer": "1234567-1"}, "It is for 1234567-1, not for us."),
        ({"prepaid": "10.00"}, "It says that €10.00 were paid before."),
        ({"over": {"gross": "90.00"}}, "The sums of the document do not add up: €0.00, but it says €2.00."),
    ],
)
def test_what_speaks_against_it_whatever_it_bills(billing, over, reason):
    assert billing.take(**over).reason.text() == reason


def test_the_same_document_again_changes_nothing(billing):
    billing.take(number="L-7", rows=[visits(2)])
    assert billing.take(number="L-7", rows=[visits(2)], source="toinen").state == "repeated"
    assert len(billing.booked()) == 1
    assert billing.take(number="L-7", rows=[visits(3)]).reason.text() == (
        "The seller has sent another document under the number L-7."
    )
    assert billing.take(number="L-7", rows=[visits(3)]).state == "repeated"  # as what waits


def test_a_number_of_an_invoice_from_before_files_came_is_used(billing):
    billing.session.execute(
        text(
            "INSERT INTO invoice (provider_id, number, kind, issue_date) VALUES (:id, 'L-7', 'invoice', '2026-11-30')"
        ),
        {"id": billing.provider.id},
    )
    assert billing.take(number="L-7").state == "held"
