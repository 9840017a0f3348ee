"""An order binds the items it still covers, and those alone."""

from decimal import Decimal

from sqlalchemy import select

from models.order import OrderCoverage
from tests.factories.order import make_invoice, make_order, make_order_line
from tests.factories.price import make_price
from tests.support.budgets import lines_of
from tests.support.family import current, recompute


def test_an_item_the_provider_refused_is_planned_again_and_the_other_stays_ordered(session, family):
    kept, refused = family.plan(session, "10"), family.plan(session, "2")
    price = make_price(session, family.service, family.provider, "88.00")
    order = make_order(session, family.decision, family.provider)
    make_order_line(session, order, kept, price, "880.00")
    make_order_line(session, order, refused, price, "176.00", line_number=2)
    session.scalars(select(OrderCoverage).filter_by(plan_item_id=refused.id)).one().live = False
    recompute(session, family.decision)

    version = current(session, family.decision)
    assert (version.ordered, version.planned) == (Decimal(880), Decimal(176))
    assert {(line.plan_item_id, line.kind) for line in lines_of(session, version)} == {
        (kept.id, "ordered"),
        (refused.id, "planned"),
    }


def test_bills_of_nothing_but_vat_and_credits_of_nothing_but_net_harm_no_other_budget(session, family):
    """Their difference is more than a column of the line holds."""
    item = family.plan(session)
    price = make_price(session, family.service, family.provider, "88.00")
    line = make_order_line(session, make_order(session, family.decision, family.provider), item, price, "1056.00")
    most = Decimal("9999999999.99")
    for _ in range(2):
        make_invoice(session, line, most, net=Decimal(0), vat=most)
    make_invoice(session, line, most, net=most, kind="credit")
    recompute(session, family.decision)
    version = current(session, family.decision)
    assert (version.state, version.invoiced) == ("unpriced", Decimal(1_000_000_000))
