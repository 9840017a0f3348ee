"""A budget put together: its lines, sums, what is left, the state and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.support.budget_oracle.ceilings import Frozen
from tests.support.budget_oracle.orders import order_lines
from tests.support.budget_oracle.said import Decided, Limits
from tests.support.budget_oracle.shares import Line, planned_lines

#: No sum is larger, euros; and what is left has to fit its column.
_MOST = 1_000_000_000
_FITS = Fraction(999_999_999_999, 100)


@dataclass
class Answer:
    """The budget as it should be; `reasons` are names of reasons, not their words."""

    ceiling: Fraction | None
    invoiced: Fraction = Fraction(0)
    delivered: Fraction = Fraction(0)
    ordered: Fraction = Fraction(0)
    planned: Fraction = Fraction(0)
    free: Fraction | None = None
    state: str = ""
    reasons: set[str] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)


def calculate(
    decided: Decided,
    ceiling: Frozen,
    *,
    limits: Limits,
    today: date,
    case_goes_on: bool = True,
    beside: Iterable[Decided] = (),
) -> Answer:
    """The budget of a decision on a day; `beside` are the other decisions of its case."""
    answer = Answer(ceiling.amount)
    if case_goes_on and not decided.ended:
        for item in decided.items:
            if not item.ended:
                answer.lines += planned_lines(decided, item, limits)
    answer.lines += order_lines(decided, today=today, close_after=limits.close_after)
    answer.reasons = {one.reason for one in answer.lines if one.reason}
    unknown = any(one.kind == "unpriced" for one in answer.lines) or ceiling.amount is None
    if ceiling.reason:
        answer.reasons.add(ceiling.reason)
    others = [] if decided.ended else [one for one in beside if not one.ended and _overlap(decided, one)]
    if others:
        other = min(others, key=lambda one: one.name)
        bounded = (decided.first or other.first) and (decided.last or other.last)
        answer.reasons.add("OVERLAP" if bounded else "OVERLAP_OPEN")

    sums = {kind: sum((one.gross for one in answer.lines if one.kind == kind), Fraction(0)) for kind in ("invoiced", "delivered", "ordered", "planned")}  # fmt: skip
    used = sums["invoiced"] + sums["ordered"] + sums["planned"]
    left = None if ceiling.amount is None else ceiling.amount - used
    if any(abs(sums[kind]) > _MOST for kind in ("invoiced", "ordered", "planned")) or (
        left is not None and abs(left) > _MOST
    ):
        unknown = True
        answer.reasons.add("IMPLAUSIBLE_TOTAL")
    for kind, total in sums.items():
        setattr(answer, kind, max(-Fraction(_MOST), min(Fraction(_MOST), total)))
    answer.free = None if unknown else left
    answer.state = _state(decided, used, answer.ceiling, limits, today, unknown=unknown)
    return answer


def _state(
    decided: Decided, used: Fraction, ceiling: Fraction | None, limits: Limits, today: date, *, unknown: bool
) -> str:
    if decided.ended or (decided.last is not None and decided.last < today):
        return "ended"
    if unknown or ceiling is None:
        return "unpriced"
    if used <= ceiling * Fraction(limits.near):
        return "ok"
    if used <= ceiling:
        return "near"
    return "within_tolerance" if used <= ceiling * (1 + Fraction(limits.tolerance)) else "over"


def _overlap(one: Decided, other: Decided) -> bool:
    """Whether both say that they hold on some day; one that says nothing of its validity is not compared."""
    if (one.first, one.last) == (None, None) or (other.first, other.last) == (None, None):
        return False
    firsts = [day for day in (one.first, other.first) if day is not None]
    lasts = [day for day in (one.last, other.last) if day is not None]
    return not firsts or not lasts or max(firsts) <= min(lasts)
