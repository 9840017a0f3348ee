"""How much of a planned quantity falls on which days, in SQL: one expression for budgets and for orders.

`round(Q·d/D, step)`, never more than Q, the last day exactly Q (DESIGN "Budgets"; core.money.quantity_until says the same in
Python). The share of any days is the difference of two such values, so the parts always add up to the whole, however an item
is cut by prices and orders.
"""

#: For units without a row of their own in unit_rule.
DEFAULT_STEP = "0.01"


def cumulative(quantity: str, day: str, days: str, step: str) -> str:
    """SQL for the quantity of the first `day` of `days` days. Arguments are SQL expressions; `day` is clamped to 0..days.

    `quantity` and `step` are numeric (> 0), `day` and `days` integers (`days` >= 1).
    """
    part = f"round({quantity} * {day} / ({days} * {step})) * {step}"
    return f"CASE WHEN {day} >= {days} THEN {quantity} WHEN {day} <= 0 THEN 0 ELSE least({part}, {quantity}) END"


def share(quantity: str, whole: str, part: str, step: str) -> str:
    """SQL for the quantity that falls on the days `part` of the period `whole`; both are bounded dateranges, `part` inside.

    The result is exact: shares of adjoining parts add up to the share of their union.
    """
    days = f"(upper({whole}) - lower({whole}))"
    until = cumulative(quantity, f"(upper({part}) - lower({whole}))", days, step)
    before = cumulative(quantity, f"(lower({part}) - lower({whole}))", days, step)
    return f"({until}) - ({before})"
