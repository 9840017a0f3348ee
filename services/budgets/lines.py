"""The lines of budgets, in SQL: what is ordered, and every planned share at the price that holds on its days.

A planned item is first freed of the days that live orders cover and of those its decision does not grant, then cut where its prices
begin and end. Days are kept as multiranges, so that neither a loop nor a row per day is needed. Days that cannot be priced
become an `unpriced` line (services/budgets/reasons.py says why). What a provider charges beside the service, such as travel, is planned
by the organisation's rules in the same way, in lines of its own.
"""

from services.budgets.ceiling import IMPLAUSIBLE
from services.budgets.matching import CITED, DENOMINATOR, NUMERATOR, figure, preference, prices_for
from services.budgets.ordered import BOUND, IMPLAUSIBLE_SUM
from services.budgets.quantities import DEFAULT_STEP, share

#: Values the pieces below need, beside `ids`, `today`, `close_after_days` and `extras`.
LINE_VALUES = {"implausible": IMPLAUSIBLE, "implausible_sum": IMPLAUSIBLE_SUM}

_PRICES = prices_for(
    "wanted.plan_quantity * wanted.times",
    "wanted.unit",
    whose="price_key.provider_id = wanted.provider_id AND price_key.service_id = wanted.service_id",
    during="price.valid && wanted.period",
    extra="wanted.extra",
)

#: Common table expressions from `target` to `line`. Materialized are those whose expressions the planner would else copy into every
#: use, and calculate as often. Rows in: the budgets `:ids`; `:extras`, a JSON list of extra rules. Rows out: `line`, one
#: for each share of a planned item and of what comes beside it, and those of `bound`, with the columns of budget_line plus
#: budget_id, service_id and provider_id of the item, and `outside`: days the decision does not grant.
LINES = f"""
    target AS MATERIALIZED (
        SELECT budget.id AS budget_id, budget.decision_id, budget.ceiling, budget.ceiling_price_id, budget.ceiling_basis,
               decision.case_id, coalesce(decision.number, decision.external_id) AS decision, decision.valid, decision.ended_at
        FROM budget JOIN decision ON decision.id = budget.decision_id
        WHERE budget.id = ANY(:ids)
    ), item AS MATERIALIZED (
        SELECT target.budget_id, plan_item.id AS plan_item_id, plan_item.service_id, plan_item.quantity, plan_item.unit,
               plan_item.period, choice.provider_id, coalesce(unit_rule.step, {DEFAULT_STEP}) AS step, target.valid AS granted,
               CASE WHEN covered.days IS NULL THEN datemultirange(plan_item.period)
                    ELSE datemultirange(plan_item.period) - covered.days END AS uncovered
        FROM target
        JOIN plan_item ON plan_item.decision_id = target.decision_id AND plan_item.ended_at IS NULL
        -- a closed case, or one its source no longer has, plans nothing: it cannot be ordered for either
        JOIN client_case ON client_case.id = target.case_id AND client_case.status <> 'closed' AND client_case.gone_at IS NULL
        LEFT JOIN unit_rule ON unit_rule.unit = plan_item.unit
        LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
        LEFT JOIN LATERAL (
            SELECT range_agg(order_coverage.period) AS days FROM order_coverage
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live
        ) AS covered ON true
        WHERE target.ended_at IS NULL
    ), rule AS (
        -- what an organisation counts in: for a service by name, else for every other
        SELECT given.extra, given.unit, given.for_unit, given.quantity, service.id AS service_id
        FROM jsonb_to_recordset(CAST(:extras AS jsonb)) AS given(extra text, unit text, for_unit text, quantity numeric, service text)
        LEFT JOIN service ON service.code = given.service
        WHERE given.service IS NULL OR service.id IS NOT NULL
    ), wanted AS (
        SELECT budget_id, plan_item_id, service_id, provider_id, '' AS extra, unit, period, quantity AS plan_quantity, step, 1 AS times,
               CASE WHEN granted @> period OR granted IS NULL THEN uncovered ELSE uncovered * datemultirange(granted) END AS open
        FROM item
        UNION ALL
        SELECT budget_id, plan_item_id, item.service_id, provider_id, rule.extra, rule.unit, period, item.quantity, step, rule.quantity,
               CASE WHEN granted @> period OR granted IS NULL THEN uncovered ELSE uncovered * datemultirange(granted) END
        FROM item
        JOIN rule ON rule.for_unit = item.unit AND (rule.service_id = item.service_id OR rule.service_id IS NULL AND NOT EXISTS (
            SELECT FROM rule AS nearer WHERE nearer.service_id = item.service_id
            AND (nearer.extra, nearer.unit, nearer.for_unit) = (rule.extra, rule.unit, rule.for_unit)
        ))
    ), candidate AS (
        -- prices in order of preference: each is given the days the ones before it left
        SELECT wanted.*, {CITED} AS price_id, price.valid, price.amount, price_key.base_quantity, {NUMERATOR} AS numerator,
               {DENOMINATOR} AS denominator, price.vat_rate, price.vat_inclusive,
               wanted.open * datemultirange(price.valid) - coalesce(range_agg(price.valid) OVER (
                   PARTITION BY plan_item_id, wanted.extra, wanted.unit ORDER BY {preference("wanted.unit")}
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ), '{{}}') AS days
        FROM wanted {_PRICES}
    ), piece AS (
        SELECT budget_id, plan_item_id, service_id, provider_id, extra, unit, unnest(days) AS days, period, plan_quantity, step, times,
               price_id, amount, base_quantity, numerator, denominator, vat_rate, vat_inclusive, false AS outside
        FROM candidate
        UNION ALL
        -- of an extra only where the provider charges for it on some of the days
        SELECT budget_id, plan_item_id, service_id, provider_id, extra, unit, unnest(open - coalesce(priced.days, '{{}}')),
               period, plan_quantity, step, times, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM wanted
        LEFT JOIN (
            SELECT plan_item_id, extra, unit, range_agg(valid) AS days FROM candidate GROUP BY plan_item_id, extra, unit
        ) AS priced USING (plan_item_id, extra, unit)
        WHERE extra = '' OR priced.days && open
        UNION ALL
        SELECT budget_id, plan_item_id, service_id, provider_id, '', unit, unnest(uncovered - datemultirange(granted)),
               period, quantity, step, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true
        FROM item WHERE NOT granted @> period
    ), shared AS MATERIALIZED (
        SELECT *, ({share("plan_quantity", "period", "days", "step")}) * times AS quantity FROM piece
    ), figured AS MATERIALIZED (
        SELECT *, {figure("quantity", "amount", "base_quantity", "numerator", "denominator")} AS figure
        FROM shared WHERE quantity > 0
    ), {BOUND}, line AS (
        SELECT budget_id, plan_item_id, service_id, provider_id, outside,
               CASE WHEN figure < :implausible THEN 'planned' ELSE 'unpriced' END AS kind, extra,
               days AS period, round(least(quantity, 99999999.9999), 4) AS quantity, unit, price_id, CAST(NULL AS bigint) AS order_line_id, amount,
               CASE WHEN figure < :implausible THEN
                   CASE WHEN vat_inclusive THEN round(figure / (1 + vat_rate), 2) ELSE figure END END AS net,
               CASE WHEN figure < :implausible THEN
                   CASE WHEN vat_inclusive THEN figure - round(figure / (1 + vat_rate), 2) ELSE round(figure * vat_rate, 2) END END AS vat,
               CASE WHEN figure < :implausible THEN
                   CASE WHEN vat_inclusive THEN figure ELSE figure + round(figure * vat_rate, 2) END END AS gross,
               CAST(NULL AS text[]) AS invoices
        FROM figured
        UNION ALL
        SELECT budget_id, plan_item_id, NULL, provider_id, false, kind, extra, period, quantity, unit, price_id, order_line_id, amount,
               net, vat, gross, invoices
        FROM bound
    )
"""  # noqa: S608 - our own words
