"""The figures of statements come from the current budgets, for many cases in a handful of queries, and hold nothing that names a client."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from models.base import days
from services.budgets import dirty
from services.statements.printing import Form, print_statement
from services.statements.reading import statements
from tests.factories.case import make_case, make_decision, make_plan_item
from tests.factories.order import make_delivered, make_invoice, make_order, make_order_line
from tests.factories.price import make_price, make_price_key
from tests.factories.service import make_service
from tests.factories.worker import make_unit, make_worker
from tests.support.family import Family, recompute
from tests.support.pdf import title, words
from tests.support.queries import recording

LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def family(session):
    return Family(session)


def read(session, family):
    (found,) = statements(session, numbers=[family.case.number])
    return found


def ordered(session, family, item, price, gross, **over):
    order = make_order(session, family.decision, family.provider, period=item.period)
    return make_order_line(session, order, item, price, gross, **over)


def test_visits_left_are_those_neither_delivered_nor_invoiced(session, family):
    price = make_price(session, family.service, family.provider, "89.00")
    item = family.plan(session)
    line = ordered(session, family, item, price, "1068.00")
    make_delivered(session, line, "9", superseded_at=LONG_AGO)
    make_delivered(session, line, "4")
    make_invoice(session, line, "267.00", quantity=Decimal(3))
    make_invoice(session, line, "89.00", quantity=Decimal(1), kind="credit")
    travel = ordered(session, family, family.plan(session), price, "40.00", extra="travel")
    make_delivered(session, travel, "11")
    recompute(session, family.decision)

    (section,) = read(session, family).sections
    first, second = section.items
    assert (first.used, first.left, first.money_left) == (Decimal(4), Decimal(8), Decimal("712.00"))
    assert (second.used, second.left) == (Decimal(0), Decimal(12))
    assert section.invoiced == Decimal("178.00")
    assert section.delivered == Decimal("214.67"), "two visits and eleven twelfths of the travel"

    make_invoice(session, line, "534.00", quantity=Decimal(6))
    recompute(session, family.decision)
    assert read(session, family).sections[0].items[0].left == Decimal(4), "more is billed than was reported"


def test_an_invoice_without_a_quantity_bills_what_its_money_buys(session, family):
    price = make_price(session, family.service, family.provider, "89.00")
    line = ordered(session, family, family.plan(session), price, "1068.00")
    make_invoice(session, line, "534.00")
    make_invoice(session, line, "90.00")
    make_invoice(session, line, "89.00", kind="credit")
    recompute(session, family.decision)
    (item,) = read(session, family).sections[0].items
    assert (item.used, item.left, item.settled) == (Decimal(6), Decimal(6), False)


def test_what_a_final_invoice_left_unbilled_does_not_come_any_more(session, family):
    price = make_price(session, family.service, family.provider, "89.00")
    line = ordered(session, family, family.plan(session), price, "1068.00")
    make_invoice(session, line, "712.00", quantity=Decimal(8), final=True)
    recompute(session, family.decision)
    (item,) = read(session, family).sections[0].items
    assert (item.used, item.settled, item.money_left) == (Decimal(8), True, Decimal(0))


def test_what_was_ordered_in_minutes_is_counted_in_the_hours_of_the_plan(session, family):
    key = make_price_key(session, family.service, family.provider, unit="MIN", base_quantity=Decimal(45))
    price = make_price(session, family.service, family.provider, "60.00", key=key)
    item = family.plan(session, "10", unit="HUR")
    line = ordered(session, family, item, price, "800.00", unit="MIN", quantity=Decimal(600))
    make_delivered(session, line, "50")
    other = ordered(session, family, family.plan(session, "2", unit="MON"), price, "1.00", unit="MIN")
    make_delivered(session, other, "50")
    recompute(session, family.decision)
    first, second = read(session, family).sections[0].items
    assert (first.used, first.left) == (Decimal("0.83"), Decimal("9.17"))
    assert second.left == Decimal(2), "minutes cannot be counted in months"


def test_a_price_without_vat_is_told_with_it(session, family):
    make_price(session, family.service, family.provider, "80.00", vat_category="S", vat_rate=Decimal("0.255"))
    family.plan(session)
    recompute(session, family.decision)
    ((line,),) = [one.lines for one in read(session, family).sections[0].items]
    assert (line.price, line.gross) == (Decimal("100.4000"), Decimal("1204.80"))


def test_services_that_ended_are_told_while_the_budget_knows_them(session, family):
    price = make_price(session, family.service, family.provider, "89.00")
    known, forgotten = family.plan(session), family.plan(session)
    ordered(session, family, known, price, "1068.00")
    known.ended_at = forgotten.ended_at = LONG_AGO
    session.flush()
    recompute(session, family.decision)
    (only,) = read(session, family).sections[0].items
    assert only.ended
    assert only.quantity == Decimal(12)


def test_live_decisions_are_told_or_else_the_last_that_ended(session, family):
    make_price(session, family.service, family.provider, "89.00")
    family.plan(session)
    old = make_decision(
        session, family.case, granted_amount=Decimal(500), valid=days(date(2025, 1, 1), date(2025, 12, 31))
    )
    other = make_decision(session, family.case, granted_amount=Decimal(700))
    recompute(session, family.decision, old, other)
    found = read(session, family)
    assert [one.decision for one in found.sections] == [family.decision.number, other.number]
    assert found.live

    family.decision.ended_at = other.ended_at = LONG_AGO
    session.flush()
    recompute(session, family.decision, old, other)
    found = read(session, family)
    assert [(one.decision, one.state) for one in found.sections] == [(other.number, "ended")]
    assert not found.live


def test_a_case_without_a_budget_or_one_that_closed_is_told_so(session, family):
    assert read(session, family).sections == ()
    assert not read(session, family).live
    recompute(session, family.decision)
    assert read(session, family).live
    family.case.status = "closed"
    session.flush()
    assert not read(session, family).live
    assert statements(session, numbers=["HB-0"]) == []


def test_whom_to_turn_to(session, family):
    own, of_worker = make_unit(session, name="Oma yksikkö"), make_unit(session, name="Työntekijän yksikkö")
    family.worker.unit_id = of_worker.id
    session.flush()
    assert (read(session, family).worker, read(session, family).unit) == ("Aino Esimerkki", "Työntekijän yksikkö")
    family.case.unit_id, family.worker.active = own.id, False
    session.flush()
    assert (read(session, family).worker, read(session, family).unit) == (None, "Oma yksikkö")


def test_many_cases_take_as_many_queries_as_one(session):
    worker = make_worker(session)
    price = make_price(session, make_service(session), amount="89.50")
    service = make_service(session)
    decisions = []
    for _ in range(12):
        decision = make_decision(
            session, make_case(session, responsible_worker_id=worker.id), granted_amount=Decimal(900)
        )
        make_plan_item(session, decision, service)
        decisions.append(decision)
    recompute(session, *decisions)
    with recording(session) as sent:
        found = statements(session, ids=[one.case_id for one in decisions])
    assert len(found) == 12
    assert all(len(one.sections) == 1 and len(one.sections[0].items) == 1 for one in found)
    assert len(sent) == 5
    assert price.amount


def test_a_statement_names_no_client_and_no_id_of_ours(session, family):
    price = make_price(session, family.service, family.provider, "89.00")
    item = family.plan(session)
    line = ordered(session, family, item, price, "1068.00")
    make_delivered(session, line, "4")
    family.case.goals = ["Aamut sujuvat."]
    session.flush()
    recompute(session, family.decision)
    made = print_statement(read(session, family), Form("fi", "Alue", "", date(2026, 12, 1), {}))
    text = words(made.document)
    assert family.case.number in text
    assert title(made.document) is not None
    secret = session.connection().exec_driver_sql(
        "SELECT external_id FROM client UNION SELECT external_id FROM client_case UNION SELECT external_id FROM plan_item"
        " UNION SELECT number FROM purchase_order UNION SELECT client_reference FROM purchase_order"
        " UNION SELECT document_sha256 FROM purchase_order UNION SELECT file_name FROM price_list UNION SELECT sha256 FROM price_list"
        " UNION SELECT external_id FROM worker UNION SELECT email FROM worker UNION SELECT business_id FROM provider"
        " UNION SELECT email FROM provider"
    )
    raw = made.document.decode("latin-1")
    for (one,) in secret:
        assert one not in text
        assert one not in raw


def test_dirty_budgets_are_not_waited_for(session, family):
    make_price(session, family.service, family.provider, "89.00")
    family.plan(session)
    recompute(session, family.decision)
    dirty.mark_decisions(session, [family.decision.id], "cases")
    assert read(session, family).sections[0].planned == Decimal("1068.00")
