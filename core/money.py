"""Money and quantities: Decimal, euros, round half up, once per calculated line.

Amounts carry two decimals, unit prices up to four (DOMAIN "Money"). A quantity that is spread over days is cut with
`quantity_until`, whose differences always add up to the whole; services/budgets/quantities.py states the same rule in SQL.
"""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def round_half_up(value: Decimal, step: Decimal = CENT) -> Decimal:
    """`value` to the nearest multiple of `step` (> 0), halves upwards; the result has the step's decimals."""
    if step is CENT:  # nearly always, and one operation instead of four
        return value.quantize(CENT, rounding=ROUND_HALF_UP)
    return ((value / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step).quantize(step)


def quantity_until(quantity: Decimal, day: int, days: int, step: Decimal) -> Decimal:
    """How much of `quantity` falls on the first `day` of `days` days: `round(Q·d/D, step)` up to Q, the last day exactly Q.

    `day` may lie outside 0..days and is clamped; `days` >= 1.
    """
    if day >= days:
        return quantity
    if day <= 0:
        return Decimal(0) * step
    return min(quantity, round_half_up(quantity * day / days, step))  # never more than there is: 2.6 visits are not 3


def gross_and_net(
    quantity: Decimal, unit_price: Decimal, vat_rate: Decimal, *, inclusive: bool, base_quantity: Decimal = Decimal(1)
) -> tuple[Decimal, Decimal, Decimal]:
    """`(net, vat, gross)` of one line, rounded once. `vat_rate` is a fraction (0.255); `unit_price` per `base_quantity` units
    (0.75 for a price per 45 minutes): divided last, so that nothing is rounded twice.

    A price with VAT in it is rounded gross first, a price without it net first, so the figure people agreed on is exact.
    """
    amount = round_half_up(quantity * unit_price / base_quantity)
    if not vat_rate:
        return amount, ZERO, amount
    if inclusive:
        net = round_half_up(amount / (1 + vat_rate))
        return net, amount - net, amount
    vat = round_half_up(amount * vat_rate)
    return amount, vat, amount + vat
