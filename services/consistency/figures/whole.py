"""A budget put together: its lines, what they add up to, what is left, and how that is judged."""

from decimal import Decimal, localcontext
from typing import Final

from services.consistency.figures.ordered import order_lines
from services.consistency.figures.planned import planned_lines
from services.consistency.figures.said import By, Figures, Kept

#: More digits than any product or quotient of two columns needs to be rounded once and rightly.
DIGITS: Final = 60
#: No sum of a budget is larger (euros): beyond it figures are some system's mistake, and are kept as this.
BELIEVED: Final = Decimal(1_000_000_000)
#: What is left has to be below this to fit its column.
_FITS: Final = Decimal(10_000_000_000)


def calculate(kept: Kept, by: By) -> Figures:
    """What a budget comes to by its rows; the ceiling is taken as it was fixed (`ceiling` looks whether it was rightly)."""
    with localcontext(prec=DIGITS):
        decided = kept.decided
        lines = list(order_lines(kept.orders, by))
        if decided.goes_on and not decided.ended:
            lines += [line for item in kept.items for line in planned_lines(decided, item, by)]
        sums = {
            kind: sum((line.gross for line in lines if line.kind == kind and line.gross is not None), Decimal(0))
            for kind in ("invoiced", "delivered", "ordered", "planned")
        }
        beyond = max(map(abs, sums.values())) > BELIEVED
        sums = {kind: max(min(total, BELIEVED), -BELIEVED) for kind, total in sums.items()}
        used = sums["invoiced"] + sums["ordered"] + sums["planned"]
        ceiling = kept.ceiling
        unknown = ceiling is None or beyond or any(line.kind == "unpriced" for line in lines)
        left = None if ceiling is None else ceiling - used
        if left is not None and left >= _FITS:
            unknown = True
        return Figures(
            ceiling,
            **sums,
            free=None if unknown else left,
            state=_state(kept, ceiling, used, by, unknown=unknown),
            lines=tuple(lines),
        )


def _state(kept: Kept, ceiling: Decimal | None, used: Decimal, by: By, *, unknown: bool) -> str:
    decided = kept.decided
    ran_out = not decided.never and decided.days.after is not None and decided.days.after <= by.today
    if decided.ended or ran_out:
        return "ended"
    if unknown or ceiling is None:
        return "unpriced"
    if used <= ceiling * by.near:
        return "ok"
    if used <= ceiling:
        return "near"
    return "within_tolerance" if used <= ceiling * (1 + by.tolerance) else "over"
