"""What waits about orders: what is to be approved, what asks for somebody after that, and documents that nobody but a person can place."""

from datetime import date, timedelta
from typing import Final

from schedules.working_days import WorkingDays
from services.access.cases import AMONG
from services.today.seen import LIVE_ITEM, OPEN_CASE, SERVICE, WHOSE, Tables, looked_up, waiting

#: From a choice, or an order, to its case.
_OF_PLAN: Final = (("plan_item", "plan_item_id"), ("decision", "decision_id"), ("client_case", "case_id"))
_OF_ORDER: Final = (("decision", "decision_id"), ("client_case", "case_id"))
_UNDECLINED: Final = (
    "NOT EXISTS (SELECT FROM order_decline WHERE order_decline.choice_id = choice.id AND withdrawn_at IS NULL)"
)
_UNAPPROVED: Final = "NOT EXISTS (SELECT FROM order_approval WHERE order_approval.plan_item_id = plan_item.id AND order_approval.ended_at IS NULL)"
#: Planned services of few cases that are not ordered, from indexes alone, those that begin first first; what else is asked of them is looked
#: up one after another, until a section is full. No condition stands outside a look-up: the database would answer it for all of them at once.
_SOONEST: Final = f"""
    (
        SELECT plan_item.id AS soonest_id, lower(plan_item.period) AS soonest, client_case.number, client_case.responsible_worker_id
        FROM (SELECT id, number, responsible_worker_id FROM client_case WHERE client_case.id = {AMONG} AND {OPEN_CASE}) AS client_case
        JOIN plan_item ON plan_item.case_id = client_case.id
        WHERE plan_item.case_id = {AMONG} AND plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
          AND NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live)
        ORDER BY lower(plan_item.period), client_case.number, plan_item.id OFFSET 0
    ) AS client_case
    {looked_up("choice", f"choice.plan_item_id = client_case.soonest_id AND choice.ended_at IS NULL AND {_UNDECLINED}")}
    {looked_up("plan_item", f"plan_item.id = client_case.soonest_id AND {_UNAPPROVED}")}
    {looked_up("decision", "decision.id = plan_item.decision_id AND decision.ended_at IS NULL AND coalesce(upper(decision.valid) > :today, true)")}
    ORDER BY soonest, client_case.number, soonest_id
"""  # noqa: S608 - our own words


def _to_approve(tables: Tables) -> str:
    """Rows in: cases, a day. Rows out: planned services that are chosen, neither ordered nor declined, those that begin first first."""
    found = _SOONEST
    if tables.many:
        found = f"""
        {tables.way("choice", "choice.ended_at IS NULL", *_OF_PLAN)}
        WHERE choice.ended_at IS NULL AND {LIVE_ITEM} AND {tables.on_the_way} AND {_UNDECLINED} AND {_UNAPPROVED}
        ORDER BY lower(plan_item.period), client_case.number, plan_item.id
        """
    return f"""
    SELECT client_case.number, item, first, {SERVICE}, provider.name AS provider, {WHOSE}
    FROM (
        SELECT client_case.number, client_case.responsible_worker_id, plan_item.id, plan_item.external_id AS item,
               lower(plan_item.period) AS first, plan_item.service_id, choice.provider_id
        FROM {found} LIMIT :counted
    ) AS client_case
    JOIN service ON service.id = service_id
    JOIN provider ON provider.id = provider_id
    ORDER BY first, client_case.number, client_case.id
    """  # noqa: S608 - our own words


def _asking(tables: Tables) -> str:
    """Rows in: cases, the day until which orders should have been answered. Rows out: orders that ask for somebody, and what for, the gravest
    first: not delivered; rejected, and nobody else chosen or ordered from; changes proposed; an answer that only a person can judge; no
    longer what is planned; contact details not handed over; not answered.
    """
    return f"""
    SELECT client_case.number, purchase_order.number AS order_number, asks.what, asks.since, provider.name AS provider, {WHOSE}
    FROM {tables.way("purchase_order", "purchase_order.state NOT IN ('cancelled', 'closed')", *_OF_ORDER)}
    JOIN provider ON provider.id = purchase_order.provider_id
    CROSS JOIN LATERAL (
        SELECT min(found_at) AS since FROM order_proposal WHERE order_proposal.order_id = purchase_order.id AND settled_at IS NULL
    ) AS proposed
    CROSS JOIN LATERAL (
        SELECT 1 AS place, 'failed' AS what, approved_at AS since WHERE purchase_order.state = 'failed'
        UNION ALL
        SELECT 2, 'rejected', answered_at WHERE EXISTS (
            SELECT FROM order_coverage
            JOIN plan_item ON plan_item.id = order_coverage.plan_item_id AND plan_item.ended_at IS NULL AND upper(plan_item.period) > :today
            JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL AND choice.provider_id = purchase_order.provider_id
            WHERE purchase_order.state = 'rejected' AND order_coverage.order_id = purchase_order.id AND choice.chosen_at <= purchase_order.approved_at
              AND NOT EXISTS (SELECT FROM order_coverage AS anew WHERE anew.plan_item_id = plan_item.id AND anew.live))
        UNION ALL
        SELECT 3, 'changed', answered_at WHERE purchase_order.state = 'changed'
        UNION ALL
        SELECT 4, 'held', min(order_response.answered_at) FROM order_response
        WHERE order_response.order_id = purchase_order.id AND order_response.state = 'held' AND purchase_order.state <> 'changed' HAVING count(*) > 0
        UNION ALL
        SELECT 5, 'proposal', proposed.since WHERE proposed.since IS NOT NULL
        UNION ALL
        SELECT 6, 'hand_over', answered_at WHERE purchase_order.state = 'accepted' AND handed_over_at IS NULL
        UNION ALL
        SELECT 7, 'unanswered', sent_at WHERE purchase_order.state IN ('sent', 'received') AND answered_at IS NULL
          AND CAST(timezone('Europe/Helsinki', sent_at) AS date) <= CAST(:late AS date)
        ORDER BY 1 LIMIT 1
    ) AS asks
    WHERE purchase_order.state NOT IN ('cancelled', 'closed') AND {tables.on_the_way}
    ORDER BY asks.place, asks.since, purchase_order.id LIMIT :counted
    """  # noqa: S608 - our own words


def _held_documents(tables: Tables) -> str:
    """Rows in: cases. Rows out: documents about orders of them that wait for a person, the longest first; answers are told with their orders."""
    return f"""
    SELECT client_case.number, incoming_document.id, incoming_document.kind, purchase_order.number AS order_number, incoming_document.reason,
           incoming_document.recorded_at, {WHOSE}
    FROM incoming_document
    {tables.join("purchase_order", "purchase_order.id = incoming_document.order_id")}
    {tables.join("decision", "decision.id = purchase_order.decision_id")}
    {tables.join("client_case", "client_case.id = decision.case_id")}
    WHERE incoming_document.state = 'held' AND incoming_document.kind <> 'response' AND {tables.seen}
    ORDER BY incoming_document.id LIMIT :counted
    """  # noqa: S608 - our own words


TO_APPROVE: Final = waiting(_to_approve, newest=True)
ASKING: Final = waiting(_asking, newest=True)
HELD_DOCUMENTS: Final = waiting(_held_documents, newest=False)


def late_since(today: date, working_days: int, calendar: WorkingDays) -> date:
    """The last day since which so many working days have passed, today included: what was sent then should have been answered."""
    day = today
    while calendar.between(day, today) < working_days:
        day -= timedelta(days=1)
    return day
