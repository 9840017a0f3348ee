"""Write what changed: a new version with its lines supersedes the current one, in one statement and on one snapshot.

A budget whose figures, state, reasons and lines are what they were is not touched. The caller holds the budgets' row locks, so
no other process writes a version of theirs meanwhile.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.budget_settings import Budgets
from core.clock import local_date
from core.errors import Message
from services.budgets.limits import BY_THE_LIMITS
from services.budgets.lines import LINE_VALUES, LINES
from services.budgets.reasons import IMPLAUSIBLE_TOTAL, REASON_VALUES, REASONS


@dataclass(frozen=True)
class Touched:
    """A budget to calculate, why, and in which run."""

    budget_id: int
    cause: str
    run_id: int | None


@dataclass(frozen=True)
class Result:
    """What came of one budget. `version_id` is None where nothing changed; `before` are state and reasons it had, if any."""

    budget_id: int
    state: str
    reasons: list[dict[str, Any]]
    cause: str
    version_id: int | None
    state_before: str | None
    reasons_before: list[dict[str, Any]] | None


_LINE = "plan_item_id, kind, extra, period, quantity, unit, price_id, order_line_id, amount, net, vat, gross, invoices"
_LINES_IN_ORDER = f"array_agg(ROW({_LINE}) ORDER BY plan_item_id, kind, extra, lower(period), unit, order_line_id)"
#: Sums that no budget has are kept as the bound, with the reason: the rest of the chunk must not fail for them.
_BOUNDED = ", ".join(
    f"greatest(least({name}, :implausible_sum), -:implausible_sum) AS {name}"
    for name in ("invoiced", "delivered", "ordered", "planned")
)
_IMPLAUSIBLE_TOTAL = json.dumps([Message(IMPLAUSIBLE_TOTAL).to_json()])
_FIGURES = "ceiling, ceiling_price_id, ceiling_basis, invoiced, delivered, ordered, planned, free, state, reasons"


def _figures_of(relation: str) -> str:
    return ", ".join(f"{relation}.{name}" for name in _FIGURES.split(", "))


#: Rows in: touched budgets (parallel arrays). Rows out: one result each; what changed is written.
_WRITE = text(
    f"""
    WITH {LINES}, {REASONS},
    touched AS (
        SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:causes AS text[]), CAST(:run_ids AS bigint[])) AS given(budget_id, cause, run_id)
    ), summed AS (
        SELECT budget_id,
               coalesce(sum(gross) FILTER (WHERE kind = 'invoiced'), 0) AS invoiced,
               coalesce(sum(gross) FILTER (WHERE kind = 'delivered'), 0) AS delivered,
               coalesce(sum(gross) FILTER (WHERE kind = 'ordered'), 0) AS ordered,
               coalesce(sum(gross) FILTER (WHERE kind = 'planned'), 0) AS planned,
               bool_or(kind = 'unpriced') AS unpriced,
               {_LINES_IN_ORDER} AS lines
        FROM line GROUP BY budget_id
    ), explained AS (
        SELECT budget_id, jsonb_agg(message ORDER BY plan_item_id, message #>> '{{params,first}}', message) AS reasons
        FROM reason GROUP BY budget_id
    ), bounded AS (
        SELECT budget_id, lines, unpriced, {_BOUNDED},
               greatest(abs(invoiced), delivered, ordered, planned) > :implausible_sum AS implausible
        FROM summed
    ), known AS (
        SELECT target.budget_id, target.ceiling, target.ceiling_price_id, target.ceiling_basis, bounded.lines,
               coalesce(invoiced, 0) AS invoiced, coalesce(delivered, 0) AS delivered, coalesce(ordered, 0) AS ordered,
               coalesce(planned, 0) AS planned, coalesce(unpriced, false) OR beyond OR target.ceiling IS NULL AS unknown,
               target.ended_at IS NOT NULL OR coalesce(upper(target.valid) <= :today, false) AS ended,
               CASE WHEN target.ceiling IS NULL THEN jsonb_build_array(target.ceiling_basis -> 'reason') ELSE '[]' END
                   || CASE WHEN beyond THEN CAST(:implausible_total AS jsonb) ELSE '[]' END
                   || coalesce(explained.reasons, '[]') AS reasons
        FROM target
        LEFT JOIN bounded USING (budget_id)
        LEFT JOIN explained USING (budget_id)
        CROSS JOIN LATERAL (
            -- what is left has to fit its column, too
            SELECT coalesce(implausible OR target.ceiling - invoiced - ordered - planned >= 10000000000, false) AS beyond
        ) AS believed
    ), judged AS (
        SELECT known.*,
               CASE WHEN NOT unknown THEN ceiling - used END AS free,
               CASE WHEN ended THEN 'ended'
                    WHEN unknown THEN 'unpriced'
                    ELSE {BY_THE_LIMITS} END AS state
        FROM known CROSS JOIN LATERAL (SELECT invoiced + ordered + planned AS used) AS added
    ), current AS (
        SELECT budget_version.*, had.lines
        FROM budget_version
        LEFT JOIN LATERAL (
            SELECT {_LINES_IN_ORDER} AS lines FROM budget_line WHERE budget_line.version_id = budget_version.id
        ) AS had ON true
        WHERE budget_version.budget_id = ANY(:ids) AND budget_version.superseded_at IS NULL
    ), changed AS (
        SELECT judged.*, touched.cause, touched.run_id, current.id AS version_before
        FROM judged
        JOIN touched USING (budget_id)
        LEFT JOIN current USING (budget_id)
        WHERE current.id IS NULL OR current.lines IS DISTINCT FROM judged.lines
           OR ({_figures_of("current")}) IS DISTINCT FROM ({_figures_of("judged")})
    ), superseded AS (
        UPDATE budget_version SET superseded_at = :now FROM changed
        WHERE budget_version.id = changed.version_before
        RETURNING budget_version.budget_id, budget_version.state, budget_version.reasons
    ), written AS (
        -- a row comes out of this join only after its predecessor was superseded: one current version at any time
        INSERT INTO budget_version (budget_id, {_FIGURES}, cause, run_id, recorded_at)
        SELECT changed.budget_id, {_figures_of("changed")}, cause, run_id, :now
        FROM changed LEFT JOIN superseded USING (budget_id)
        RETURNING id, budget_id
    ), lines_written AS (
        INSERT INTO budget_line (version_id, {_LINE})
        SELECT written.id, {_LINE} FROM written JOIN line USING (budget_id)
    )
    SELECT judged.budget_id, judged.state, judged.reasons, touched.cause, written.id AS version_id,
           superseded.state AS state_before, superseded.reasons AS reasons_before
    FROM judged
    JOIN touched USING (budget_id)
    LEFT JOIN written USING (budget_id)
    LEFT JOIN superseded USING (budget_id)
    """  # noqa: S608 - our own words
).bindparams(**LINE_VALUES, **REASON_VALUES, implausible_total=_IMPLAUSIBLE_TOTAL)


def extras_as_json(settings: Budgets) -> str:
    """The rules of extras as the statement reads them: one row for each service a rule names, or one without."""
    return json.dumps(
        [
            {
                "extra": rule.extra,
                "unit": rule.unit,
                "for_unit": rule.for_unit,
                "quantity": str(rule.quantity),
                "service": service,
            }
            for rule in settings.extras
            for service in (*rule.services, *([] if rule.services else [None]))
        ]
    )


def write_changed(session: Session, touched: Sequence[Touched], *, now: datetime, settings: Budgets) -> list[Result]:
    """Calculate budgets whose ceilings are set and whose rows are locked; write new versions of those that changed."""
    rows = session.execute(
        _WRITE,
        {
            "ids": [one.budget_id for one in touched],
            "causes": [one.cause for one in touched],
            "run_ids": [one.run_id for one in touched],
            "now": now,
            "today": local_date(now),
            "near_limit": settings.near_limit,
            "tolerance": settings.tolerance,
            "close_after_days": settings.close_after_days,
            "extras": extras_as_json(settings),
        },
    )
    return [
        Result(
            row.budget_id,
            row.state,
            row.reasons,
            row.cause,
            row.version_id,
            row.state_before,
            row.reasons_before,
        )
        for row in rows
    ]
