"""Ordering without anybody asking: the next month of services approved by the month, and, where the organisation wants it, what nothing
speaks against.

Both take their candidates in pages, a page a transaction; whatever is not ordered is tried again the next night, and the responsible
worker hears of a month that could not be ordered, once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import Message
from core.faults import fault_point
from core.i18n import N_
from core.order_settings import Orders
from core.settings import Organisation
from models.order import PurchaseOrder
from services import notices
from services.budgets import dirty
from services.budgets.recompute import recompute_now
from services.orders.approving import storing
from services.orders.approving.approval import Approved, approve, due_by
from services.orders.approving.waiting import WAITS, WAITS_FROM
from services.orders.news import WHO_HEARS
from services.orders.weighing import standing
from services.orders.weighing.bundles import Refused, bundled, refused
from services.orders.weighing.items import Item, decisions_of, hold, load_items
from services.orders.weighing.judging import objection, part_objection
from services.orders.weighing.ledger import Renewing
from services.orders.weighing.lines import load_parts
from services.orders.weighing.money import load_budgets, load_expected

#: Planned services taken together.
PAGE = 1_000
AVAIN = "avain"


@dataclass(frozen=True)
class Page:
    """Some planned services and what became of them; the next page begins `after`."""

    orders: tuple[PurchaseOrder, ...]
    refused: tuple[Refused, ...]
    after: int


#: Rows in: a day, and where to go on. Rows out: services approved by the month that have days no order covers, which begin by that day.
_DUE = text(
    """
    SELECT order_approval.plan_item_id
    FROM order_approval
    JOIN plan_item ON plan_item.id = order_approval.plan_item_id
    WHERE order_approval.ended_at IS NULL AND order_approval.plan_item_id > :after
      AND lower(datemultirange(plan_item.period) - coalesce((
          SELECT range_agg(period) FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live
      ), '{}')) <= :due_by
    ORDER BY order_approval.plan_item_id LIMIT :limit
    """
)

#: Rows in: the rules, and where to go on. Rows out: services that wait for approval and that a person need not look at: neither declined
#: here or by the provider, nor rejected or cancelled since the choice was made, with an assessment or a plan, and of a budget that has room and binds little yet.
_AUTOMATIC = text(
    f"""
    SELECT plan_item.id
    {WAITS_FROM}
    JOIN budget ON budget.decision_id = decision.id
    JOIN budget_version ON budget_version.budget_id = budget.id AND budget_version.superseded_at IS NULL
    WHERE {WAITS} AND order_decline.id IS NULL AND plan_item.id > :after
      AND (client_case.assessment_date IS NOT NULL OR client_case.plan_date IS NOT NULL)
      AND budget_version.ceiling IS NOT NULL AND budget_version.state <> 'over'
      AND budget_version.invoiced + budget_version.ordered <= :up_to
      AND NOT EXISTS (
          SELECT FROM order_coverage JOIN purchase_order ON purchase_order.id = order_coverage.order_id
          WHERE order_coverage.plan_item_id = plan_item.id AND purchase_order.approved_at >= choice.chosen_at
            AND NOT order_coverage.live
      )
      AND NOT EXISTS (
          SELECT FROM order_approval WHERE order_approval.choice_id = choice.id AND order_approval.ended_at IS NOT NULL
      )
    ORDER BY plan_item.id LIMIT :limit
    """  # noqa: S608 - our own words
)

#: Rows in: planned services. Rows out: the case of each, and who hears of it.
_WHOM = text(
    f"""
    SELECT plan_item.id, client_case.number, {WHO_HEARS} AS worker_id
    FROM plan_item JOIN client_case ON client_case.id = plan_item.case_id LEFT JOIN unit ON unit.id = client_case.unit_id
    WHERE plan_item.id = ANY(:ids)
    """  # noqa: S608 - our own words
)


def order_due_months(
    session: Session,
    *,
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
    after: int = 0,
    limit: int = PAGE,
) -> Page | None:
    """Order the months that are due of some services approved by the month; None: there are no more after `after`."""
    values = {"due_by": due_by(now, settings), "after": after, "limit": limit}
    due = list(session.execute(_DUE, values).scalars())
    if not due:
        return None
    orders, against = renew(session, due, now=now, settings=settings, organisation=organisation, budgets=budgets)
    _tell(session, against)
    return Page(tuple(orders), tuple(against), due[-1])


def renew(
    session: Session,
    plan_item_ids: Collection[int],
    *,
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
) -> tuple[list[PurchaseOrder], list[Refused]]:
    """Order what is due of services approved by the month, each month by itself. Services whose approval has ended are left out."""
    asked = list(dict.fromkeys(plan_item_ids))
    hold(session, asked)
    recompute_now(session, decisions_of(session, asked), cause="order", now=now, settings=budgets)
    items = [item for item in load_items(session, asked, order_period=settings.period) if item.standing]
    against: list[Refused] = []
    good: list[Item] = []
    for item in items:
        reason = objection(item, connections=settings.connections, renewing=True)
        if reason is None:
            good.append(item)
        else:
            against.append(refused(item, reason, _first_open(item)))
    parts = load_parts(session, good, begun_by=due_by(now, settings))
    judged = [(part, part_objection(part)) for part in parts]
    against.extend(refused(part.item, reason, part.month) for part, reason in judged if reason)
    expected = load_expected(session, {item.budget_id for item in items})
    ledger = Renewing(
        budgets,
        load_budgets(session, {item.budget_id for item in items}, expected.values()),
        expected,
        standing.spent(session, [item.id for item in items]),
    )
    bundles = bundled((part for part, reason in judged if reason is None and part.shares), _given_by)
    orders, refusals = storing.store(
        session, bundles, ledger, storing.Issue(AVAIN, "order.month_ordered", now, organisation)
    )
    dirty.mark_orders(session, [order.id for order in orders])
    fault_point("orders.stored")
    return orders, [*against, *refusals]


def approve_by_itself(
    session: Session,
    *,
    now: datetime,
    settings: Orders,
    organisation: Organisation,
    budgets: Budgets,
    after: int = 0,
    limit: int = PAGE,
) -> Page | None:
    """Approve some of the services that nothing speaks against, if the organisation wants it; None: there are no more after `after`.

    What is refused waits for a person, as before.
    """
    if not settings.automatic:
        return None
    values = {
        "today": local_date(now),
        "order_period": settings.period,
        "up_to": settings.automatic_up_to,
        "after": after,
        "limit": limit,
    }
    found = list(session.execute(_AUTOMATIC, values).scalars())
    if not found:
        return None
    done: Approved = approve(
        session,
        found,
        approver=AVAIN,
        reason="",
        now=now,
        settings=settings,
        organisation=organisation,
        budgets=budgets,
        automatic=True,
    )
    return Page(done.orders, done.refused, found[-1])


def _given_by(item: Item) -> tuple[str, str, bool] | None:
    """An order names one approver and one reason: services approved by somebody else go into another."""
    given = item.standing
    return (given.approved_by, given.reason, given.automatic) if given else None


def _first_open(item: Item) -> date | None:
    first = item.open[0].lower if item.open else None
    return first.replace(day=1) if first else None


def _tell(session: Session, against: Sequence[Refused]) -> None:
    """Tell the responsible workers of months that were not ordered: once a month, however often it is tried."""
    found = {row.id: row for row in session.execute(_WHOM, {"ids": [one.plan_item_id for one in against]})}
    notices.tell(
        session,
        [
            notices.News(
                row.worker_id,
                "order_month_waits",
                f"case:{row.number}",
                f"month:{one.plan_item_id}:{one.month}",
                Message(
                    N_("The next month of {item} could not be ordered: {reason}"),
                    item=one.item,
                    reason=one.reason.text(),
                ),
            )
            for one in against
            if one.plan_item_id is not None and (row := found.get(one.plan_item_id)) is not None and row.worker_id
        ],
    )
