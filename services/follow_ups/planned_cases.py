"""Follow-ups of cases: that the client plan is to be reviewed."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text

from schedules.follow_ups import Known, Replanned, await_one, plan_review, review_months
from services.follow_ups.planning_rules import Rules, Subject, nothing_left

#: `since`: the day the plan was made, or reviewed last. `rhythms`: what the plan's live services state themselves.
_THINGS: Final = text(
    """
    SELECT * FROM (
        SELECT client_case.id, items.rhythms, coalesce(unit.code = ANY(:child_welfare), false) AS child_welfare,
               status = 'open' AND gone_at IS NULL AND items.count > 0 AS followed,
               greatest(client_case.plan_date, (
                   SELECT max((settled_at AT TIME ZONE 'Europe/Helsinki')::date) FROM follow_up
                   WHERE case_id = client_case.id AND plan_item_id IS NULL AND order_id IS NULL AND kind = 'plan_review'
                     AND state IN ('acknowledged', 'not_needed')
               )) AS since
        FROM client_case
        LEFT JOIN worker ON worker.id = client_case.responsible_worker_id
        LEFT JOIN unit ON unit.id = coalesce(client_case.unit_id, worker.unit_id)
        CROSS JOIN LATERAL (
            SELECT count(*), array_agg(follow_up_rhythm) FILTER (WHERE follow_up_rhythm ? 'plan_review_months') AS rhythms
            FROM plan_item JOIN decision ON decision.id = plan_item.decision_id
            WHERE plan_item.case_id = client_case.id AND plan_item.ended_at IS NULL AND decision.ended_at IS NULL
        ) AS items
        WHERE client_case.id > :after
          AND (CAST(:ids AS bigint[]) IS NULL OR client_case.id IN (SELECT case_id FROM plan_item WHERE plan_item.id = ANY(:ids)))
    ) reviewed
    WHERE followed AND since IS NOT NULL AND (:review_months > 0 OR child_welfare OR rhythms IS NOT NULL)
       OR EXISTS (
           SELECT FROM follow_up WHERE case_id = reviewed.id AND plan_item_id IS NULL AND order_id IS NULL AND state IN ('open', 'snoozed')
       )
    ORDER BY id LIMIT :batch
    """
)

_KNOWN: Final = text(
    """
    SELECT id, case_id AS thing, kind, planned_for, due, state FROM follow_up
    WHERE case_id = ANY(:ids) AND plan_item_id IS NULL AND order_id IS NULL
    """
)


def _decide(case: Row[Any], known: Sequence[Known], rules: Rules) -> Replanned:
    months = review_months(
        case.rhythms or (), default=rules.follow_ups.plan_review_months, child_welfare=case.child_welfare
    )
    if not case.followed or case.since is None or months is None:
        return nothing_left(known)
    return await_one(known, plan_review(case.since, months, rules.days))


CASES: Final = Subject(_THINGS, _KNOWN, lambda case: (case.id, None, None), _decide)
