"""The peer: the shortest SQL by hand that writes the same lines and totals into the same tables. No notes, no comparison, no history, no
reasons, no extras, invoices or units that convert; and it relies on what only this county's data is: orders over whole items, one price a
day, no fee beside it, nothing closed or ended.
"""

from typing import Final

import psycopg

_ALL: Final = """
    WITH share AS (
        SELECT budget.id AS budget_id, plan_item.id AS plan_item_id, plan_item.unit, price.id AS price_id, amount, vat_rate, vat_inclusive, days,
               round(quantity * (upper(days) - lower(period)) / ((upper(period) - lower(period)) * step)) * step
                   - round(quantity * (lower(days) - lower(period)) / ((upper(period) - lower(period)) * step)) * step AS quantity
        FROM budget
        JOIN plan_item USING (decision_id)
        JOIN unit_rule USING (unit)
        LEFT JOIN choice ON choice.plan_item_id = plan_item.id
        LEFT JOIN price_key ON price_key.provider_id = choice.provider_id AND price_key.service_id = plan_item.service_id
            AND price_key.unit = plan_item.unit AND time_class = 'weekday'
        LEFT JOIN price ON price_key_id = price_key.id AND superseded_at IS NULL AND valid && period
        CROSS JOIN LATERAL (SELECT coalesce(valid, period) * period AS days) AS cut
        WHERE NOT EXISTS (SELECT FROM order_coverage WHERE order_coverage.plan_item_id = plan_item.id AND live)
    ), line AS MATERIALIZED (
        SELECT budget_id, plan_item_id, CASE WHEN price_id IS NULL THEN 'unpriced' ELSE 'planned' END AS kind, days AS period, quantity, unit,
               price_id, NULL::bigint AS order_line_id, amount,
               CASE WHEN vat_inclusive THEN round(figure / (1 + vat_rate), 2) ELSE figure END AS net,
               CASE WHEN vat_inclusive THEN figure - round(figure / (1 + vat_rate), 2) ELSE round(figure * vat_rate, 2) END AS vat,
               CASE WHEN vat_inclusive THEN figure ELSE figure + round(figure * vat_rate, 2) END AS gross
        FROM share CROSS JOIN LATERAL (SELECT round(quantity * amount, 2) AS figure) AS figured
        WHERE quantity > 0
        UNION ALL
        SELECT budget.id, plan_item_id, 'ordered', order_line.period, quantity, unit, price_id, order_line.id, amount, net, vat, gross
        FROM budget JOIN purchase_order USING (decision_id) JOIN order_line ON order_id = purchase_order.id
    ), written AS (
        INSERT INTO budget_version (budget_id, ceiling, ceiling_price_id, ceiling_basis, invoiced, delivered, ordered, planned, free, state,
                                    reasons, cause, recorded_at)
        SELECT id, ceiling, ceiling_price_id, ceiling_basis, 0, 0, ordered, planned, CASE WHEN NOT unpriced THEN ceiling - ordered - planned END,
               CASE WHEN unpriced THEN 'unpriced' WHEN ordered + planned <= ceiling * 0.90 THEN 'ok' WHEN ordered + planned <= ceiling THEN 'near'
                    WHEN ordered + planned <= ceiling * 1.05 THEN 'within_tolerance' ELSE 'over' END,
               '[]', 'asked', '2026-11-16 04:00+00'
        FROM budget
        JOIN (SELECT budget_id, coalesce(sum(gross) FILTER (WHERE kind = 'ordered'), 0) AS ordered,
                     coalesce(sum(gross) FILTER (WHERE kind = 'planned'), 0) AS planned, bool_or(kind = 'unpriced') AS unpriced
              FROM line GROUP BY budget_id) AS summed ON budget_id = budget.id
        RETURNING id, budget_id
    )
    INSERT INTO budget_line (version_id, plan_item_id, kind, extra, period, quantity, unit, price_id, order_line_id, amount, net, vat, gross)
    SELECT written.id, plan_item_id, kind, '', period, quantity, unit, price_id, order_line_id, amount, net, vat, gross
    FROM line JOIN written USING (budget_id)
"""


def write(dsn: str) -> None:
    """All versions and lines, in one statement, committed."""
    with psycopg.connect(dsn) as connection:
        connection.execute(_ALL)
