"""What people say of invoices that wait; every word is recorded."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import InputError, NotFound
from models.audit import AuditEvent
from models.follow_up import Notice
from services.invoices import deciding, listing
from services.invoices.taking import Outcome
from tests.factories.provider import make_provider
from tests.support.billing import NOW, settings
from tests.support.invoices import Row

PEOPLE: dict[str, Any] = {"actor": "worker:W-1", "now": NOW}
HELD: dict[str, Any] = {"settings": settings(), **PEOPLE}


def why(outcome: Outcome) -> str:
    assert outcome.reason is not None
    return outcome.reason.text()


def acts(session) -> list[tuple[str, str, str]]:
    return [(one.action, one.subject, one.reason) for one in session.scalars(select(AuditEvent).order_by("id"))]


def test_more_than_was_ordered_is_taken_when_a_person_accepts_it(billing):
    billing.take(rows=[Row("1100.00", "12")])
    document = billing.document
    outcome = deciding.accept(billing.session, document.id, reason="sovittu", **HELD)
    assert outcome.state == "applied"
    assert billing.booked() == [("invoice", Decimal("1100.00"))]
    assert (billing.invoice().match, billing.invoice().final) == ("over_price", True)
    assert (document.settled_by, document.note, document.settled_at) == ("worker:W-1", "sovittu", NOW)
    assert acts(billing.session) == [("invoice.accepted", f"invoice:{document.id}", "sovittu")]
    with pytest.raises(InputError, match="does not wait for anybody"):
        deciding.accept(billing.session, document.id, reason="taas", **HELD)


def test_what_is_billed_of_a_cancelled_order_is_taken_when_a_person_accepts_it(billing):
    billing.order.state = "cancelled"
    billing.take()
    assert deciding.accept(billing.session, billing.document.id, reason="käyttämätön aika", **HELD).state == "applied"
    assert billing.invoice().match == "partly"


def test_accepting_needs_a_reason(billing):
    billing.take(rows=[Row("1100.00", "12")])
    with pytest.raises(InputError, match="say why"):
        deciding.accept(billing.session, billing.document.id, reason=" ", **HELD)


@pytest.mark.parametrize("over", [{"currency": "SEK"}, {"order": "PO-1"}, {"over": {"gross": "90.00"}}])
def test_what_no_person_may_overrule_goes_on_waiting(billing, over):
    billing.take(**over)
    with pytest.raises(InputError, match="cannot be accepted as it is"):
        deciding.accept(billing.session, billing.document.id, reason="silti", **HELD)


def test_only_what_was_shown_is_accepted(billing):
    billing.take(rows=[Row("968.00", "11")])
    billing.take(rows=[Row("176.00", "2")])
    document = billing.document
    shown = listing.view(billing.session, document.id).seen
    billing.take(rows=[Row("88.00", "1")])
    outcome = deciding.accept(billing.session, document.id, reason="sovittu", seen=shown, **HELD)
    assert why(outcome).startswith("With it, €1,232.00 are billed")  # it was €1,144.00
    with pytest.raises(InputError, match="Look at it again"):
        deciding.accept(billing.session, document.id, reason="sovittu", seen=shown, **HELD)
    assert deciding.accept(billing.session, document.id, reason="sovittu", **HELD).state == "applied"


def test_an_unknown_one_is_said_to_bill_an_order(billing):
    billing.take(order="PO-1", rows=[Row("88.00", "1"), Row("176.00", "2")])
    document = billing.document
    outcome = deciding.assign(
        billing.session, document.id, billing.order.number, {}, reason="soitettu", final=True, **HELD
    )
    assert outcome.order_ids == (billing.order.id,)
    assert (billing.booked(), billing.invoice().final) == ([("invoice", Decimal("264.00"))], True)
    (event,) = billing.session.scalars(select(AuditEvent))
    assert event.details == {"state": "applied", "order": billing.order.number, "lines": {}}


def test_lines_are_said_one_by_one(billing):
    second = billing.add_line(billing.order, "1056.00", line_number=2)
    billing.take(rows=[Row("88.00", "1"), Row("176.00", "2")])
    number = billing.order.number
    said = {1: (number, 2), 2: (number, 1)}
    assert deciding.assign(billing.session, billing.document.id, None, said, **HELD).state == "applied"
    view = listing.view(billing.session, billing.document.id)
    assert [(one.order_line, one.gross) for one in view.lines] == [("1", Decimal(176)), ("2", Decimal(88))]
    assert view.order_lines[1].billed == Decimal(88)
    assert second.line_number == 2


def test_what_is_said_may_still_be_too_much_and_stays_said(billing):
    billing.take(order="PO-1", rows=[Row("1100.00", "12")])
    document = billing.document
    outcome = deciding.assign(billing.session, document.id, billing.order.number, {}, **HELD)
    assert why(outcome).startswith("With it")
    assert document.order_id == billing.order.id
    assert len(billing.session.scalars(select(Notice)).all()) == 1
    assert deciding.accept(billing.session, document.id, reason="sovittu", **HELD).state == "applied"


def test_what_does_not_exist_cannot_be_said(billing):
    billing.take(order="PO-1")
    number = billing.order.number
    with pytest.raises(NotFound, match="no line 3"):
        deciding.assign(billing.session, billing.document.id, None, {3: (number, 1)}, **HELD)
    outcome = deciding.assign(billing.session, billing.document.id, "T-2026-999999", {}, **HELD)
    assert why(outcome) == "There is no purchase order T-2026-999999."
    assert why(deciding.assign(billing.session, billing.document.id, None, {1: (number, 9)}, **HELD)) == (
        "Of line 1 it cannot be told which line of the order it bills."
    )
    with pytest.raises(NotFound, match="no invoice 999999"):
        deciding.assign(billing.session, 999999, None, {}, **HELD)


def test_it_is_looked_at_anew_when_the_seller_has_become_known(billing):
    billing.take(seller="1234567-1", order=billing.order.number)
    document = billing.document
    billing.provider = make_provider(billing.session, business_id="1234567-1")
    outcome = deciding.assign(billing.session, document.id, None, {}, **HELD)
    assert why(outcome) == f"Order {billing.order.number} is another provider's."
    assert document.provider_id == billing.provider.id


def test_a_discarded_one_counts_for_nothing_and_frees_its_number(billing):
    billing.take(number="L-7", rows=[Row("1100.00", "12")])
    document = billing.document
    deciding.discard(billing.session, document.id, reason="virheellinen", **PEOPLE)
    assert (document.state, document.content.keys()) == ("discarded", {"fingerprint", "orders"})
    assert acts(billing.session) == [("invoice.discarded", f"invoice:{document.id}", "virheellinen")]
    assert billing.take(number="L-7", rows=[Row("1056.00", "12")]).state == "applied"
    with pytest.raises(InputError, match="say why"):
        deciding.discard(billing.session, document.id, reason="", **PEOPLE)


def test_lists_tell_what_there_is(billing):
    billing.take(number="L-1")
    billing.take(number="L-2", rows=[Row("1100.00", "12")])
    billing.take(number="L-3", order="PO-1", credit=True)
    rows = {one.number: one for one in listing.listed(billing.session)}
    assert [(rows[n].state, rows[n].kind, rows[n].gross, rows[n].order) for n in ("L-1", "L-2", "L-3")] == [
        ("applied", "invoice", Decimal("88.00"), billing.order.number),
        ("held", "invoice", Decimal("1100.00"), billing.order.number),
        ("held", "credit", Decimal("88.00"), None),
    ]
    assert {one.number for one in listing.listed(billing.session, state="held")} == {"L-2", "L-3"}
    assert listing.listed(billing.session, provider="1234567-1") == []
    assert [one.number for one in listing.listed(billing.session, before=rows["L-2"].id)] == ["L-1"]
