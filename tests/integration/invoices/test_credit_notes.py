"""Credit notes give back from what was billed, never more."""

from decimal import Decimal

import pytest

from tests.support.billing import finvoice, peppol
from tests.support.invoices import Row

BOTH = pytest.mark.parametrize("form", [peppol, finvoice])


@BOTH
def test_a_credit_note_gives_back_from_its_invoice(billing, form):
    billing.take(number="L-1", rows=[Row("264.00", "3")])
    outcome = billing.take(form=form, order=None, credit=True, credits="L-1", rows=[Row("88.00", "1")])
    assert outcome.order_ids == (billing.order.id,)
    assert billing.booked() == [("invoice", Decimal("264.00")), ("credit", Decimal("88.00"))]
    assert (billing.invoice().credits, billing.invoice().match, billing.invoice().final) == ("L-1", "matched", False)


def test_one_that_names_no_invoice_is_found_by_its_order(billing):
    billing.take(rows=[Row("264.00", "3")])
    assert billing.take(credit=True).state == "applied"


def test_it_gives_back_from_the_line_that_was_billed(billing):
    billing.add_line(billing.order, "1056.00", line_number=2)
    billing.take(number="L-1", rows=[Row("264.00", "3", order_line="2")])
    assert billing.take(credit=True, credits="L-1").state == "applied"


def test_one_line_gives_back_a_whole_invoice_of_several(billing):
    billing.add_line(billing.order, "1056.00", line_number=2)
    billing.take(number="L-1", rows=[Row("88.00", "1", order_line="1"), Row("264.00", "3", order_line="2")])
    assert billing.take(credit=True, credits="L-1", rows=[Row("352.00", "1", unit="LS")]).state == "applied"
    assert billing.booked()[2:] == [("credit", Decimal("88.00")), ("credit", Decimal("264.00"))]


def test_a_part_of_an_invoice_of_several_lines_waits(billing):
    billing.add_line(billing.order, "1056.00", line_number=2)
    billing.take(number="L-1", rows=[Row("88.00", "1", order_line="1"), Row("264.00", "3", order_line="2")])
    outcome = billing.take(credit=True, credits="L-1", rows=[Row("300.00", "1", unit="LS")])
    assert outcome.reason.text() == "Of line 1 it cannot be told which line of the order it bills."


def test_more_than_was_billed_waits(billing):
    billing.take(number="L-1")
    billing.take(number="H-1", credit=True, credits="L-1", rows=[Row("50.00", "1")])
    outcome = billing.take(credit=True, credits="L-1", rows=[Row("50.00", "1")])
    assert outcome.reason.text() == "It gives back €50.00 of line 1 of the order, of which €38.00 were billed."


def test_of_an_invoice_that_is_not_known_it_waits_and_is_taken_once_that_comes(billing):
    assert billing.take(number="H-1", order=None, credit=True, credits="L-1").reason.text() == (
        "It gives back from invoice L-1, which is not known here."
    )
    credit = billing.document
    billing.take(number="L-1")
    assert credit.state == "applied"
    assert billing.booked() == [("invoice", Decimal("88.00")), ("credit", Decimal("88.00"))]


def test_an_invoice_of_less_than_nothing_is_a_credit_note(billing):
    billing.take(number="L-1", rows=[Row("264.00", "3")])
    assert billing.take(rows=[Row("-88.00", "-1")]).state == "applied"
    assert billing.booked()[-1] == ("credit", Decimal("88.00"))


def test_after_a_credit_note_the_order_can_be_billed_again(billing):
    billing.take(number="L-1", rows=[Row("1056.00", "12")])
    assert billing.invoice().final
    billing.take(credit=True, credits="L-1", rows=[Row("1056.00", "12")])
    assert billing.take(rows=[Row("1056.00", "12")]).state == "applied"
    assert sum(gross if kind == "invoice" else -gross for kind, gross in billing.booked()) == Decimal("1056.00")
