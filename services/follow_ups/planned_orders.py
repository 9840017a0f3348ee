"""Follow-ups of orders: that one has no answer, and that the family's contact details are not handed over."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text

from schedules.follow_ups import Known, Replanned, await_one, hand_over, order_unanswered
from services.follow_ups.planning_rules import Rules, Subject, of_kind

#: `sent_on` of an order whose answer is waited for, that it has arrived being none; `accepted_on` of one whose hand-over is.
_THINGS: Final = text(
    """
    SELECT purchase_order.id, decision.case_id, upper(purchase_order.period) - 1 AS last,
           CASE WHEN state IN ('sent', 'received') AND answered_at IS NULL THEN (sent_at AT TIME ZONE 'Europe/Helsinki')::date END AS sent_on,
           CASE WHEN state = 'accepted' AND handed_over_at IS NULL THEN (answered_at AT TIME ZONE 'Europe/Helsinki')::date END AS accepted_on
    FROM purchase_order
    JOIN decision ON decision.id = purchase_order.decision_id
    WHERE purchase_order.id > :after
      AND (CAST(:ids AS bigint[]) IS NULL
           OR purchase_order.id IN (SELECT order_id FROM order_coverage WHERE plan_item_id = ANY(:ids)))
      AND (state IN ('sent', 'received') AND answered_at IS NULL
           OR state = 'accepted' AND handed_over_at IS NULL
           OR EXISTS (SELECT FROM follow_up WHERE order_id = purchase_order.id AND follow_up.state IN ('open', 'snoozed')))
    ORDER BY purchase_order.id LIMIT :batch
    """
)

_KNOWN: Final = text(
    "SELECT id, order_id AS thing, kind, planned_for, due, state FROM follow_up WHERE order_id = ANY(:ids)"
)


def _decide(order: Row[Any], known: Sequence[Known], rules: Rules) -> Replanned:
    """An order whose days were over before it was first seen is not asked about: a county whose providers could not answer until now does
    not hear of years of orders in one morning.
    """
    if not known and order.last < rules.today:
        return Replanned()
    answer = order.sent_on and order_unanswered(order.sent_on, rules.orders.answer_working_days, rules.days)
    details = order.accepted_on and hand_over(order.accepted_on, rules.orders.hand_over_days, rules.days)
    return await_one(of_kind(known, "order_unanswered"), answer).and_(await_one(of_kind(known, "hand_over"), details))


ORDERS: Final = Subject(_THINGS, _KNOWN, lambda order: (order.case_id, None, order.id), _decide)
