"""Follow-ups of planned services: the checks over their days, and that what was chosen waits for approval."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Row, text

from schedules.follow_ups import LIVE, Known, Replanned, Rhythm, approval, await_one, follow_ups, replan
from services.follow_ups.planning_rules import Rules, Subject, nothing_left
from services.orders.approving.waiting import WAITS

#: `waits_since`: the day from which what was chosen waits to be ordered, if it does: that of the choice, or of what undid an order, an approval
#: or a decline since.
_THINGS: Final = text(
    f"""
    SELECT * FROM (
        SELECT plan_item.id, plan_item.case_id, lower(plan_item.period) AS first, upper(plan_item.period) - 1 AS last,
               plan_item.follow_up_rhythm AS rhythm,
               plan_item.ended_at IS NULL AND decision.ended_at IS NULL AND client_case.status = 'open' AND client_case.gone_at IS NULL
                   AND choice.id IS NOT NULL AS followed,
               CASE WHEN order_decline.id IS NULL AND {WAITS} THEN (greatest(
                   choice.chosen_at,
                   (SELECT max(withdrawn_at) FROM order_decline WHERE choice_id = choice.id),
                   (SELECT max(ended_at) FROM order_approval WHERE order_approval.choice_id = choice.id),
                   (SELECT max(coalesce(cancelled_at, answered_at)) FROM purchase_order
                    JOIN order_coverage ON order_coverage.order_id = purchase_order.id
                    WHERE order_coverage.plan_item_id = plan_item.id AND NOT live AND approved_at >= choice.chosen_at)
               ) AT TIME ZONE 'Europe/Helsinki')::date END AS waits_since
        FROM plan_item
        JOIN decision ON decision.id = plan_item.decision_id
        JOIN client_case ON client_case.id = plan_item.case_id
        LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
        LEFT JOIN provider ON provider.id = choice.provider_id
        LEFT JOIN order_decline ON order_decline.choice_id = choice.id AND order_decline.withdrawn_at IS NULL
        WHERE plan_item.id > :after AND (CAST(:ids AS bigint[]) IS NULL OR plan_item.id = ANY(:ids))
    ) item
    WHERE followed OR EXISTS (SELECT FROM follow_up WHERE plan_item_id = item.id AND state IN ('open', 'snoozed'))
    ORDER BY id LIMIT :batch
    """  # noqa: S608 - our own words
)

_KNOWN: Final = text(
    "SELECT id, plan_item_id AS thing, kind, planned_for, due, state FROM follow_up WHERE plan_item_id = ANY(:ids)"
)

#: Services begin and end on the same days by the thousand.
_checks = lru_cache(maxsize=100_000)(follow_ups)


def _decide(item: Row[Any], known: Sequence[Known], rules: Rules) -> Replanned:
    """A service that had ended before it was first seen is not followed up."""
    if not item.followed:
        return nothing_left(known)
    if not known and item.last < rules.today:
        return Replanned()
    waits = item.waits_since and approval(item.waits_since, rules.follow_ups.approval_working_days, rules.days)
    approvals = [one for one in known if one.kind == "approval"]
    awaited = await_one(approvals, waits)
    late = bool(
        waits
        and waits.due < rules.today
        and (awaited.add or awaited.move or any(one.state in LIVE for one in approvals))
    )
    rhythm = rules.rhythm if item.rhythm is None else Rhythm.of(item.rhythm, rules.follow_ups)
    wanted = _checks(item.first, item.last, rhythm, rules.days)
    checks = [one for one in known if one.kind != "approval"] if approvals else known
    return replan(checks, wanted, rules.today, one_is_late=late).and_(awaited)


ITEMS: Final = Subject(_THINGS, _KNOWN, lambda item: (item.case_id, item.id, None), _decide)
