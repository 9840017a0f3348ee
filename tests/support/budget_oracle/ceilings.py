"""The ceiling: what a decision grants, frozen until the decision says something else."""

from dataclasses import dataclass
from fractions import Fraction

from tests.support.budget_oracle.prices import IMPLAUSIBLE, figures, ranked
from tests.support.budget_oracle.said import Decided


@dataclass(frozen=True)
class Frozen:
    """What the decision said when the ceiling was looked up, and what came of it: an amount, or why there is none."""

    said: tuple[object, ...]
    amount: Fraction | None
    reason: str | None = None


def freeze(decided: Decided, before: Frozen | None = None) -> Frozen:
    """The ceiling as it is from now on: the one before, unless that was not known or the decision says something else."""
    said = (decided.granted, decided.decided_on, decided.quantity, decided.unit)
    if before is not None and before.amount is not None and before.said == said:
        return before
    return Frozen(said, *_look_up(decided))


def _look_up(decided: Decided) -> tuple[Fraction | None, str | None]:
    if decided.granted is not None:
        return Fraction(decided.granted), None
    if decided.quantity is None or decided.unit is None:
        return None, "NOTHING_STATED"
    if decided.decided_on is None:
        return None, "NO_DATE"
    quantity = Fraction(decided.quantity)
    for tariff in ranked(decided.references, decided.unit, quantity):
        if tariff.holds(decided.decided_on):
            amounts = figures(quantity, decided.unit, tariff)
            if amounts is not None and amounts[2] < IMPLAUSIBLE:
                return amounts[2], None
            return None, "IMPLAUSIBLE_CEILING"
    return None, "NO_REFERENCE_PRICE"
