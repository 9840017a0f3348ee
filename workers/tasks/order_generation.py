"""Tasks that make orders nobody asks for at the moment, and that watch over those there are."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from core.clock import business_now
from services.orders import closing, proposals
from services.orders.approving import generating
from services.orders.approving.generating import Page
from services.orders.weighing import standing
from workers.task import Lease, work_task


@work_task("generate_orders")
def generate_orders(lease: Lease) -> None:
    """Order the months that are due, then what nothing speaks against; a page of services per transaction.

    First of all, what people have changed since: an order that no longer says what is planned stops the next ones.
    """
    with lease.transaction() as session:
        now = business_now(session)
        proposals.watch(session, now)
        standing.end_void(session, now=now)
    counts = {"ordered": 0, "refused": 0}
    lease.shows(lambda: counts)
    _pages(lease, generating.order_due_months, counts)
    _pages(lease, generating.approve_by_itself, counts)
    with lease.closing() as closing_:
        closing_.report("succeeded" if counts["ordered"] else "nothing_to_do", counts=counts)


def _pages(lease: Lease, order: Callable[..., Page | None], counts: dict[str, int]) -> None:
    settings = lease.settings
    after = 0
    while True:
        with lease.transaction() as session:
            page = order(session, now=business_now(session), after=after, **_rules(settings))
        if page is None:
            return
        counts["ordered"] += len(page.orders)
        counts["refused"] += len(page.refused)
        after = page.after


def _rules(settings: Any) -> dict[str, Any]:
    return {"settings": settings.orders, "organisation": settings.organisation, "budgets": settings.budgets}


@work_task("watch_orders")
def watch_orders(lease: Lease) -> None:
    """Find orders that no longer say what is planned, close those that are over."""
    with lease.closing() as ending:
        session: Session = ending.session
        now = business_now(session)
        watched = proposals.watch(session, now)
        counts = {
            "proposed": watched.found,
            "gone": watched.gone,
            "closed": closing.close_orders(session, now=now, settings=lease.settings.budgets),
        }
        ending.report("succeeded" if any(counts.values()) else "nothing_to_do", counts=counts)
