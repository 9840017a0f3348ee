"""What orders bind of a budget, in SQL: invoiced, still ordered, and how much of that is delivered already.

Of an order's line its invoices less credit notes are `invoiced`; what they leave of its price is `ordered`, until the order is closed:
by its state, by a final invoice, or so many days after its period. What the provider reports delivered and has not billed is told
beside it as `delivered` and added to nothing (DESIGN "Budgets").
"""

#: No sum of a budget is larger (euros): beyond it the figures are some system's mistake, and would not fit their columns.
IMPLAUSIBLE_SUM = 1_000_000_000
#: What a line keeps of such a mistake: more than a sum may be, so that it is seen, and so little that the difference of two fits a column.
_KEPT, _MOST = "4999999999.99", "9999999999.99"


def _clamped(amount: str) -> str:
    return f"greatest(least({amount}, {_KEPT}), -{_KEPT})"


#: Common table expressions ending in `bound`. Rows in: the budgets of `target` (services/budgets/lines.py). Rows out: `bound`, up to three for each line of the
#: orders of their decisions, with the columns of budget_line plus budget_id and provider_id.
BOUND = f"""
    order_state AS (
        SELECT target.budget_id, purchase_order.id AS order_id, purchase_order.provider_id,
               purchase_order.state = 'closed' OR upper(purchase_order.period) + :close_after_days <= :today OR EXISTS (
                   SELECT FROM order_line
                   JOIN invoice_line ON invoice_line.order_line_id = order_line.id
                   JOIN invoice ON invoice.id = invoice_line.invoice_id AND invoice.final
                   WHERE order_line.order_id = purchase_order.id
               ) AS closed
        FROM target JOIN purchase_order ON purchase_order.decision_id = target.decision_id
    ), committed AS (
        SELECT budget_id, order_state.provider_id, order_line.*, billed.known, billed.numbers, {_clamped("billed.gross")} AS billed_gross,
               {_clamped("billed.net")} AS billed_net,
               greatest(least(coalesce(billed.quantity, 0), 99999999), -99999999) AS billed_quantity,
               delivery.quantity AS delivered_quantity,
               NOT closed AND EXISTS (
                   SELECT FROM order_coverage WHERE order_coverage.order_id = order_line.order_id
                   AND order_coverage.plan_item_id = order_line.plan_item_id AND order_coverage.live
               ) AS binding
        FROM order_state
        JOIN order_line USING (order_id)
        CROSS JOIN LATERAL (
            SELECT count(*) > 0 AS known, coalesce(sum(sign * gross), 0) AS gross, coalesce(sum(sign * net), 0) AS net,
                   sum(sign * quantity) AS quantity, array_agg(DISTINCT number ORDER BY number) AS numbers
            FROM invoice_line JOIN invoice ON invoice.id = invoice_line.invoice_id
            CROSS JOIN LATERAL (SELECT CASE invoice.kind WHEN 'credit' THEN -1 ELSE 1 END AS sign) AS signed
            WHERE invoice_line.order_line_id = order_line.id
        ) AS billed
        CROSS JOIN LATERAL (
            SELECT sum(delivered.quantity) AS quantity FROM delivered
            WHERE delivered.order_line_id = order_line.id AND delivered.superseded_at IS NULL
        ) AS delivery
    ), remaining AS (
        SELECT *, least(greatest(gross - billed_gross, 0), {_MOST}) AS left_gross,
               round(gross * least(delivered_quantity, quantity) / nullif(quantity, 0), 2) - billed_gross AS unbilled
        FROM committed
    ), bound AS (
        SELECT budget_id, plan_item_id, provider_id, 'invoiced' AS kind, extra, period, billed_quantity AS quantity, unit, price_id,
               id AS order_line_id, amount, billed_net AS net, billed_gross - billed_net AS vat, billed_gross AS gross,
               numbers AS invoices
        FROM remaining WHERE known
        UNION ALL
        SELECT budget_id, plan_item_id, provider_id, 'ordered', extra, period,
               least(greatest(quantity - billed_quantity, 0), quantity), unit, price_id, id, amount,
               CASE WHEN billed_gross = 0 THEN net ELSE round(left_gross / (1 + vat_rate), 2) END,
               CASE WHEN billed_gross = 0 THEN vat ELSE left_gross - round(left_gross / (1 + vat_rate), 2) END, left_gross, NULL
        FROM remaining WHERE binding AND (left_gross > 0 OR NOT known)
        UNION ALL
        SELECT budget_id, plan_item_id, provider_id, 'delivered', extra, period, least(delivered_quantity, quantity), unit, price_id, id, amount,
               round(told / (1 + vat_rate), 2), told - round(told / (1 + vat_rate), 2), told, NULL
        FROM remaining CROSS JOIN LATERAL (SELECT least(left_gross, unbilled) AS told) AS part
        WHERE binding AND delivered_quantity > 0 AND told > 0
    )
"""  # noqa: S608 - our own words
