"""What waits about orders: what is to be approved, what asks for somebody after that, and documents that nobody but a person can place."""

from datetime import date, timedelta
from typing import Final

from schedules.working_days import WorkingDays
from services.today.seen import LIVE_ITEM, SERVICE, WHOSE, Tables, waiting


def _to_approve(tables: Tables) -> str:
    """Rows in: cases, a day. Rows out: planned services that are chosen, neither ordered nor declined, those that begin first first."""
    return f"""
    SELECT client_case.number, plan_item.external_id AS item, lower(plan_item.period) AS first, {SERVICE}, provider.name AS provider, {WHOSE}
    FROM {tables.first("choice", "ended_at IS NULL")}
    {tables.join("plan_item", "plan_item.id = choice.plan_item_id")}
    {tables.join("client_case", "client_case.id = plan_item.case_id")}
    {tables.join("decision", "decision.id = plan_item.decision_id")}
    JOIN service ON service.id = plan_item.service_id
    JOIN provider ON provider.id = choice.provider_id
    WHERE choice.ended_at IS NULL AND {LIVE_ITEM} AND {tables.seen}
      AND NOT EXISTS (SELECT FROM order_decline WHERE order_decline.choice_id = choice.id AND withdrawn_at IS NULL)
      AND NOT EXISTS (SELECT FROM order_approval WHERE order_approval.plan_item_id = plan_item.id AND order_approval.ended_at IS NULL)
    ORDER BY lower(plan_item.period), client_case.number, plan_item.id LIMIT :counted
    """  # noqa: S608 - our own words


def _asking(tables: Tables) -> str:
    """Rows in: cases, the day until which orders should have been answered. Rows out: orders that ask for somebody, and what for, the gravest
    first: not delivered; rejected, and nobody else chosen or ordered from; changes proposed; an answer that only a person can judge; no
    longer what is planned; contact details not handed over; not answered.
    """
    return f"""
    SELECT client_case.number, purchase_order.number AS order_number, asks.what, asks.since, provider.name AS provider, {WHOSE}
    FROM {tables.first("purchase_order", "state NOT IN ('cancelled', 'closed')")}
    {tables.join("decision", "decision.id = purchase_order.decision_id")}
    {tables.join("client_case", "client_case.id = decision.case_id")}
    JOIN provider ON provider.id = purchase_order.provider_id
    LEFT JOIN (SELECT order_id, min(found_at) AS since FROM order_proposal WHERE settled_at IS NULL GROUP BY order_id) AS proposed
        ON proposed.order_id = purchase_order.id
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
    WHERE purchase_order.state NOT IN ('cancelled', 'closed') AND {tables.seen}
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
