"""Lives that order what is chosen and take the orders to their providers, whatever was done of it before (tests/support/lives.py)."""

from sqlalchemy import text

from core.clock import business_now
from core.database import transaction
from core.settings import settings
from services.orders.approving.approval import approve
from services.work import call
from tests.support.visits import do_all
from workers.app import app
from workers.tick import expire

#: So much is approved by a person, so many at once, as somebody does who goes through a list; the rest by itself.
BY_A_PERSON, AT_ONCE = 80, 40


def order_and_deliver(night: str) -> None:
    """Everything that is chosen is ordered, and delivered."""
    while _approve():
        pass
    with transaction() as session:
        call(session, "generate_orders", f"generate_orders:{night}")
    do_all("kind = 'generate_orders'")
    do_all("kind = 'deliver_order'")


def as_it_comes(_: str) -> None:
    """What is due is tried, and what comes of that, a few times over; whether it may be done is Avain's to say."""
    for _round in range(4):
        expire()
        with transaction() as session:
            due = session.execute(
                text(
                    "UPDATE work SET next_at = clock_timestamp() WHERE done_at IS NULL AND dead_at IS NULL AND token IS NULL RETURNING id, kind"
                )
            ).all()
        for row in sorted(due):
            app.tasks[row.kind](work_id=row.id)


def _approve() -> bool:
    configured = settings()
    with transaction() as session:
        there = session.execute(text("SELECT count(*) FROM purchase_order")).scalar_one()
        if there >= BY_A_PERSON:
            return False
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
    return True
