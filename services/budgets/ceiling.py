"""The ceiling of a budget: what the decision grants, frozen.

Either the decision grants an amount, or it replaces a quantity of a standard service, whose own unit cost in force **on the
decision date** then makes the ceiling. `Budget.ceiling_basis` keeps what the decision said (`said`) and, while the ceiling is not
known, why and what to do (`reason`); `Budget.ceiling_price_id` the price version. Only a decision that says something else moves
a known ceiling: later prices do not.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.i18n import N_
from services.budgets.matching import CITED, DENOMINATOR, NUMERATOR, figure, preference, prices_for

#: Beyond this a figure is a slip of somebody's keyboard (euros), and sums of such figures would not fit their columns.
IMPLAUSIBLE = 10_000_000

NOTHING_STATED = N_(
    "The decision states neither a granted amount nor a quantity of a service it replaces."
    " Complete it in the client information system."
)
NO_DATE = N_("The decision has no date yet, so the reference price cannot be looked up. Add the date of the decision.")
NO_REFERENCE_PRICE = N_(
    "No own unit cost of {service} per {unit} was in force on {date}, the day of the decision."
    " Import the unit costs of that day."
)
IMPLAUSIBLE_CEILING = N_(
    "The decision replaces {quantity} × {unit} of {service}: too much to be true. Check the decision."
)

_REFERENCE = prices_for(
    "baseline_quantity",
    "baseline_unit",
    whose="price_key.provider_id IS NULL AND price_key.service_id = baseline_service_id",
    during="price.valid @> decided_on",
)

#: Rows in: budgets. Rows out: those among them whose ceiling is new, or unknown for a new reason. A known ceiling whose decision
#: still says the same is passed over before any price is looked up.
_FREEZE = text(
    f"""
    WITH stated AS (
        SELECT budget.id, decision.granted_amount, decision.decided_on, service.code AS service,
               decision.baseline_service_id, decision.baseline_quantity, decision.baseline_unit, basis.said
        FROM budget
        JOIN decision ON decision.id = budget.decision_id
        LEFT JOIN service ON service.id = decision.baseline_service_id
        CROSS JOIN LATERAL (SELECT jsonb_build_object(
            'granted_amount', decision.granted_amount, 'decided_on', decision.decided_on,
            'service_id', decision.baseline_service_id, 'quantity', decision.baseline_quantity, 'unit', decision.baseline_unit
        ) AS said) AS basis
        WHERE budget.id = ANY(:ids) AND (budget.ceiling IS NULL OR budget.ceiling_basis -> 'said' IS DISTINCT FROM basis.said)
    ), referenced AS (
        SELECT stated.*, reference.id AS price_id,
               CASE WHEN reference.vat_inclusive THEN figure ELSE figure + round(figure * reference.vat_rate, 2) END AS figure
        FROM stated
        LEFT JOIN LATERAL (
            SELECT {CITED} AS id, price.vat_inclusive, price.vat_rate,
                   {figure("baseline_quantity", "price.amount", "price_key.base_quantity", NUMERATOR, DENOMINATOR)} AS figure
            FROM (SELECT WHERE stated.granted_amount IS NULL) AS asked {_REFERENCE}
            ORDER BY {preference("baseline_unit")}
            LIMIT 1
        ) AS reference ON true
    ), frozen AS (
        SELECT id,
            CASE WHEN granted_amount IS NOT NULL THEN granted_amount WHEN figure < :implausible THEN figure END AS ceiling,
            CASE WHEN figure < :implausible THEN price_id END AS price_id,
            jsonb_build_object('said', said, 'reason', CASE
                WHEN granted_amount IS NOT NULL OR figure < :implausible THEN NULL
                WHEN baseline_service_id IS NULL OR baseline_quantity IS NULL OR baseline_unit IS NULL
                    THEN jsonb_build_object('msgid', CAST(:nothing_stated AS text), 'params', jsonb_build_object())
                WHEN decided_on IS NULL
                    THEN jsonb_build_object('msgid', CAST(:no_date AS text), 'params', jsonb_build_object())
                WHEN price_id IS NULL
                    THEN jsonb_build_object('msgid', CAST(:no_price AS text), 'params',
                                            jsonb_build_object('service', service, 'unit', baseline_unit, 'date', decided_on))
                ELSE jsonb_build_object('msgid', CAST(:implausible_ceiling AS text), 'params', jsonb_build_object(
                         'service', service, 'unit', baseline_unit, 'quantity', CAST(trim_scale(baseline_quantity) AS text)))
            END) AS basis
        FROM referenced
    )
    UPDATE budget SET ceiling = frozen.ceiling, ceiling_price_id = frozen.price_id, ceiling_basis = frozen.basis
    FROM frozen
    WHERE budget.id = frozen.id AND budget.ceiling_basis IS DISTINCT FROM frozen.basis
       OR budget.id = frozen.id AND budget.ceiling IS DISTINCT FROM frozen.ceiling
    """  # noqa: S608 - our own words
).bindparams(
    implausible=IMPLAUSIBLE,
    nothing_stated=NOTHING_STATED,
    no_date=NO_DATE,
    no_price=NO_REFERENCE_PRICE,
    implausible_ceiling=IMPLAUSIBLE_CEILING,
)


def freeze_ceilings(session: Session, budget_ids: Sequence[int]) -> int:
    """Set the ceilings of budgets whose decision says something new, or whose ceiling was not known. Returns how many moved."""
    return session.execute(_FREEZE, {"ids": budget_ids}).rowcount  # type: ignore[attr-defined,no-any-return]
