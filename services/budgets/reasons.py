"""Why a budget is not what it could be, in SQL: a sentence for every share without a price, and what to do about it.

Also what is no fault of a share: sums beyond belief, and another decision of the case that grants the same days.
"""

from core.i18n import N_
from services.budgets.matching import converts

NO_PROVIDER = N_("{service}: no provider has been chosen yet, so it has no price.")
NO_PRICE = N_(
    "{service}: no price of {provider} is in force from {first} to {last}."
    " Ask the price manager for a price list that covers these days."
)
NO_EXTRA_PRICE = N_(
    "{service}: no price of {provider} for what comes beside it (travel, missed visits) is in force from {first} to {last}."
    " Ask the price manager for a price list that covers these days."
)
OTHER_UNIT = N_(
    "{service}: planned by the {unit}, but {provider} prices it by the {priced_unit}, so it cannot be priced."
    " Ask for a price by the {unit}, or plan the service by the {priced_unit}."
)
OUTSIDE_DECISION = N_(
    "{service}: planned from {first} to {last}, which decision {decision} does not grant."
    " Correct the plan or the decision's validity in the client information system."
)
IMPLAUSIBLE_SHARE = N_(
    "{service}: {quantity} × {unit} from {first} to {last} come to more than can be true. Check the plan."
)
IMPLAUSIBLE_TOTAL = N_("The figures add up to more than can be true. Check the plan, the orders and the invoices.")
OVERLAP = N_(
    "Decision {other} of the same case also grants the days from {first} to {last}."
    " Check that the same need is not paid for twice."
)
#: The same where one of the two has no last day, or no first one.
OVERLAP_OPEN = N_(
    "Decision {other} of the same case is valid on the same days. Check that the same need is not paid for twice."
)

#: Values the pieces below need.
REASON_VALUES = {
    "no_provider": NO_PROVIDER,
    "no_price": NO_PRICE,
    "no_extra_price": NO_EXTRA_PRICE,
    "other_unit": OTHER_UNIT,
    "outside_decision": OUTSIDE_DECISION,
    "implausible_share": IMPLAUSIBLE_SHARE,
    "overlap": OVERLAP,
    "overlap_open": OVERLAP_OPEN,
}


def _message(msgid: str, **params: str) -> str:
    """SQL of a Message: `msgid` names a value, `params` are SQL expressions."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in params.items())
    return f"jsonb_build_object('msgid', CAST(:{msgid} AS text), 'params', jsonb_build_object({pairs}))"


_WHAT = {"service": "service.code"}
_WHO = {**_WHAT, "provider": "provider.name"}
_DAYS = {"first": "lower(unpriced.period)", "last": "upper(unpriced.period) - 1"}
_OTHER = {"other": "coalesce(another.number, another.external_id)"}
_HOW_MUCH = {"quantity": "CAST(trim_scale(unpriced.quantity) AS text)", "unit": "unpriced.unit"}

#: Common table expression `reason` after LINES. Rows in: unpriced lines, and the decisions of the budgets. Rows out: why, as a Message; what does
#: not depend on days (no choice, a foreign unit) once for an item, however many shares it has. `plan_item_id` is NULL for an overlap.
REASONS = f"""
    reason AS (
        SELECT DISTINCT unpriced.budget_id, unpriced.plan_item_id, CASE
            WHEN unpriced.outside THEN {_message("outside_decision", **_WHAT, decision="target.decision", **_DAYS)}
            WHEN unpriced.provider_id IS NULL THEN {_message("no_provider", **_WHAT)}
            WHEN unpriced.price_id IS NOT NULL THEN {_message("implausible_share", **_WHAT, **_HOW_MUCH, **_DAYS)}
            WHEN unpriced.extra <> '' THEN {_message("no_extra_price", **_WHO, **_DAYS)}
            WHEN other.unit IS NOT NULL THEN {_message("other_unit", **_WHO, unit="unpriced.unit", priced_unit="other.unit")}
            ELSE {_message("no_price", **_WHO, **_DAYS)}
        END AS message
        FROM line AS unpriced
        JOIN target USING (budget_id)
        JOIN service ON service.id = unpriced.service_id
        LEFT JOIN provider ON provider.id = unpriced.provider_id
        CROSS JOIN LATERAL (
            -- a unit the provider prices the service in on these days, where none of them converts into the planned one
            SELECT CASE WHEN NOT bool_or({converts("unpriced.unit", "price_key.unit")}) THEN min(price_key.unit) END AS unit
            FROM price_key
            JOIN price ON price.price_key_id = price_key.id AND price.superseded_at IS NULL AND (price.valid && unpriced.period) IS TRUE
            WHERE price_key.provider_id = unpriced.provider_id AND price_key.service_id = unpriced.service_id AND price_key.extra = ''
        ) AS other
        WHERE unpriced.kind = 'unpriced'
        UNION ALL
        SELECT target.budget_id, NULL, CASE WHEN lower_inf(another.both) OR upper_inf(another.both)
            THEN {_message("overlap_open", **_OTHER)}
            ELSE {_message("overlap", **_OTHER, first="lower(another.both)", last="upper(another.both) - 1")}
        END
        FROM target
        CROSS JOIN LATERAL (
            SELECT sibling.number, sibling.external_id, sibling.valid * target.valid AS both
            FROM decision AS sibling
            WHERE sibling.case_id = target.case_id AND sibling.id <> target.decision_id AND sibling.ended_at IS NULL AND sibling.valid && target.valid
            ORDER BY sibling.id LIMIT 1
        ) AS another
        WHERE target.ended_at IS NULL
    )
"""  # noqa: S608 - our own words
