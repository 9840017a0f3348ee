"""The lines of budgets, in SQL: what is ordered, and every planned share at the price that holds on its days.

A planned item is first freed of the days that live orders cover, then cut where its prices begin and end. Days are kept as
multiranges, so that neither a loop nor a row per day is needed. Days no price covers become an `unpriced` line with its reason.

Which price: the chosen provider's for the service, in the item's unit, on weekdays, anywhere; of several minimum quantities the
largest the item reaches. services/compare/pricing.py states the same for one day, in Python.
"""

from core.i18n import N_
from services.budgets.ceiling import IMPLAUSIBLE, LINE_FIGURE
from services.budgets.quantities import DEFAULT_STEP, share

NO_PROVIDER = N_("{service}: no provider has been chosen yet, so it has no price.")
NO_PRICE = N_(
    "{service}: no price of {provider} is in force from {first} to {last}."
    " Ask the price manager for a price list that covers these days."
)
OTHER_UNIT = N_(
    "{service}: planned in {unit}, but {provider} prices it per {priced_unit}, so it cannot be priced."
    " Ask for a price per {unit}, or plan the service in {priced_unit}."
)
IMPLAUSIBLE_SHARE = N_(
    "{service}: {quantity} {unit} from {first} to {last} come to more than can be true. Check the plan."
)

#: Values the pieces below need, beside `ids`.
LINE_VALUES = {
    "implausible": IMPLAUSIBLE,
    "no_provider": NO_PROVIDER,
    "no_price": NO_PRICE,
    "other_unit": OTHER_UNIT,
    "implausible_share": IMPLAUSIBLE_SHARE,
}

#: Common table expressions ending in `line`. Rows in: the budgets `:ids`. Rows out: `line`, one for each share of a planned item
#: and each line of a live order, with the columns of budget_line plus budget_id and service_id, provider_id of the item.
LINES = f"""
    item AS MATERIALIZED (
        SELECT budget.id AS budget_id, plan_item.id AS plan_item_id, plan_item.service_id, plan_item.quantity, plan_item.unit,
               plan_item.period, choice.provider_id, coalesce(unit_rule.step, {DEFAULT_STEP}) AS step,
               datemultirange(plan_item.period) - coalesce(covered.days, '{{}}') AS open
        FROM budget
        JOIN decision ON decision.id = budget.decision_id AND decision.ended_at IS NULL
        JOIN plan_item ON plan_item.decision_id = decision.id AND plan_item.ended_at IS NULL
        -- a closed case, or one its source no longer has, plans nothing: it cannot be ordered for either
        JOIN client_case ON client_case.id = decision.case_id AND client_case.status <> 'closed' AND client_case.gone_at IS NULL
        LEFT JOIN unit_rule ON unit_rule.unit = plan_item.unit
        LEFT JOIN choice ON choice.plan_item_id = plan_item.id AND choice.ended_at IS NULL
        LEFT JOIN LATERAL (
            SELECT range_agg(order_coverage.period) AS days FROM order_coverage
            WHERE order_coverage.plan_item_id = plan_item.id AND order_coverage.live
        ) AS covered ON true
        WHERE budget.id = ANY(:ids)
    ), candidate AS (
        -- prices in order of preference: each is given the days the ones before it left
        SELECT item.*, price.id AS price_id, price.valid, price.amount, base_quantity, price.vat_rate, vat_inclusive,
               item.open * datemultirange(price.valid) - coalesce(range_agg(price.valid) OVER (
                   PARTITION BY plan_item_id ORDER BY minimum_quantity DESC, base_quantity, price.id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ), '{{}}') AS days
        FROM item
        JOIN price_key ON price_key.provider_id = item.provider_id AND price_key.service_id = item.service_id
            AND price_key.unit = item.unit AND time_class = 'weekday' AND territory = '' AND extra = '' AND minimum_quantity <= item.quantity
        JOIN price ON price.price_key_id = price_key.id AND price.superseded_at IS NULL AND price.valid && item.period
    ), piece AS (
        SELECT budget_id, plan_item_id, service_id, provider_id, unit, unnest(days) AS days, quantity AS whole_quantity, period, step,
               price_id, amount, base_quantity, vat_rate, vat_inclusive
        FROM candidate
        UNION ALL
        SELECT budget_id, plan_item_id, service_id, provider_id, unit, unnest(open - coalesce(priced.days, '{{}}')),
               quantity, period, step, NULL, NULL, NULL, NULL, NULL
        FROM item
        LEFT JOIN (SELECT plan_item_id, range_agg(valid) AS days FROM candidate GROUP BY plan_item_id) AS priced USING (plan_item_id)
    ), shared AS (
        SELECT *, {share("whole_quantity", "period", "days", "step")} AS quantity FROM piece
    ), figured AS (
        SELECT *, {LINE_FIGURE.format(quantity="quantity", amount="amount", base_quantity="base_quantity")} AS figure
        FROM shared WHERE quantity > 0
    ), line AS (
        SELECT budget_id, plan_item_id, service_id, provider_id,
               CASE WHEN figure < :implausible THEN 'planned' ELSE 'unpriced' END AS kind,
               days AS period, quantity, unit, price_id, CAST(NULL AS bigint) AS order_line_id, amount, split.net, split.vat, split.gross
        FROM figured
        CROSS JOIN LATERAL (
            SELECT figure AS gross, round(figure / (1 + vat_rate), 2) AS net, figure - round(figure / (1 + vat_rate), 2) AS vat
            WHERE vat_inclusive AND figure < :implausible
            UNION ALL
            SELECT figure + round(figure * vat_rate, 2), figure, round(figure * vat_rate, 2)
            WHERE NOT vat_inclusive AND figure < :implausible
            UNION ALL
            SELECT NULL, NULL, NULL WHERE (figure < :implausible) IS NOT TRUE
        ) AS split
        UNION ALL
        -- an order counts while its coverage is live, and no longer once it is closed: what it cost is then in its invoices
        SELECT budget.id, order_line.plan_item_id, NULL, purchase_order.provider_id, 'ordered', order_line.period, order_line.quantity,
               order_line.unit, order_line.price_id, order_line.id, order_line.amount, order_line.net, order_line.vat, order_line.gross
        FROM budget
        JOIN purchase_order ON purchase_order.decision_id = budget.decision_id AND purchase_order.state <> 'closed'
        JOIN order_line ON order_line.order_id = purchase_order.id
        WHERE budget.id = ANY(:ids) AND EXISTS (
            SELECT FROM order_coverage WHERE order_coverage.order_id = order_line.order_id
            AND order_coverage.plan_item_id = order_line.plan_item_id AND order_coverage.live
        )
    )
"""  # noqa: S608 - our own words

#: Common table expression `reason` after LINES. Rows in: unpriced lines. Rows out: why, as a Message; what does not depend on days
#: (no choice, a foreign unit) once for an item, however many shares it has.
REASONS = """
    reason AS (
        SELECT DISTINCT unpriced.budget_id, unpriced.plan_item_id, CASE
            WHEN unpriced.provider_id IS NULL THEN jsonb_build_object(
                'msgid', CAST(:no_provider AS text), 'params', jsonb_build_object('service', service.code))
            WHEN unpriced.price_id IS NOT NULL THEN jsonb_build_object(
                'msgid', CAST(:implausible_share AS text), 'params', jsonb_build_object(
                    'service', service.code, 'quantity', CAST(trim_scale(unpriced.quantity) AS text), 'unit', unpriced.unit,
                    'first', lower(unpriced.period), 'last', upper(unpriced.period) - 1))
            WHEN other.unit IS NOT NULL THEN jsonb_build_object(
                'msgid', CAST(:other_unit AS text), 'params', jsonb_build_object(
                    'service', service.code, 'provider', provider.name, 'unit', unpriced.unit, 'priced_unit', other.unit))
            ELSE jsonb_build_object(
                'msgid', CAST(:no_price AS text), 'params', jsonb_build_object(
                    'service', service.code, 'provider', provider.name,
                    'first', lower(unpriced.period), 'last', upper(unpriced.period) - 1))
        END AS message
        FROM line AS unpriced
        JOIN service ON service.id = unpriced.service_id
        LEFT JOIN provider ON provider.id = unpriced.provider_id
        CROSS JOIN LATERAL (
            -- a unit the provider prices the service in, where the planned one is not among those
            SELECT CASE WHEN NOT bool_or(price_key.unit = unpriced.unit) THEN min(price_key.unit) END AS unit
            FROM price_key
            WHERE price_key.provider_id = unpriced.provider_id AND price_key.service_id = unpriced.service_id AND extra = ''
        ) AS other
        WHERE unpriced.kind = 'unpriced'
    )
"""
