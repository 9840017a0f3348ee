"""Which prices hold for a planned quantity, in SQL: said once for the lines of budgets, their ceilings and the gaps of orders.

A price counts on weekdays, anywhere, in the plan's unit or one that converts into it (core/unit_conversion.py), from its minimum
quantity on. Of several the plan's own unit comes first, then the largest minimum the plan reaches, then the smallest base.
services/compare/pricing.py states the same for one day, in Python.
"""

from core.unit_conversion import CONVERSIONS

_CONVERTING = ", ".join(f"('{unit}', '{priced}')" for unit, priced, *_ in CONVERSIONS)
_CONVERSIONS = ", ".join(f"('{unit}', '{priced}', {over}, {under})" for unit, priced, over, under in CONVERSIONS)
#: SQL for the table of what converts into what, to be joined.
CONVERSION = f"(VALUES {_CONVERSIONS}) AS conversion(unit, priced_unit, numerator, denominator)"

#: What a price must be to count: extras, evenings and weekends, and prices of one place have rules of their own.
PRICES_A_PLAN = "price_key.time_class = 'weekday' AND price_key.territory = '' AND price_key.extra = ''"

#: The version a figure cites: as its list wrote it, not a copy made when it was shortened or brought back.
CITED = "coalesce(price.original_id, price.id)"

#: How many of a price's units one planned unit is; both 1 where the units are the same.
NUMERATOR, DENOMINATOR = "coalesce(conversion.numerator, 1)", "coalesce(conversion.denominator, 1)"


def converts(unit: str, priced_unit: str) -> str:
    """SQL for whether a price per `priced_unit` prices a plan in `unit`."""
    return f"({priced_unit} = {unit} OR ({unit}, {priced_unit}) IN ({_CONVERTING}))"


def prices_for(quantity: str, unit: str, *, whose: str, during: str, extra: str = "''") -> str:
    """SQL that joins `price_key`, `conversion` and `price`: the prices for `quantity` (> 0) of `unit`.

    Arguments are SQL; `whose` is a condition on price_key's provider and service, `during` one on the days of price.valid. An extra
    is priced in its own unit only.
    """
    return f"""
        JOIN price_key ON {whose} AND price_key.extra = {extra} AND price_key.time_class = 'weekday' AND price_key.territory = ''
        LEFT JOIN {CONVERSION}
            ON conversion.unit = {unit} AND conversion.priced_unit = price_key.unit AND price_key.extra = ''
        -- IS TRUE: no index finds prices by their days, for most hold on most days (measured: sixty times slower before statistics are there)
        JOIN price ON price.price_key_id = price_key.id AND price.superseded_at IS NULL AND ({during}) IS TRUE
            AND (price_key.unit = {unit} OR conversion.unit IS NOT NULL)
            AND price_key.minimum_quantity * {DENOMINATOR} <= {quantity} * {NUMERATOR}
    """


def preference(unit: str) -> str:
    """SQL to order by: the price that is taken first among those that hold for a plan in `unit`."""
    ratio = f"{DENOMINATOR} / CAST({NUMERATOR} AS numeric)"
    return (
        f"price_key.unit <> {unit}, price_key.minimum_quantity * {ratio} DESC, price_key.base_quantity * {ratio},"
        " price_key.unit, price.id"
    )


def figure(quantity: str, amount: str, base_quantity: str, numerator: str, denominator: str) -> str:
    """SQL for what a quantity comes to before VAT is split off: rounded half up, once per line; divided last, so rounded nowhere else."""
    return f"round({quantity} * {numerator} * {amount} / ({base_quantity} * {denominator}), 2)"
