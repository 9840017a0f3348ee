"""What an answer means for its order: pure functions, from what is ordered and what is answered to what shall become of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from core.errors import Message
from core.i18n import N_
from core.money import round_half_up
from services.orders.replies.answer_values import OPEN, Answer, Held, Line, LineAnswer
from services.orders.show import STATE_NAMES

#: Euros a line's amount may be off, as Peppol's rules have it: prices are rounded.
_TOLERANCE: Final = Decimal("0.02")
#: More of anything is a mistake.
_MOST: Final = Decimal(10_000_000)
#: A price is for at least so much: what is less is kept as nothing, and prices are divided by it.
_LEAST: Final = Decimal("0.0001")
_BEFORE: Final = N_("{order} is {state} already, and this answer says something else.")
_ENDED: Final = N_("{order} is {state}; an answer changes nothing any more.")
_TO_DECIDE: Final = N_("The provider proposes changes to {order}: somebody must accept or decline them.")


@dataclass(frozen=True)
class Verdict:
    """What becomes of an answer; `moves_to`: the state of the order after it, None: as it is."""

    state: Literal["applied", "held", "refused", "repeated"]
    reason: Message | None = None
    moves_to: str | None = None


def judge(order: Held, answer: Answer) -> Verdict:
    """What shall become of an answer to an order."""
    refused = _stranger(order, answer) or _implausible(answer)
    if refused is not None:
        return Verdict("refused", refused)
    return _said_before(order, answer) or _new_answer(order, answer)


def _new_answer(order: Held, answer: Answer) -> Verdict:
    if answer.code == "AB":
        return Verdict("applied", moves_to="received" if order.state in set(OPEN) - {"received", "changed"} else None)
    if order.state in {"cancelled", "closed"}:
        return _to_what_has_ended(order, answer)
    if order.state not in OPEN and answer.by is None:
        return _once_more(order, answer)
    wrong = next(objections(order, answer.starts_on, answer.ends_on, answer.lines), None)
    if answer.code == "CA":
        return Verdict("held", wrong or Message(_TO_DECIDE, order=order.number), "changed")
    if answer.code == "AP" and wrong is not None:
        return Verdict("held", wrong)
    return Verdict("applied", moves_to="accepted" if answer.code == "AP" else "rejected")


def _said_before(order: Held, answer: Answer) -> Verdict | None:
    """`repeated`, where the same was answered before; `refused`, where another answer has the same number. None: it is news."""
    same_number = [one for one in order.standing if answer.external_id and one.external_id == answer.external_id]
    latest = next((one for one in reversed(order.standing) if one.state in {"applied", "held"}), None)
    for one in [*same_number, *([latest] if latest else [])]:
        if (one.code, one.starts_on, one.note) == (answer.code, answer.starts_on, answer.note) and (
            set(map(_fingerprint, one.lines)) == set(map(_fingerprint, answer.lines))
        ):
            return Verdict("repeated", Message("The same answer to {order} came before.", order=order.number))
    if same_number:
        return Verdict(
            "refused",
            Message(
                "Answer {id} to {order} came before and said something else.", id=answer.external_id, order=order.number
            ),
        )
    return None


def _fingerprint(line: LineAnswer) -> tuple[Any, ...]:
    """What tells two answers to a line apart."""
    base = None if line.amount is None else line.base_quantity.normalize()
    numbers = tuple(None if one is None else one.normalize() for one in (line.quantity, line.amount))
    return (line.line_number, line.code, *numbers, base, line.unit, line.first, line.last)


def objections(
    order: Held, starts_on: date | None, ends_on: date | None, lines: Sequence[LineAnswer]
) -> Iterator[Message]:
    """What goes beyond the order, so that nobody may accept it as it is: days, quantities, prices, lines."""
    yield from _days_outside(order.first, order.last, starts_on, ends_on)
    known = {one.line_number: one for one in order.lines}
    for line in lines:
        there = None if line.line_number is None or line.code == "1" else known.get(line.line_number)
        if there is None:
            yield Message("The answer adds something to the order: its line {line}.", line=line.line_number or "–")
        elif line.code in {"3", "5"}:
            yield from _beyond(there, line)


def _days_outside(first: date, last: date, starts_on: date | None, ends_on: date | None) -> Iterator[Message]:
    days = [one for one in (starts_on, ends_on) if one is not None]
    if any(not first <= one <= last for one in days):
        yield Message(
            "The answer promises {date}, which is outside the order's days, {first} to {last}.",
            date=next(one for one in days if not first <= one <= last).isoformat(),
            first=first.isoformat(),
            last=last.isoformat(),
        )


def _beyond(ordered: Line, line: LineAnswer) -> Iterator[Message]:
    if line.unit is not None and line.unit != ordered.unit:
        yield Message("Line {line} is ordered in another unit than is answered.", line=ordered.line_number)
    elif line.quantity is not None and line.quantity > ordered.quantity:
        yield Message(
            "Line {line}: the answer says more than was ordered, {quantity} instead of {agreed}.",
            line=ordered.line_number,
            quantity=str(line.quantity.normalize() + 0),
            agreed=str(ordered.quantity.normalize() + 0),
        )
    elif line.amount is not None and (
        round_half_up(line.amount * ordered.quantity / line.base_quantity) > ordered.net + _TOLERANCE
    ):
        yield Message("Line {line}: the answer says a higher price than was ordered.", line=ordered.line_number)
    if any(one is not None and not ordered.first <= one <= ordered.last for one in (line.first, line.last)):
        yield Message("Line {line}: the answer promises days outside those ordered.", line=ordered.line_number)


def _stranger(order: Held, answer: Answer) -> Message | None:
    """Why an answer is not the provider's; None: it is, or it came by a way only the provider has."""
    if answer.business_id is None and answer.endpoint is None:
        return None
    known = {order.endpoint, "0037" + order.business_id.replace("-", "")}
    if answer.business_id == order.business_id or (answer.business_id is None and answer.endpoint in known):
        return None
    return Message("The answer comes from another seller than {order} went to.", order=order.number)


def _implausible(answer: Answer) -> Message | None:
    """Figures and days that are some system's mistake, and that no column of ours holds."""
    days = [one for line in answer.lines for one in (line.first, line.last)]
    days += [answer.starts_on, answer.ends_on, answer.issued_on]
    figures = [one for line in answer.lines for one in (line.quantity, line.amount, line.base_quantity)]
    if any(one is not None and not 2000 <= one.year <= 2200 for one in days):
        return Message("The answer names a day that cannot be meant.")
    if any(one is not None and not 0 <= one < _MOST for one in figures) or any(
        one.base_quantity < _LEAST for one in answer.lines
    ):
        return Message("The answer names a quantity or a price that cannot be meant.")
    return None


def _to_what_has_ended(order: Held, answer: Answer) -> Verdict:
    """What says no more than is so already is noted; the rest a person must hear of."""
    ended = Message(_ENDED, order=order.number, state=Message(STATE_NAMES[order.state]))
    if answer.code == {"cancelled": "RE", "closed": "AP"}[order.state]:
        return Verdict("applied")
    return Verdict("refused" if answer.by else "held", ended)


def _once_more(order: Held, answer: Answer) -> Verdict:
    """A second answer: one that says no more than the first is noted, another one waits for a person."""
    same = {"AP": "accepted", "RE": "rejected"}.get(answer.code) == order.state
    if same and (answer.starts_on is None or answer.code == "RE"):
        return Verdict("applied")
    return Verdict("held", Message(_BEFORE, order=order.number, state=Message(STATE_NAMES[order.state])))
