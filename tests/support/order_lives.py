"""Lives that order what is chosen and take the orders to their providers, whatever was done of it before (tests/support/lives.py)."""

from sqlalchemy import text

from core.clock import business_now
from core.database import transaction
from core.settings import settings
from services.orders.approval import approve
from tests.support.visits import do_all

#: So many are approved at once, as somebody does who goes through a list.
AT_ONCE = 40


def order_and_deliver(_night: str) -> None:
    """Everything that is chosen is approved, and delivered."""
    while ordered := _order():
        assert ordered > 0
    do_all("kind = 'deliver_order'")


def _order() -> int:
    configured = settings()
    with transaction() as session:
        chosen = session.execute(
            text(
                "SELECT plan_item_id FROM choice"
                " WHERE plan_item_id NOT IN (SELECT plan_item_id FROM order_coverage WHERE live) ORDER BY plan_item_id LIMIT :most"
            ),
            {"most": AT_ONCE},
        )
        done = approve(
            session, list(chosen.scalars()), approver="cli:boss", reason="", now=business_now(session),
            settings=configured.orders, organisation=configured.organisation, budgets=configured.budgets,
        )  # fmt: skip
    assert not done.refused, [one.reason.text("en") for one in done.refused]
    return len(done.orders)
